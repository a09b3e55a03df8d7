# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operator asks of a daemon that moves packets."""
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from control import CTL, Client, ctl, ctl_json, path_of
from daemon import SLOW
from space import wait_until
from topology import FAR
from traffic import Pings, answered, ping

RULES = "[rule pings]\nproto = icmp\nset-dscp = cs1\n[rule never]\ndst = 192.0.2.222\nverdict = drop\n"


def test_status_counts_what_passed(wire, daemons, family):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    assert ping(wire.host, FAR[family], 20) == (20, 20)
    status = ctl_json(daemon, "status")
    assert status["packets"]["in"] == status["packets"]["out"] == status["packets"]["edited"] == 20
    assert sum(status["drops"].values()) == 0
    assert status["device"] == "tun0" and status["directions"] == ["out"]
    assert status["configuration"]["generation"] == 1
    assert status["configuration"]["files"] == [str(daemon.config)]
    assert status["pid"] == daemon.process.pid
    assert 0 < status["uptime_seconds"] < 60 and status["memory_bytes"] > 1 << 20
    text = ctl(daemon, "status").stdout
    assert "in 20, out 20" in text and str(daemon.config) in text


def test_rates_of_the_moment(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    begin, pings = time.monotonic(), Pings(wire.host, FAR[4], 0.01)
    time.sleep(3)
    rates = ctl_json(daemon, "status")["rates"]
    took = time.monotonic() - begin
    sent = len(answered(pings.finish())) / took
    assert 0.4 * sent <= rates["in_packets"] <= 110, sent
    assert rates["in_packets"] * 84 * 7 < rates["in_bits"]
    wait_until(lambda: ctl_json(daemon, "status")["rates"]["in_packets"] == 0, "silence", 10 * SLOW)


def test_rules_and_their_reset(wire, daemons, family):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    ping(wire.host, FAR[family], 7)
    rules = ctl_json(daemon, "rules")["rules"]
    assert [rule["name"] for rule in rules] == ["pings", "never"]
    assert [rule["packets"] for rule in rules] == [7, 0]
    assert rules[0]["file"] == str(daemon.config) and rules[0]["line"] == 1
    assert 0 <= rules[0]["last_seconds_ago"] < 10 and "last_seconds_ago" not in rules[1]
    table = ctl(daemon, "rules").stdout
    assert "never" in table and f"pings ({daemon.config}:1)" in table
    assert ctl(daemon, "rules", "--reset").stdout == "all rules count from nothing\n"
    assert ctl_json(daemon, "rules", "--reset") == {"reset": True, "schema": 1}
    assert [rule["packets"] for rule in ctl_json(daemon, "rules")["rules"]] == [0, 0]


def test_a_file_whose_name_is_no_utf_8(wire, daemons):
    """JSON cannot hold it as it is: no rule and no file is left out for that."""
    daemon = daemons(wire.host)
    folder = daemon.directory / "ipmodd.conf.d"
    folder.mkdir(exist_ok=True)
    (folder / os.fsdecode(b"r\xe9gles.conf")).write_text("[rule last]\nttl = 0\n")
    daemon.start(RULES)
    files = ctl_json(daemon, "status")["configuration"]["files"]
    rules = ctl_json(daemon, "rules")["rules"]
    assert files[-1] == f"{folder}/r?gles.conf"
    assert [rule["name"] for rule in rules] == ["pings", "never", "last"]
    assert rules[-1]["file"] == files[-1]


def test_watching(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with subprocess.Popen([CTL, "-s", path_of(daemon), "rules", "-w", "0.2"],
                          stdout=subprocess.PIPE, text=True) as watch:
        ping(wire.host, FAR[4], 50)
        time.sleep(0.5)
        watch.terminate()
        text = watch.communicate()[0]
    assert text.count("packets") >= 2 and " packets/s " in text


def test_reload_answers_when_it_is_over(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with Client(daemon) as client:
        daemon.config.write_text(RULES + "[rule third]\nproto = udp\nset-dscp = ef\n")
        assert client.ask("reload") == {"schema": 1, "generation": 2, "rules": 3}
        daemon.config.write_text("[rule broken]\nproto = nonsense\n")
        error = client.ask("reload")["error"]
        assert error["code"] == "failed" and f"{daemon.config}:2" in error["text"]
        assert client.ask("status")["configuration"]["generation"] == 2
    daemon.config.write_text("[main]\ncontrol = elsewhere\n" + RULES)
    with Client(daemon) as client:
        assert "control: cannot change" in client.ask("reload")["error"]["text"]


def test_who_asks_during_a_reload_gets_another(wire, daemons):
    """Each is told of the one that began after it had asked."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with Client(daemon) as one, Client(daemon) as other:
        assert one.ask("status")["configuration"]["generation"] == 1
        assert other.ask("status")["configuration"]["generation"] == 1
        daemon.signal(signal.SIGSTOP)
        one.say("reload")
        other.say("reload")
        daemon.signal(signal.SIGCONT)
        assert {one.hear()["generation"], other.hear()["generation"]} == {2, 3}


def test_reload_by_ipmodctl(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    assert ctl(daemon, "reload").stdout == "configuration 2 is in force, 2 rules\n"
    daemon.config.write_text("[rule broken]\nproto = nonsense\n")
    done = ctl(daemon, "reload")
    assert done.returncode == 1 and f"{daemon.config}:2" in done.stderr


def test_metrics(wire, daemons):
    """Prometheus' own reader would refuse a family twice, or samples of another one in it."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    ping(wire.host, FAR[4], 5)
    text = ctl(daemon, "metrics").stdout
    lines = text.splitlines()
    assert 'ipmodd_rule_packets_total{rule="pings"} 5' in lines and lines[-1] == "# EOF"
    assert 'ipmodd_dropped_packets_total{reason="rule"} 0' in lines
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    family, endings = "", ()
    for line in lines:
        if line.startswith("# TYPE"):
            _, _, family, kind = line.split()
            endings = ("_bucket", "_sum", "_count") if kind == "histogram" else (" ", "{", "_total")
        assert line.startswith(("# ", *(family + ending for ending in endings))), line


def test_garbage_and_many_clients_lose_no_packet(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    asking = [Client(daemon) for _ in range(200)]
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            with socket.socket(socket.AF_UNIX) as raw:
                raw.settimeout(1)
                try:
                    raw.connect(path_of(daemon))
                    raw.sendall(os.urandom(5000) + b"\nstatus\n" * 50)
                except OSError:
                    pass

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        sent, received = ping(wire.host, FAR[4], 200, patience=15)
        for client in asking:
            assert client.ask("status")["packets"]["in"] >= 1
    finally:
        stop.set()
        thread.join()
        for client in asking:
            with client:
                pass
    assert (sent, received) == (200, 200)
    assert ctl_json(daemon, "status")["packets"]["in"] >= 200


def test_who_may_ask(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    pathlib.Path(daemon.directory).chmod(0o755)
    done = ctl(daemon, "status", user=65534, group=65534, extra_groups=[])
    assert done.returncode == 4 and "Permission denied" in done.stderr


def test_nobody_there(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start("[main]\ncontrol = off\n")
    assert ctl(daemon, "status").returncode == 3
    assert not os.path.exists(path_of(daemon))


def test_a_place_of_its_own(wire, daemons):
    """Relative to the file; gone after the stop; a crash's rest is replaced."""
    daemon = daemons(wire.host)
    configuration = "[main]\ncontrol = here.socket\n"
    place = daemon.directory / "here.socket"
    for end in (daemon.kill, daemon.stop):
        daemon.start(configuration)
        done = subprocess.run([CTL, "-s", str(place), "-j", "status"], capture_output=True,
                              text=True, check=False, timeout=10 * SLOW)
        assert done.returncode == 0, done.stderr
        end()
    assert not place.exists()


# As systemd does it (sd_listen_fds(3)); the socket blocks unless the unit says otherwise.
PASS_SOCKET = """\
import os, socket, sys
os.makedirs("/run/ipmodd")
listener = socket.socket(socket.AF_UNIX)
listener.bind("/run/ipmodd/control")
listener.listen()
if listener.fileno() != 3:
    os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_socket_that_was_passed(wire, daemons):
    """Is served, and is not ours to remove."""
    daemon = daemons(wire.host)
    daemon.start(RULES, prefix=("python3", "-c", PASS_SOCKET))
    for _ in range(3):
        assert ctl_json(daemon, "status")["pid"] == daemon.process.pid
    with Client(daemon) as first, Client(daemon) as second:
        assert first.ask("status")["pid"] == second.ask("status")["pid"]
    assert daemon.stop() == 0
    assert os.path.exists(path_of(daemon))


def test_a_place_that_is_taken(wire, daemons):
    daemon = daemons(wire.host)
    (daemon.directory / "taken").write_text("a file of somebody else")
    done = daemon.once(config=f"[main]\ncontrol = {daemon.directory}/taken\n")
    assert done.returncode == 1 and "no control socket" in done.stderr
    assert (daemon.directory / "taken").read_text() == "a file of somebody else"


@pytest.mark.parametrize("arguments,code", [
    (["status", "-w", "0"], 2), (["-w", "1", "status"], 2), (["status", "-w", "x"], 2), (["rules", "more"], 2),
    (["rules", "--nonsense"], 2), (["sttus"], 2)])
def test_wrong_command_lines(wire, daemons, arguments, code):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    assert ctl(daemon, *arguments).returncode == code
