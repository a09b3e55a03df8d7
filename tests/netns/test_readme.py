# SPDX-License-Identifier: GPL-2.0-or-later
"""What README shows is what the programs say: its samples of output are compared with theirs."""
import os
import pathlib
import re
import socket

from scapy.utils import wrpcap

from control import CTL, ctl, path_of
from packets import echo_request, ip, send, tcp, udp
from space import PATIENCE, wait_until
from topology import FAR, HOST
from traffic import ping
from watching import watch

README = (pathlib.Path(os.environ["IPMODD_SOURCE"]) / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
CONFIG = next(text for kind, text in BLOCKS if kind == "ini")
CONF = "/etc/ipmodd/ipmodd.conf"


def shown(command):
    """The lines that README shows behind the line with COMMAND, up to the next prompt or …"""
    for _, text in BLOCKS:
        lines = text.splitlines()
        for number, line in enumerate(lines):
            if re.match(r"[#$] ", line) and command in line:
                found = []
                for said in lines[number + 1:]:
                    if re.match(r"[#$] |…", said):
                        break
                    found.append(said)
                return found
    raise AssertionError(f"README does not show {command}")


def said(daemon, text):
    """Lines of a program, with the path that README has."""
    return text.replace(str(daemon.config), CONF).splitlines()


def ask(space, port):
    """A datagram of one byte to somebody who refuses it."""
    with space, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((FAR[4], port))
        client.settimeout(PATIENCE)
        client.send(b"\n")
        try:
            client.recv(1)
        except ConnectionRefusedError:
            return True
    return False


def test_twenty_seconds(wire, daemons):
    """From the check to the way back, line by line."""
    daemon = daemons(wire.host)
    checked = daemon.once("--check", config=CONFIG)
    assert (checked.stdout + checked.stderr).splitlines() == shown("ipmodd --check -c")
    daemon.start(CONFIG)
    assert ping(wire.host, "203.0.113.7", 1) == (1, 1)
    assert ask(wire.host, 443)
    assert said(daemon, ctl(daemon, "rules").stdout) == shown("ipmodctl rules")
    assert ctl(daemon, "disable", "no-quic").stdout.splitlines() == shown("ipmodctl disable")
    extra = daemon.directory / "ipmodd.conf.d"
    extra.mkdir(exist_ok=True)
    oops = re.search(r"printf '(.*)' >", README).group(1).replace(r"\n", "\n")
    (extra / "oops.conf").write_text(oops, encoding="utf-8")
    assert ctl(daemon, "reload", "--confirm", "1s").stdout.splitlines() == [
        line.replace("10 s", "1 s") for line in shown("reload --confirm 10s")]
    wait_until(lambda: "in force again" in daemon.log(), daemon.log)
    lines = [re.sub("^ipmodd: (warning: )?", "", line) for line in daemon.log().splitlines()]
    assert lines[-2:] == shown("journalctl -u ipmodd -n 2")


def test_status_and_doctor(wire, daemons):
    """Figures differ; what they are called does not."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    labels = [line[:16] for line in ctl(daemon, "status").stdout.splitlines()[1:]]
    for line in shown("ipmodctl status")[1:]:
        assert line[:16] in labels or line.startswith("dropped"), (line, labels)
    wire.host.run("iptables -P FORWARD DROP")
    done = wire.host.run([CTL, "-s", path_of(daemon), "doctor"], check=False)
    real = [line for line in done.stdout.splitlines() if not line.startswith("note")]
    *wanted, counts = shown("ipmodctl doctor")
    assert real[:len(wanted)] == wanted, done.stdout
    assert re.sub(r"\d+", "N", real[-1]) == re.sub(r"\d+", "N", counts)


def test_trace(wire, daemons):
    daemon = daemons(wire.host)
    daemon.config.write_text(CONFIG, encoding="utf-8")
    packet = re.search(r"ipmodctl trace -c ipmodd.conf '(.*)'", README).group(1)
    done = wire.host.run([CTL, "trace", "-c", str(daemon.config), packet])
    real = done.stdout.replace(str(daemon.config), "ipmodd.conf").splitlines()
    wanted = shown("ipmodctl trace")
    assert real[:len(wanted)] == wanted, done.stdout


def test_replay(wire, daemons):
    """One packet for each rule, and one for none; the two that are answered make up for themselves."""
    daemon = daemons(wire.host)
    daemon.config.write_text(CONFIG, encoding="utf-8")
    before = daemon.directory / "before.pcap"
    wrpcap(str(before), [ip(4, HOST[4], to) / above for to, above in (
        (FAR[4], udp(4000, 20000, bytes(32))), ("203.0.113.7", echo_request(4, payload=bytes(56))),
        (FAR[4], udp(4000, 443, bytes(1200))), (FAR[4], tcp(4000, 80)))])
    done = wire.host.run([CTL, "replay", "-c", str(daemon.config), "--local", HOST[4], str(before),
                          str(daemon.directory / "after.pcap")])
    real = re.sub("seed [0-9]+", "seed N", done.stdout.replace(str(daemon.config), "ipmodd.conf"))
    wanted = [re.sub("seed [0-9]+", "seed N", line) for line in shown("ipmodctl replay")]
    assert real.splitlines()[:len(wanted)] == wanted, done.stdout


def test_monitor(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start("[rule dns]\nproto = udp\ndport = 53\nset-ttl = 9\n")
    with watch(daemon, "monitor", "proto=udp", "dport=53") as monitor:
        send(wire.host, ip(4, HOST[4], FAR[4], ttl=33) / udp(4000, 53, b"question"))
        line = monitor.lines(1)[0]
    without_time = lambda text: re.sub(r"^[0-9:.]+ ", "", text)
    assert [without_time(line)] == [without_time(text) for text in shown("ipmodctl monitor")]
