# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6 forwarding with what it does to a host: routers are heard as before, settings come back.

Kernels before 6.17 forward between all devices or none. These tests hold on every kernel.
"""
import re
import socket

import pytest
from scapy.layers.inet6 import (ICMPv6ND_RA, ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, IPv6)
from scapy.layers.l2 import Ether

import state
from daemon import NO_RULES
from kernel import lacks
from space import wait_until, wire as join
from topology import CLIENT, FAR, GATE
from traffic import ping, tun_packets

OLD = lacks("force_forwarding")


def link_local(space, device):
    """The device's own link-local address."""
    def found():
        return [address["local"] for link in space.ip_json(f"addr show dev {device}")
                for address in link["addr_info"] if address["local"].startswith("fe80:")]
    return wait_until(found, f"a link-local address of {device}")[0]


def advertise(router, number, lifetime=600, device="eth0"):
    """A router advertisement of the prefix 2001:db8:NUMBER::/64."""
    mac = router.ip_json(f"link show {device}")[0]["address"]
    frame = (Ether(src=mac, dst="33:33:00:00:00:01") /
             IPv6(src=link_local(router, device), dst="ff02::1", hlim=255) /
             ICMPv6ND_RA(routerlifetime=lifetime) / ICMPv6NDOptSrcLLAddr(lladdr=mac) /
             ICMPv6NDOptPrefixInfo(prefix=f"2001:db8:{number}::", prefixlen=64, validlifetime=900,
                                   preferredlifetime=800))
    with router, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.sendto(bytes(frame), (device, 0))


def learned(host, device="eth0"):
    """Prefixes of addresses and gateways of default routes that routers told this host."""
    addresses = {":".join(address["local"].split(":")[:3]) for link in
                 host.ip_json(f"-6 addr show dev {device}") for address in link["addr_info"]
                 if address["local"].startswith("2001:db8:a")}
    routes = [route["gateway"] for route in host.ip_json("-6 route show default")
              if route.get("protocol") == "ra" and route["dev"] == device]
    return addresses, routes


def hears(router, host, number, device="eth0", router_device="eth0"):
    """Sends an advertisement and waits until the host has its address and default route."""
    advertise(router, number, device=router_device)
    wait_until(lambda: f"2001:db8:{number}" in learned(host, device)[0] and
               learned(host, device)[1], lambda: f"{number} heard: {learned(host, device)}")


@pytest.fixture(name="advertised")
def advertised_fixture(wire):
    """A wire whose host has its IPv6 default route from a router's advertisement alone."""
    wire.host.ip("-6 route del default")
    # A neighbour that does not say so is no router any more, and its route goes.
    wire.peer.sysctl("net.ipv6.conf.all.forwarding", 1)
    for number in ("a1", "a2", "a3", "a4"):
        wire.peer.ip(f"addr add 2001:db8:{number}::ff/64 dev eth0 nodad")
    hears(wire.peer, wire.host, "a1")
    assert ping(wire.host, FAR[6]) == (1, 1)
    return wire


def test_routers_are_heard_before_during_and_after(advertised, daemons):
    host, router = advertised.host, advertised.peer
    before, had = state.sysctls(host), learned(host)
    daemon = daemons(host)
    daemon.start()
    assert learned(host) == had
    assert host.sysctl("net.ipv6.conf.all.forwarding") == ("1" if OLD else "0")
    assert host.sysctl("net.ipv6.conf.eth0.accept_ra") == ("2" if OLD else "1")
    assert len(daemon.log_lines("IPv6: this kernel can't forward from tun0 alone")) == OLD
    diverted = tun_packets(host)
    assert ping(host, FAR[6], 3) == (3, 3)
    assert tun_packets(host) == diverted + 3
    hears(router, host, "a2")
    advertise(router, "a2", lifetime=0)
    wait_until(lambda: learned(host)[1] == [], "the router is none any more")
    hears(router, host, "a2")
    wait_until(lambda: ping(host, FAR[6]) == (1, 1), "the mirror of the new default route")
    assert daemon.stop() == 0
    assert learned(host)[1] == had[1] and learned(host)[0] == {"2001:db8:a1", "2001:db8:a2"}
    assert ping(host, FAR[6]) == (1, 1)
    hears(router, host, "a3")
    assert state.sysctls(host) == before


