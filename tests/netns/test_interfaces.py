# SPDX-License-Identifier: GPL-2.0-or-later
"""`interfaces`: whose traffic alone is diverted, in each direction."""
import re

import state
from control import ctl, ctl_json
from space import wait_until, wire as join
from topology import CLIENT, FAR, FAR_B, GATE, HOST, HOST_B
from traffic import ping, tun_packets


def counted(space, act):
    """How many packets went into the tun device during act(), which has to succeed."""
    before = tun_packets(space)
    assert act()
    return tun_packets(space) - before


def pings(space, address, count=3):
    """Whether COUNT pings to ADDRESS are answered, as something to be called."""
    return lambda: ping(space, address, count) == (count, count)


def test_what_leaves(uplinks, daemons, family):
    """Two uplinks with a default route each: what goes by the one that is named, as routes change."""
    host = uplinks.host
    before = state.snapshot(host)
    daemon = daemons(host)
    daemon.start("[divert]\ninterfaces = eth1\n")
    assert counted(host, pings(host, FAR[family])) == 0
    assert counted(host, pings(host, FAR_B[family])) == 3
    assert "throw default" in host.ip(f"-{family} route show table 100")
    daemon.reload("[divert]\ninterfaces = eth0\n")
    assert counted(host, pings(host, FAR[family])) == 3
    assert counted(host, pings(host, FAR_B[family])) == 0
    assert ctl_json(daemon, "status")["interfaces"] == ["eth0"]
    assert re.search("^interfaces +eth0$", ctl(daemon, "status").stdout, re.M)
    daemon.reload("[divert]\n")
    assert ctl_json(daemon, "status")["interfaces"] == []
    assert counted(host, pings(host, FAR_B[family])) == 3
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(host)) == ""


def test_what_comes_in(uplinks, daemons, family):
    host = uplinks.host
    before = state.snapshot(host)
    daemon = daemons(host)
    daemon.start("[divert]\ndirection = in\ninterfaces = eth1\n")
    assert host.sysctl("net.ipv4.conf.eth0.forwarding") == "0"
    assert counted(host, pings(uplinks.peer, HOST[family])) == 0
    came = counted(host, pings(uplinks.peerb, HOST_B[family]))
    assert came == (3 if family == 4 else 0)  # ICMPv6 is never diverted on its way in
    assert "iif eth0" not in host.ip(f"-{family} rule")
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(host)) == ""


def test_what_passes(routed, daemons, family):
    """By the device that it comes in by; with `out` both devices have to be named."""
    host, client = routed.host, routed.client
    daemon = daemons(host)
    daemon.start("[divert]\ndirection = forward\ninterfaces = lan\n")
    assert counted(host, pings(client, FAR[family])) == 3
    assert counted(host, pings(host, FAR[family])) == 0
    daemon.reload("[divert]\ndirection = out, forward\ninterfaces = lan\n")
    assert counted(host, pings(client, FAR[family])) == 0
    assert counted(host, pings(host, CLIENT[family])) == 3
    daemon.reload("[divert]\ndirection = out, forward\ninterfaces = lan, eth0\n")
    assert counted(host, pings(client, FAR[family])) == 6
    assert daemon.stop() == 0


def test_a_device_that_comes_later(wire, daemons):
    """It is remarked upon, and diverted once it is there; it may go and come again."""
    host = wire.host
    daemon = daemons(host)
    daemon.start("[divert]\ndirection = out, in\ninterfaces = eth7\n")
    daemon.wait_log("interfaces: there is no eth7 yet")
    assert counted(host, pings(host, FAR[4])) == 0
    for _ in range(2):
        join(host, "eth7", wire.peer, "eth7")
        host.ip("addr add 203.0.113.129/30 dev eth7")
        wire.peer.ip("addr add 203.0.113.130/30 dev eth7")
        wait_until(lambda: "iif eth7 ipproto icmp lookup 101" in host.ip("-4 rule") and
                   "203.0.113.128/30 dev tun0" in host.ip("-4 route show table 100"),
                   lambda: host.ip("-4 rule") + host.ip("-4 route show table 100"))
        assert counted(host, pings(host, "203.0.113.130")) == 6
        host.ip("link del eth7")
        wait_until(lambda: "lookup 101" not in host.ip("-4 rule"), "no rules for what is gone")
    assert daemon.stop() == 0
