# SPDX-License-Identifier: GPL-2.0-or-later
"""Policy rules of others: they come first, are left alone and are named.

Two uplinks: main leads to eth0, a VPN's table to eth1. With and without ipmodd each packet leaves
by the same one.
"""
import socket

import pytest

import state
from packets import has_payload, parse, tos_of
from space import wait_until
from topology import FAR, FAR_B, PEER_B
from traffic import ping, udp_socket

SO_MARK = 36
MARKED = 0x20
MARK = "[rule mark]\nset-dscp = cs1\n"

# Rules and the table's routes as the VPNs make them; the tunnel is eth1.
TAILSCALE = """
    -{f} rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
    -{f} rule add pref 5230 fwmark 0x80000/0xff0000 lookup default
    -{f} rule add pref 5250 fwmark 0x80000/0xff0000 type unreachable
    -{f} rule add pref 5270 lookup 52
    -{f} route add {net} via {peer} dev eth1 table 52
    """
WG_QUICK = """
    -{f} route add default via {peer} dev eth1 table 51820
    -{f} rule add not fwmark 51820 table 51820
    -{f} rule add table main suppress_prefixlength 0
    """
NET = {4: "198.51.100.64/26", 6: "2001:db8:5::/64"}
# The daemon's mark on its own packets, which keeps them out of the tunnel.
VPNS = {"tailscale": (TAILSCALE, 0x80000), "wg-quick": (WG_QUICK, 51820)}


def add_vpn(net, rules, family):
    """The rules of a VPN whose tunnel is the second uplink; both peers know all addresses."""
    text = rules.format(f=family, net=NET[family], peer=PEER_B[family])
    for line in text.strip().splitlines():
        net.host.ip(line.strip())
    for role, missing in (("peer", FAR_B), ("peerb", FAR)):
        net.commands(role, f"addr add {missing[family]}/{32 if family == 4 else 128} dev lo")


def say(space, family, destination, text, mark):
    """A datagram with this fwmark."""
    with udp_socket(space, family) as sender:
        sender.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        sender.sendto(text.encode(), (destination, 5000))


def ways(net, captures, family, mark, label):
    """{packet: uplink} of one packet a destination and mark."""
    seen = {"eth0": captures(net.peer), "eth1": captures(net.peerb)}
    packets = {f"{label} to {name} mark {value}": (destination, value)
               for name, destination in (("far", FAR[family]), ("farb", FAR_B[family]))
               for value in (0, mark)}
    for text, (destination, value) in packets.items():
        say(net.host, family, destination, text, value)
    found = {}
    for text in packets:
        keep = has_payload(text)
        wait_until(lambda keep=keep: any(capture.all(keep) for capture in seen.values()),
                         f"{text} on an uplink")
        found[text.removeprefix(label)] = [device for device, capture in seen.items()
                                           if capture.all(keep)]
    return found


@pytest.mark.parametrize("vpn", VPNS)
def test_no_packet_leaves_by_another_uplink(uplinks, daemons, captures, family, vpn):
    rules, mark = VPNS[vpn]
    add_vpn(uplinks, rules, family)
    before = state.snapshot(uplinks.host)
    without = ways(uplinks, captures, family, mark, "without")
    daemon = daemons(uplinks.host)
    daemon.start(MARK)
    assert ways(uplinks, captures, family, mark, "with") == without
    # Both ways were taken, so that a wrong one would have been seen.
    assert {device for devices in without.values() for device in devices} == {"eth0", "eth1"}
    assert ping(uplinks.host, FAR_B[family], 2) == (2, 2)
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(uplinks.host)) == ""


def test_rules_of_others_are_named(uplinks, daemons):
    for family in (4, 6):
        add_vpn(uplinks, TAILSCALE, family)
    uplinks.host.ip("-4 rule add pref 1000 not from 192.0.2.0/24 to 203.0.113.0/26 tos 0x10 "
                    "iif eth1 ipproto udp sport 1-9 dport 53 uidrange 5-6 blackhole")
    daemon = daemons(uplinks.host)
    daemon.start(MARK)
    [line] = daemon.wait_log("policy rules of others")
    for rule in ("-4 5210: fwmark 0x80000/0xff0000 lookup main", "-4 5270: lookup 52;",
                 "-6 5250: fwmark 0x80000/0xff0000 unreachable", "-6 5270: lookup 52",
                 "-4 1000: not from 192.0.2.0/24 to 203.0.113.0/26 tos 0x10 iif eth1 "
                 "uidrange 5-6 ipproto 17 sport 1-9 dport 53 blackhole"):
        assert rule in line
    assert "32766" not in line and "lookup 100" not in line
    plan = daemon.once("--print-plan").stdout
    assert [text for text in plan.splitlines() if text.startswith("# policy rules of others")]


def test_rules_are_told_again_when_they_changed(uplinks, daemons):
    daemon = daemons(uplinks.host)
    daemon.start(MARK)
    daemon.reload()
    assert daemon.log_lines("policy rules of others") == []
    uplinks.host.ip("-6 rule add pref 5270 lookup 52")
    daemon.reload()
    daemon.reload()
    assert len(daemon.wait_log("-6 5270: lookup 52$")) == 1
    uplinks.host.ip("-4 rule add pref 5280 lookup 53")
    daemon.reload()
    daemon.wait_log("-4 5280: lookup 53; -6 5270: lookup 52$")


def test_a_thousand_rules_make_one_line(uplinks, daemons):
    uplinks.host.ip_batch([f"rule add pref {1000 + n} fwmark {n} lookup 52"
                           for n in range(1000)])
    daemon = daemons(uplinks.host)
    daemon.start(MARK)
    [line] = daemon.wait_log("policy rules of others")
    assert len(line) < 1024 and "more" in line


PROTOCOLS = {"esp": 50, "ah": 51}
# A whole authentication header with nothing behind it, so that no parser takes offence.
HEADER = bytes([59, 1, 0, 0]) + bytes(8)


def raw(space, family, protocol, text):
    """A packet of this IP protocol from a raw socket, routed as any."""
    with space:
        made = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW,
                             protocol)
    with made:
        made.sendto(HEADER + text.encode(), (FAR[family], 0))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ipsec_is_left_out_where_there_are_policies(wire, daemons, captures, family, protocol):
    daemon = daemons(wire.host)
    daemon.start(MARK)
    seen = captures(wire.peer)
    raw(wire.host, family, PROTOCOLS[protocol], "without a policy")
    assert tos_of(parse(seen.wait(1, has_payload("without a policy"))[0])) == MARKED
    assert daemon.log_lines("IPsec") == []
    before = state.rules(wire.host, family)
    wire.host.ip("xfrm policy add src 203.0.113.7 dst 203.0.113.8 dir out action block")
    daemon.reload(MARK)
    assert len(daemon.wait_log("IPsec: there are 1 policies")) == 1
    wait_until(lambda: state.rules(wire.host, family) != before, "the rules with a policy")
    raw(wire.host, family, PROTOCOLS[protocol], "with a policy")
    assert tos_of(parse(seen.wait(1, has_payload("with a policy"))[0])) == 0
    assert f"ipproto {protocol} lookup main" in daemon.once("--print-plan").stdout
    with udp_socket(wire.host, family) as sender:
        sender.sendto(b"still diverted", (FAR[family], 5000))
    assert tos_of(parse(seen.wait(1, has_payload("still diverted"))[0])) == MARKED
    wire.host.ip("xfrm policy flush")
    daemon.reload(MARK)
    wait_until(lambda: state.rules(wire.host, family) == before, "the rules without policies")
