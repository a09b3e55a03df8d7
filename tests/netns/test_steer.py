# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules switched off and on while packets flow, and what else changes nothing but the running daemon."""
import os
import pty
import subprocess
import time

import pytest

from control import CTL, Client, ctl, ctl_json, ctl_lines, path_of
from daemon import Daemon
from packets import has_payload, ip, send, tos_of, udp
from space import wait_until
from topology import FAR, HOST, Network, wire_topology
from traffic import ping

# Enough rules that they are compiled, and that what was found for a flow is kept.
MANY = "".join(f"[rule other-{number}]\nproto = udp\ndport = {number}\nverdict = drop\n"
               for number in range(20, 30))
FEW = ""
RULES = ("[rule no-pings]\nproto = icmp\nverdict = drop\n"
         "[rule first]\nproto = udp\nset-dscp = cs1\nverdict = accept\n"
         "[rule second]\nproto = udp\nset-dscp = cs2\n")


def tos(net, captures, text):
    """The TOS value that a datagram of one flow arrives with."""
    with captures(net.peer) as seen:
        send(net.host, ip(4, HOST[4], FAR[4]) / udp(1, 2, text.encode()))
        return tos_of(seen.one(has_payload(text)))


@pytest.mark.parametrize("others", [FEW, MANY], ids=["few", "many"])
def test_rules_are_switched(wire, daemons, captures, others):
    """From the next packet on, also of flows that are known; counters stay."""
    daemon = daemons(wire.host)
    daemon.start(others + RULES)
    assert ping(wire.host, FAR[4], 1, patience=1) == (1, 0)
    assert tos(wire, captures, "one") == 0x20
    dropped = ctl_json(daemon, "rules")["rules"][-3]["packets"]
    for rule in ("no-pings", "first"):
        assert ctl(daemon, "disable", rule).stdout == f"rule {rule} is disabled until the next reload\n"
    assert ping(wire.host, FAR[4], 2) == (2, 2)
    assert tos(wire, captures, "two") == 0x40
    said = {rule["name"]: (rule["enabled"], rule["packets"])
            for rule in ctl_json(daemon, "rules")["rules"]}
    assert (said["no-pings"], said["first"], said["second"]) == (
        (False, dropped), (False, 1), (True, 1))
    assert "first [disabled] (" in ctl(daemon, "rules").stdout
    assert 'ipmodd_rule_enabled{rule="first"} 0' in ctl(daemon, "metrics").stdout
    ctl(daemon, "enable", "no-pings")
    ctl(daemon, "enable", "no-pings")
    assert ping(wire.host, FAR[4], 1, patience=1) == (1, 0)
    assert tos(wire, captures, "three") == 0x40
    assert len(daemon.log_lines("rule first is disabled")) == 1


