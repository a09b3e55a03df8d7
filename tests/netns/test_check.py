# SPDX-License-Identifier: GPL-2.0-or-later
"""A configuration that the daemon is asked about: judged, compared, and never put in force."""
import json
import os
import select
import subprocess

import pytest

from control import Client, ctl, ctl_json, path_of
from daemon import Daemon
from topology import FAR, Network, wire_topology
from traffic import ping

RULES = "[rule web]\nproto = tcp\ndport = 80\nset-dscp = cs1\n[rule old]\nproto = udp\nverdict = drop\n"
SECONDS = 60  # for what takes a second


@pytest.fixture(scope="module", name="asked")
def asked_fixture():
    """A daemon that is asked about configurations and changes by none."""
    net = Network()
    wire_topology(net)
    daemon = Daemon(net.host)
    daemon.start(RULES)
    yield daemon
    assert ctl_json(daemon, "status")["configuration"]["generation"] == 1
    daemon.close()
    net.delete()


def quoted(text):
    """TEXT as a word of a request."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def slow_rules():
    """Text that takes the loader a while and fits into a request."""
    return "".join(f"[rule r{number}]\ndst = 198.{number % 200}.{number // 200}.0/24\nset-dscp = cs1\n"
                   for number in range(30000))


def test_a_good_one(asked, tmp_path):
    """What it would change is told by name, and none of it happens."""
    (tmp_path / "near.txt").write_text("192.0.2.1\n")
    (tmp_path / "new.conf").write_text(
        "[main]\nlog-level = debug\n[set near]\nfile = near.txt\n[rule near]\nsrc = @near\nset-dscp = ef\n"
        "[rule web]\nproto = tcp\ndport = 443\nset-dscp = cs1\n")
    done = ctl(asked, "check", "new.conf", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines() == [
        "configuration is good, 2 rules", "[main] log-level: info -> debug", "sets added: near",
        "rules added: near", "rules removed: old", "rules changed: web"]
    answer = ctl_json(asked, "check", str(tmp_path / "new.conf"))
    assert answer["good"] and answer["problems"] == [] and answer["rules"] == 2
    assert answer["changes"]["rules"] == {"added": ["near"], "removed": ["old"], "changed": ["web"]}
    assert [rule["name"] for rule in ctl_json(asked, "rules")["rules"]] == ["web", "old"]
    done = ctl(asked, "check", str(asked.config))
    assert done.stdout == "configuration is good, 2 rules\nit says what is in force\n"


def test_a_wrong_one(asked, tmp_path):
    """All mistakes with their places, in the words of `ipmodd --check`."""
    path = tmp_path / "wrong.conf"
    path.write_text("[rule a]\nproto = nonsense\n[rule b]\ndprot = 7\n")
    (tmp_path / "wrong.conf.d").mkdir()
    (tmp_path / "wrong.conf.d" / "1.conf").write_text("[rule c]\nttl = 1000\n")
    done = ctl(asked, "check", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    alone = subprocess.run([os.environ["IPMODD"], "-c", str(path), "--check"], capture_output=True,
                           text=True, check=False)
    assert done.stderr == alone.stderr and len(done.stderr.splitlines()) == 3
    answer = json.loads(ctl(asked, "-j", "check", str(path)).stdout)
    assert not answer["good"] and "changes" not in answer
    assert [(problem["severity"], problem["line"], problem.get("key")) for problem
            in answer["problems"]] == [("error", 2, "proto"), ("error", 4, "dprot"), ("error", 2, "ttl")]
    done = ctl(asked, "check", str(tmp_path / "none.conf"))
    assert done.returncode == 1 and "none.conf: cannot be read: No such file" in done.stderr


def test_what_a_reload_would_refuse(asked, tmp_path):
    path = tmp_path / "other.conf"
    path.write_text("[tun]\nname = tun7\n" + RULES)
    done = ctl(asked, "check", str(path))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "a reload would refuse it: [tun] name: cannot change while running; restart ipmodd for it")


@pytest.mark.parametrize("words,code,said", [
    ("", "usage", "usage: check"), ("config a.conf", "usage", "usage: check"),
    ('config "" x', "usage", "no text of a configuration"), ("path a b", "usage", "'path' 'a'"),
    ("elements a 192.0.2.1", None, "no configuration file"),
    ("config " + "x" * 5000 + " y", "usage", "no text"),
    ("config a [rule " * 300 + "config a", "usage", "usage"),
    (" ".join(f"config {number} x" for number in range(257)), "usage", "more than 256"),
    ('config a "[set s]\\nfile = /etc/hostname\\n"', None, "did not come along"),
    ('config a "[rule é\xff]\\nproto = tcp\\n"', None, "letters, digits")])
def test_wrong_requests(asked, words, code, said):
    """A path is never opened, whatever it is; half a request is none."""
    with Client(asked) as client:
        answer = client.ask("check " + words)
        text = answer["error"]["text"] if code else answer["problems"][0]["text"]
        assert answer.get("error", {}).get("code") == code and said in text, answer
        assert client.ask("status")["configuration"]["rules"] == 2


def test_too_large(asked, tmp_path):
    path = tmp_path / "large.conf"
    path.write_text(RULES + "#" * (5 << 20))
    done = ctl(asked, "check", str(path))
    assert done.returncode == 1 and "4 MiB" in done.stderr, done.stderr


def test_packets_flow_and_others_wait(asked):
    """One at a time; routes, packets and reloads go on; who hangs up ends it."""
    refused = []
    with Client(asked, SECONDS) as first, Client(asked, SECONDS) as second:
        while not refused:  # the two may miss each other, or the second be in front
            first.say("check config big " + quoted(slow_rules()))
            while not select.select([first.socket], [], [], 0)[0]:
                answer = second.ask("check config a " + quoted(RULES))
                refused += [answer["error"]] if "error" in answer else []
            answer = first.hear()
            assert answer["error"]["code"] == "busy" if "error" in answer else (
                answer["rules"] == 30000)
        assert refused[0]["code"] == "busy" and "another check" in refused[0]["text"]
        assert ping(asked.space, FAR[4], 2) == (2, 2)
    quitter = Client(asked, SECONDS)
    quitter.say("check config big " + quoted(slow_rules()))
    quitter.file.close()
    quitter.socket.close()
    with Client(asked, SECONDS) as other:
        while "error" in (answer := other.ask("check config a " + quoted(RULES))):
            assert answer["error"]["code"] == "busy"
        assert answer["good"]


def test_who_only_stops_writing_is_answered(asked):
    """`nc -N` ends its half of the connection and waits."""
    with Client(asked, SECONDS) as client:
        client.say("check config big " + quoted(slow_rules()))
        client.socket.shutdown(1)
        assert client.hear()["good"]


def test_a_stop_waits_for_none(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with Client(daemon, SECONDS) as client:
        client.say("check config big " + quoted(slow_rules()))
        daemon.stop()


def test_who_may_only_look_may_not(wire, daemons):
    """It costs a processor for a while."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    daemon.directory.chmod(0o755)
    assert ctl(daemon, "status", user=65534, group=0, extra_groups=[]).returncode == 0
    code = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
            "s.send(b'check config a b\\n'); print(s.makefile().readline())")
    done = subprocess.run(["/usr/bin/python3", "-c", code, path_of(daemon)], capture_output=True,
                          text=True, check=False, user=65534, group=0, extra_groups=[])
    assert json.loads(done.stdout)["error"]["code"] == "not-permitted"
