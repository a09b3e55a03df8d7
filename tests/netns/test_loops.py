# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules and routes of others that would send what comes out of the tun device back into it."""
import socket

import pytest

import state
from daemon import SLOW
from packets import has_payload
from space import wait_until
from topology import FAR, NOBODY, PEER, PEER_B
from traffic import ping, tun_packets, udp_socket

MARK = "[rule mark]\nset-dscp = ef\n"
VPN_MARK = 51820


def send_datagram(space, family, text, mark=0):
    """One datagram to FAR, with a firewall mark if MARK is not 0."""
    with udp_socket(space, family) as sender:
        if mark:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        sender.sendto(text.encode(), (FAR[family], 9))


def vpn_by_script(space, family):
    """What wg-quick(8) does: the other uplink stands for the tunnel, rules have no priority."""
    space.ip_batch([f"route add default via {PEER_B[family]} table {VPN_MARK}",
                    f"rule add not fwmark {VPN_MARK} table {VPN_MARK}",
                    "rule add table main suppress_prefixlength 0"], options=(f"-{family}",))


def test_vpn_that_starts_after_the_daemon(uplinks, daemons, captures, family):
    """Its rules land in front of ours; each packet leaves by the uplink that it should."""
    host, daemon = uplinks.host, daemons(uplinks.host)
    before = state.snapshot(host)
    daemon.start(MARK)
    vpn_by_script(host, family)
    daemon.wait_log("the rules for them moved to")
    with captures(uplinks.peer) as outer, captures(uplinks.peerb) as inner:
        count = tun_packets(host)
        send_datagram(host, family, "outer", VPN_MARK)
        send_datagram(host, family, "inner")
        packet = outer.one(has_payload("outer"))
        assert (packet.tc if family == 6 else packet.tos) == 0xB8, "not through the daemon"
        inner.one(has_payload("inner"))
        assert inner.all(has_payload("outer")) == [] and outer.all(has_payload("inner")) == []
    assert tun_packets(host) - count <= 10, "packets go round"
    for pref in [rule["priority"] for rule in state.rules(host, family)
                 if "protocol" not in rule and 0 < rule["priority"] < 32000]:
        host.ip(f"-{family} rule del pref {pref}")
    daemon.wait_log("at priority 99 again")
    host.ip(f"-{family} route flush table {VPN_MARK}")
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(host)) == ""


def test_rule_in_front_that_looks_up_our_table(wire, daemons, family):
    """It would make every packet circle: the guards move in front of it, traffic flows."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    wire.host.ip(f"-{family} rule add pref 50 lookup 100")
    daemon.wait_log("moved to 48", timeout=1.0 * SLOW)
    count, used = tun_packets(wire.host), daemon.cpu_seconds()
    assert ping(wire.host, FAR[family], 5) == (5, 5)
    ping(wire.host, NOBODY[family], 1, "-W 0.3", patience=1)
    assert tun_packets(wire.host) - count <= 10
    assert daemon.cpu_seconds() - used <= 0.1 * SLOW
    wire.host.ip(f"-{family} rule del pref 50")
    daemon.wait_log("at priority 99 again")
    assert [rule["priority"] for rule in state.rules(wire.host, family)
            if rule.get("iif") == "tun0"] == [99, 100]


def test_rule_in_front_at_the_start(wire, daemons, family):
    """Said at the start; the plan shows the same place."""
    daemon = daemons(wire.host)
    wire.host.ip(f"-{family} rule add pref 50 lookup 77")
    assert f"ip -{family} rule add priority 48 iif tun0" in daemon.once(
        "--print-plan", config=MARK).stdout
    daemon.start(MARK)
    daemon.wait_log("moved to 48")
    assert [rule["priority"] for rule in state.rules(wire.host, family)
            if rule.get("iif") == "tun0"] == [48, 49]
    daemon.kill()
    wait_until(lambda: "tun0" not in str(wire.host.ip_json("link show")), "tun0 gone")
    assert daemon.once("--cleanup").returncode == 0
    assert "tun0" not in wire.host.ip(f"-{family} rule show")


def test_rule_with_the_number_of_a_guard(wire, daemons, family):
    """At the start it is a refusal; while running the guards give way, theirs stays."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    theirs = f"pref 99 from {FAR[family]} lookup 77"
    wire.host.ip(f"-{family} rule add {theirs}")
    daemon.wait_log("moved to 97")
    assert ping(wire.host, FAR[family]) == (1, 1)
    assert daemon.stop() == 0
    assert [rule["priority"] for rule in state.rules(wire.host, family)] == [0, 99, 32766] + (
        [32767] if family == 4 else [])


