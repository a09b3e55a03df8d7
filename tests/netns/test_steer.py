# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules switched off and on while packets flow, and what else changes nothing but the running daemon."""
import pytest

from control import Client, ctl, ctl_json
from packets import has_payload, ip, send, tos_of, udp
from topology import FAR, HOST
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