def test_routers_are_heard_after_a_crash(advertised, daemons):
    host, router = advertised.host, advertised.peer
    before = state.sysctls(host)
    daemon = daemons(host)
    daemon.start()
    daemon.kill()
    hears(router, host, "a2")
    assert ping(host, FAR[6]) == (1, 1)
    daemon.start()
    hears(router, host, "a3")
    daemon.kill()
    assert daemon.once("--cleanup", config=NO_RULES).returncode == 0
    assert state.sysctls(host) == before
    hears(router, host, "a4")


def test_routers_on_a_device_that_comes_later_are_heard(advertised, daemons):
    """And where it goes with the daemon still there, nothing is left to be put back."""
    host, router = advertised.host, advertised.peer
    before = state.sysctls(host)
    daemon = daemons(host)
    daemon.start()
    join(host, "eth1", router, "eth1")
    if OLD:
        wait_until(lambda: host.sysctl("net.ipv6.conf.eth1.accept_ra") == "2", "routers of eth1")
    hears(router, host, "a2", "eth1", "eth1")
    host.ip("link del eth1")
    assert daemon.stop() == 0
    assert state.sysctls(host) == before


@pytest.mark.parametrize("crash", [False, True], ids=["stop", "crash"])
def test_devices_that_forwarded_by_themselves(advertised, daemons, crash):
    """Their `forwarding` and the default's are overwritten by that of all, and come back."""
    host = advertised.host
    join(host, "eth1", advertised.peer, "eth1")
    host.sysctl("net.ipv6.conf.eth1.forwarding", 1)
    host.sysctl("net.ipv6.conf.default.forwarding", 1)
    before = state.sysctls(host)
    daemon = daemons(host)
    daemon.start()
    # It did not hear routers, and does not now.
    assert host.sysctl("net.ipv6.conf.eth1.accept_ra") == "1"
    if crash:
        daemon.kill()
        daemon.start()
        assert host.sysctl("net.ipv6.conf.eth1.accept_ra") == "1"
    assert daemon.stop() == 0
    assert state.sysctls(host) == before
    hears(advertised.peer, host, "a2")


def test_ipv6_switched_off_by_a_reload_and_on_again(advertised, daemons):
    host, router = advertised.host, advertised.peer
    before = state.sysctls(host)
    daemon = daemons(host)
    daemon.start("[divert]\nfamily = ipv4\n")
    off = {key: value for key, value in state.sysctls(host).items() if "tun0" not in key}
    assert off == before
    daemon.reload(NO_RULES)
    hears(router, host, "a2")
    daemon.reload("[divert]\nfamily = ipv4\n")
    off = {key: value for key, value in state.sysctls(host).items() if "tun0" not in key}
    assert off == before
    hears(router, host, "a3")
    assert daemon.stop() == 0
    assert state.sysctls(host) == before


def test_a_router_is_left_as_it_is(routed, daemons):
    """With forwarding of all there is nothing to change, and nothing to say."""
    before = state.sysctls(routed.host)
    daemon = daemons(routed.host)
    daemon.start()
    during = {key: value for key, value in state.sysctls(routed.host).items() if "tun0" not in key}
    assert during == before
    assert daemon.log_lines("IPv6") == []
    assert daemon.stop() == 0
    assert state.sysctls(routed.host) == before


def test_neighbours_and_the_line_that_keeps_them_out(routed, daemons):
    """Where all devices have to forward, the notice says what helps; it has to be true."""
    host, client = routed.host, routed.client
    host.sysctl("net.ipv6.conf.all.forwarding", 0)
    assert ping(client, FAR[6], patience=1) == (1, 0)
    daemon = daemons(host)
    daemon.start()
    assert ping(client, FAR[6], patience=1) == (1, int(OLD))
    if OLD:
        notice = daemon.wait_log("IPv6: this kernel can't forward")[0]
        line = re.search("`ip (-6 rule add .*)`", notice).group(1)
        host.ip(line.replace("DEVICE", "lan"))
    assert ping(client, FAR[6], patience=1) == (1, 0)
    assert ping(client, GATE[6]) == (1, 1)
    assert ping(host, FAR[6]) == (1, 1)
    assert ping(host, CLIENT[6]) == (1, 1)