def test_route_back_by_hand(wire, daemons, family):
    """Found and named; what it catches is dropped, the rest flows, no processor is burnt."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    network = {4: "198.51.100.64/26", 6: "2001:db8:2:0:1::/80"}[family]
    inside = {4: "198.51.100.70", 6: "2001:db8:2:0:1::7"}[family]
    wire.host.ip(f"-{family} route add {network} dev tun0")
    daemon.wait_log("loop|again", timeout=1.0 * SLOW)
    count, used = tun_packets(wire.host), daemon.cpu_seconds()
    ping(wire.host, inside, 5, "-i 0.01 -W 0.3", patience=1)
    assert tun_packets(wire.host) - count <= 200, "packets go round"
    assert ping(wire.host, FAR[family], 3) == (3, 3)
    assert daemon.cpu_seconds() - used <= 0.1 * SLOW
    assert daemon.statistics().drops.get("loop", 0) >= 1, daemon.statistics().drops


def test_default_route_back_by_hand(wire, daemons, family):
    """The worst of them: nothing gets out, yet nothing circles, and removing it mends all.

    The packet path drops nothing here, the guard takes no route over the device.
    """
    daemon = daemons(wire.host)
    daemon.start(MARK)
    metric = "metric 1" if family == 6 else ""
    wire.host.ip(f"-{family} route prepend default dev tun0 {metric}")
    daemon.wait_log("loop|again", timeout=1.0 * SLOW)
    count, used = tun_packets(wire.host), daemon.cpu_seconds()
    ping(wire.host, FAR[family], 5, "-i 0.01 -W 0.3", patience=1)
    assert tun_packets(wire.host) - count <= 200, "packets go round"
    assert daemon.cpu_seconds() - used <= 0.1 * SLOW
    wire.host.ip(f"-{family} route del default dev tun0")
    wait_until(lambda: ping(wire.host, FAR[family], patience=1) == (1, 1), daemon.log, 1.0 * SLOW)


OTHER = "[tun]\nname = tun1\n[divert]\ntable = 101\ndivert-priority = 32763\n"


@pytest.mark.parametrize("direction", ["out", "out, forward"])
def test_two_in_a_row(wire, daemons, family, direction):
    """Two instances in one host, each with its own numbers: no loop, both go without a trace."""
    before = state.snapshot(wire.host)
    one, other = daemons(wire.host), daemons(wire.host)
    other.run_directory = one.run_directory
    one.start(f"[divert]\ndirection = {direction}\n" + MARK)
    other.start(OTHER + f"direction = {direction}\n" + MARK)
    counts = [tun_packets(wire.host, device) for device in ("tun0", "tun1")]
    assert ping(wire.host, FAR[family], 5) == (5, 5)
    for device, count in zip(("tun0", "tun1"), counts):
        assert tun_packets(wire.host, device) - count <= 12
    assert other.stop() == 0
    assert ping(wire.host, FAR[family]) == (1, 1)
    assert one.stop() == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_two_hosts_in_a_row(routed, daemons, family):
    """A client and its router, each with a daemon: both edit, the path is whole."""
    routed.client.ip(f"-{family} route show")
    inner, outer = daemons(routed.client), daemons(routed.host)
    inner.start(MARK)
    outer.start("[divert]\ndirection = out, forward\n[rule ttl]\nset-ttl = 40\n")
    assert ping(routed.client, FAR[family], 3) == (3, 3)
    assert ping(routed.client, PEER[family], 3) == (3, 3)