def test_a_reload_enables_all(wire, daemons, captures):
    """What the file says; so does the way back."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    ctl(daemon, "disable", "first")
    daemon.reload()
    assert tos(wire, captures, "one") == 0x20
    ctl(daemon, "disable", "first")
    assert "refused" in daemon.reload("[rule x]\nproto = nonsense\n")
    assert tos(wire, captures, "two") == 0x40
    ctl(daemon, "rollback")
    assert tos(wire, captures, "three") == 0x20


def test_a_disabled_rule_spends_nothing(wire, daemons, captures):
    """Its turns and its tokens are those of packets that it was asked for."""
    daemon = daemons(wire.host)
    daemon.start("[rule third]\nproto = udp\nevery = 3\nset-dscp = cs1\n")
    seen = [tos(wire, captures, f"a{number}") for number in range(3)]
    ctl(daemon, "disable", "third")
    assert [tos(wire, captures, f"b{number}") for number in range(4)] == [0] * 4
    ctl(daemon, "enable", "third")
    assert [tos(wire, captures, f"c{number}") for number in range(3)] == seen
    assert sorted(seen) == [0, 0, 0x20]


@pytest.mark.parametrize("line,code,said", [
    ("disable", "usage", "RULE"), ("disable first second", "usage", "RULE"),
    ("disable frist", "not-found", "did you mean 'first'"), ("enable xyzzy", "not-found", "no rule"),
    ("enable " + "x" * 5000, "not-found", "no rule")])
def test_wrong_requests(wire, daemons, line, code, said):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with Client(daemon) as client:
        error = client.ask(line)["error"]
        assert error["code"] == code and said in error["text"]
        assert all(rule["enabled"] for rule in client.ask("rules")["rules"])
    assert ctl(daemon, "disable").returncode == 2


@pytest.fixture(scope="module", name="flowing")
def flowing_fixture():
    """A daemon that follows two flows of UDP and one of ICMP, the first one translated."""
    net = Network()
    wire_topology(net)
    daemon = Daemon(net.host)
    daemon.start("[rule all]\nstate = new\n[rule turned]\nproto = udp\ndport = 7\n"
                 f"dst = {FAR[4]}\ndnat = {FAR[4]}:9\n")
    send(net.host, ip(4, HOST[4], FAR[4]) / udp(1001, 7, b"x"))
    send(net.host, ip(4, HOST[4], FAR[4]) / udp(1002, 53, b"x"))
    ping(net.host, FAR[4], 1)
    yield daemon
    daemon.close()
    net.delete()


@pytest.mark.parametrize("words,count", [
    ([], 3), (["proto=udp"], 2), (["proto=17", "dport=7"], 1), (["sport=1002"], 1),
    (["rule=turned"], 1), (["src=192.0.2.0/24"], 3), (["dst=198.51.100.1", "proto=icmp"], 1),
    (["src=2001:db8::/32"], 0), (["state=established"], 0), (["rule=all"], 0)])
def test_flows_are_chosen(flowing, words, count):
    flows = [flow for flow in ctl_lines(flowing, "flows", *words)
             if flow["original"]["dst"] == FAR[4]]
    assert len(flows) == count, flows
    if words == ["rule=turned"]:
        assert flows[0]["rule"] == "turned" and flows[0]["reply"]["sport"] == 9
        assert " rule=turned src=" in ctl(flowing, "flows", *words).stdout


def test_chosen_flows_are_forgotten(flowing):
    """Those alone, counted; who may only look may not do it; a packet of it begins it anew."""
    assert ctl(flowing, "flows", "--flush", "proto=udp", "dport=9999").stdout == "0 flows forgotten\n"
    assert ctl(flowing, "flows", "--flush", "proto=udp", "sport=1002").stdout == "1 flow forgotten\n"
    left = [flow["original"]["sport"] for flow in ctl_lines(flowing, "flows", "proto=udp")]
    assert 1001 in left and 1002 not in left
    send(flowing.space, ip(4, HOST[4], FAR[4]) / udp(1002, 53, b"x"))
    wait_until(lambda: ctl_lines(flowing, "flows", "sport=1002"), "the flow again")
    done = ctl(flowing, "flows", "--flush", "colour=red")
    assert done.returncode == 2 and "no filter" in done.stderr
    assert len(ctl_lines(flowing, "flows", "proto=udp")) >= 2


@pytest.mark.parametrize("word,said", [
    ("proto=nonsense", "proto is"), ("src=x", "src is"), ("dport=65536", "dport is"),
    ("dport", "dport is"), ("rule=nobody", "rule is"), ("state=odd", "state is"),
    ("colour=red", "no filter")])
def test_wrong_filters(flowing, word, said):
    done = ctl(flowing, "flows", word)
    assert done.returncode == 2 and said in done.stderr


def shown(daemon, terminal, **environment):
    """What `monitor` writes about a packet that is dropped: to a terminal, or into a pipe."""
    ends = pty.openpty() if terminal else os.pipe()
    with subprocess.Popen([CTL, "-s", path_of(daemon), "monitor", "-c", "1", "--stage", "drop"],
                          stdout=ends[1], env={"PATH": os.environ["PATH"], **environment}) as monitor:
        os.close(ends[1])
        while monitor.poll() is None:
            send(daemon.space, ip(4, HOST[4], FAR[4]) / udp(1, 2, b"x"))
            time.sleep(0.05)
        text = os.read(ends[0], 65536)
    os.close(ends[0])
    return text


def test_colours_are_for_terminals(wire, daemons):
    """And for those who have not said that they want none (no-color.org)."""
    daemon = daemons(wire.host)
    daemon.start("[rule none]\nproto = udp\nverdict = drop\n")
    for terminal, environment, coloured in ((True, {}, True), (True, {"NO_COLOR": ""}, True),
                                            (True, {"NO_COLOR": "1"}, False), (False, {}, False)):
        text = shown(daemon, terminal, **environment)
        assert b"| drop" in text or b"drop (rule)" in text, text
        assert (b"\x1b[" in text) == coloured, (terminal, environment, text)


def test_tables_of_rules(wire, daemons):
    """Rates where there are two looks, names of any length whole, and a word when there are none."""
    name = "r" * 63
    daemon = daemons(wire.host)
    daemon.start(f"[rule {name}]\nproto = udp\n")
    lines = ctl(daemon, "rules").stdout.splitlines()
    assert lines[0].split() == ["packets", "bytes", "last", "rule"]
    assert lines[1].split() == ["0", "0", "never", name, f"({daemon.config}:1)"]
    with subprocess.Popen([CTL, "-s", path_of(daemon), "rules", "-w", "0.1"], stdout=subprocess.PIPE,
                          text=True) as watch:
        seen = ""
        while "packets/s" not in seen:
            seen = watch.stdout.readline()
        assert watch.stdout.readline().split()[:4] == ["0", "0", "0", "never"]
        watch.terminate()
    daemon.reload("[main]\npolicy = accept\n")
    assert ctl(daemon, "rules").stdout == "there are no rules\n"
