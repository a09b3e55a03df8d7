# SPDX-License-Identifier: GPL-2.0-or-later
"""Routing and source addresses under the daemon are those of the host without it."""
import ipaddress
import itertools
import random
import time

import pytest

import state
from kernel import lacks
from packets import has_payload, parse
from space import PATIENCE, wait_until
from space import wire as connect
from topology import FAR, FAR_B, HOST, HOST_B, NOBODY, PEER, PEER_B
from traffic import chosen_source, ping, tun_packets, udp_socket

FOLLOWS = PATIENCE  # for table 100 to repeat main; test_scale measures it


@pytest.mark.parametrize("everywhere,device", itertools.product((0, 1, 2), repeat=2))
def test_rp_filter(wire, daemons, everywhere, device):
    """Every combination of all.rp_filter and the devices' (tun0 inherits `default`)."""
    wire.host.sysctl("net.ipv4.conf.all.rp_filter", everywhere)
    wire.host.sysctl("net.ipv4.conf.default.rp_filter", device)
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", device)
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start()
    assert ping(wire.host, FAR[4], 2) == (2, 2)
    assert ping(wire.host, PEER[4], 2) == (2, 2)
    assert ping(wire.peer, HOST[4], 2) == (2, 2)
    assert ping(wire.peer, HOST[4], 2, f"-i 0.01 -I {FAR[4]}") == (2, 2)
    assert tun_packets(wire.host) >= 4, "nothing was diverted"
    assert wire.host.sysctl("net.ipv4.conf.all.rp_filter") == str(everywhere)
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""


def all_sources(space, family):
    """What a socket and what the routing table say for each destination."""
    targets = [FAR[family], PEER[family], NOBODY[family], FAR_B[family], PEER_B[family]]
    if family == 6:
        targets += ["fd00:db8::2", "fd00:db8:ffff::1", "2001:db8:6::2", "2001:db8:1::2"]
    found = {}
    for target in targets:
        found[target] = chosen_source(space, family, target)
        routed = space.ip_json(f"route get {target}")[0].get("prefsrc")
        assert routed == found[target], f"{target}: socket {found[target]}, route get {routed}"
    return found


@pytest.mark.parametrize("network", ["sources", "uplinks"])
def test_sources_are_chosen_as_without(network, request, daemons, family):
    """ULA beside GUA, a deprecated address, two GUAs; two uplinks."""
    net = request.getfixturevalue(network)
    without = all_sources(net.host, family)
    daemon = daemons(net.host)
    daemon.start()
    assert all_sources(net.host, family) == without
    assert daemon.stop() == 0
    assert all_sources(net.host, family) == without


def test_sources_with_a_temporary_address(wire, daemons):
    """RFC 8981 addresses, preferred over the stable one (use_tempaddr = 2)."""
    wire.host.sysctl("net.ipv6.conf.eth0.use_tempaddr", 2)
    wire.host.ip("addr add 2001:db8:6:0:211:22ff:fe33:4455/64 dev eth0 mngtmpaddr "
                 "valid_lft 7200 preferred_lft 3600")
    wait_until(lambda: any(a.get("temporary") for a in
                           wire.host.ip_json("-6 addr show dev eth0")[0]["addr_info"]),
               "a temporary address")
    without = chosen_source(wire.host, 6, "2001:db8:6::99")
    assert without != "2001:db8:6:0:211:22ff:fe33:4455"
    daemons(wire.host).start()
    assert chosen_source(wire.host, 6, "2001:db8:6::99") == without


def test_two_uplinks_answer_from_the_right_source(uplinks, daemons, family):
    daemons(uplinks.host).start()
    before = tun_packets(uplinks.host)
    assert ping(uplinks.peer, HOST[family], 3) == (3, 3)
    assert ping(uplinks.peerb, HOST_B[family], 3) == (3, 3)
    assert ping(uplinks.host, FAR[family], 3) == (3, 3)
    assert ping(uplinks.host, FAR_B[family], 3) == (3, 3)
    assert tun_packets(uplinks.host) - before >= 12, "not all was diverted"


def test_each_uplink_carries_its_own(uplinks, daemons, captures, family):
    """By destination, and after the preferred default is gone by the other one."""
    daemons(uplinks.host).start()
    seen, seen_b = captures(uplinks.peer), captures(uplinks.peerb)

    def say(address, text):
        with udp_socket(uplinks.host, family) as sender:
            sender.sendto(text.encode(), (address, 5000))

    say(FAR[family], "first uplink")
    say(FAR_B[family], "second uplink")
    assert parse(seen.wait(1, has_payload("first"))[0]).src == HOST[family]
    assert parse(seen_b.wait(1, has_payload("second"))[0]).src == HOST_B[family]
    uplinks.host.ip(f"-{family} route del default via {PEER[family]}")
    wait_until(lambda: chosen_source(uplinks.host, family, FAR[family]) == HOST_B[family],
               "the other source", FOLLOWS)
    say(FAR[family], "moved over")
    assert parse(seen_b.wait(1, has_payload("moved"))[0]).src == HOST_B[family]
    assert len(seen.all(has_payload("moved"))) == 0


# What table 100 must say after a change of main: (destination, wanted fields or None if gone).
NET = {4: "198.51.100.128/25", 6: "2001:db8:aa::/64"}


def mirrored(space, family, destination, **wanted):
    """Whether table 100 has DESTINATION with the WANTED fields (as `ip -j` calls them)."""
    def route():
        found = [r for r in state.routes(space, family, 100) if r["dst"] == destination]
        return [r for r in found if all(r.get(key) == value for key, value in wanted.items())]
    wait_until(route, lambda: f"{destination} with {wanted} in table 100: "
               f"{state.routes(space, family, 100)}", FOLLOWS)


def not_mirrored(space, family, destination):
    """Whether table 100 has no route to DESTINATION (any more)."""
    wait_until(lambda: all(r["dst"] != destination for r in state.routes(space, family, 100)),
               lambda: f"no {destination}: {state.routes(space, family, 100)}", FOLLOWS)


def test_main_table_churn(wire, daemons, family):
    """Routes come, change and go; every attribute that steers a packet comes along."""
    daemons(wire.host).start()
    host, net = wire.host, NET[family]
    change = lambda text: host.ip(f"-{family} route {text}")
    change(f"add {net} via {PEER[family]}")
    mirrored(host, family, net, dev="tun0")
    change(f"replace {net} via {PEER[family]} mtu 1400 hoplimit 33 advmss 1200 initcwnd 20")
    mirrored(host, family, net, metrics=[{"mtu": 1400, "advmss": 1200, "hoplimit": 33,
                                          "initcwnd": 20}])
    for kind in ("blackhole", "unreachable", "prohibit"):
        change(f"del {net}")
        not_mirrored(host, family, net)
        change(f"add {kind} {net}")
        mirrored(host, family, net, type={"blackhole": "6", "unreachable": "7",
                                          "prohibit": "8"}[kind])
    change(f"del {kind} {net}")
    not_mirrored(host, family, net)


def test_a_route_through_a_gateway_gets_the_right_device(wire, daemons, family):
    """`X via GATEWAY` without a device, while we run: the kernel looks the gateway up by rules."""
    daemons(wire.host).start()
    wire.host.ip(f"-{family} route add {NET[family]} via {PEER[family]}")
    routes = {r["dst"]: r["dev"] for r in state.routes(wire.host, family, "main")}
    assert routes[NET[family]] == "eth0"


def test_own_changes_are_no_repair(wire, daemons, family):
    """Nothing is said about a route that comes and is mirrored, right after the start too."""
    daemon = daemons(wire.host)
    daemon.start()
    wire.host.ip(f"-{family} route add {NET[family]} via {PEER[family]}")
    mirrored(wire.host, family, NET[family], dev="tun0")
    assert daemon.log_lines("right again") == []


@pytest.mark.skipif(lacks("nexthop"), reason="a kernel without nexthop objects")
def test_multipath_and_nexthop_objects(uplinks, daemons, captures, family):
    """They lead to tun0 like any route, and packets still use all paths of main."""
    daemons(uplinks.host).start()
    host, net = uplinks.host, NET[family]
    inside = [str(ipaddress.ip_network(net)[number]) for number in range(10, 26)]
    host.sysctl(f"net.ipv{family}.fib_multipath_hash_policy", 1)
    seen, seen_b = captures(uplinks.peer), captures(uplinks.peerb)

    def both_used(text):
        for address in inside:
            with udp_socket(host, family) as sender:
                sender.sendto(text.encode(), (address, 5000))
        wait_until(lambda: len(seen.all(has_payload(text))) + len(seen_b.all(has_payload(text)))
                   == len(inside), lambda: f"{len(inside)} packets; {len(seen.all())} and "
                   f"{len(seen_b.all())} seen")
        assert seen.all(has_payload(text)) and seen_b.all(has_payload(text)), "one path only"

    host.ip(f"-{family} route add {net} nexthop via {PEER[family]} nexthop via {PEER_B[family]}")
    mirrored(host, family, net)
    both_used("multipath")
    host.ip(f"-{family} route del {net}")
    not_mirrored(host, family, net)
    host.ip(f"nexthop add id 1 via {PEER[family]} dev eth0")
    host.ip(f"nexthop add id 2 via {PEER_B[family]} dev eth1")
    host.ip("nexthop add id 3 group 1/2")
    host.ip(f"-{family} route add {net} nhid 3")
    mirrored(host, family, net)
    before = tun_packets(host)
    both_used("objects")
    assert tun_packets(host) - before >= len(inside), "not diverted"
    host.ip("nexthop del id 3")
    not_mirrored(host, family, net)


@pytest.mark.skipif(lacks("nexthop"), reason="a kernel without nexthop objects")
def test_nexthop_objects_without_compat_mode(uplinks, daemons, family):
    """nexthop_compat_mode = 0: a dumped route shows an id alone, and no event tells of routes."""
    host = uplinks.host
    inside = str(ipaddress.ip_network(NET[family])[10])
    host.sysctl("net.ipv4.nexthop_compat_mode", 0)
    host.ip(f"nexthop add id 1 via {PEER[family]} dev eth0")
    host.ip(f"-{family} route add {NET[family]} nhid 1")
    daemons(host).start()
    mirrored(host, family, NET[family], dev="tun0")
    assert chosen_source(host, family, inside) == HOST[family]
    host.ip(f"nexthop replace id 1 via {PEER_B[family]} dev eth1")
    wait_until(lambda: chosen_source(host, family, inside) == HOST_B[family],
               lambda: f"source {HOST_B[family]}, is {chosen_source(host, family, inside)}",
               FOLLOWS)
    host.ip("nexthop del id 1")
    not_mirrored(host, family, NET[family])


def test_metrics_order_as_in_main(uplinks, daemons, family):
    """Of two defaults the better metric wins, in table 100 too."""
    daemons(uplinks.host).start()
    assert chosen_source(uplinks.host, family, FAR[family]) == HOST[family]
    uplinks.host.ip(f"-{family} route add default via {PEER_B[family]} metric 1")
    if family == 4:
        uplinks.host.ip(f"route del default via {PEER[4]}")
    wait_until(lambda: chosen_source(uplinks.host, family, FAR[family]) == HOST_B[family],
               "the source of the second uplink", FOLLOWS)


def test_link_down_and_up(wire, daemons, family):
    """Down takes routes without an event each; up and the routes back bring all of it back."""
    daemon = daemons(wire.host)
    daemon.start()
    before = state.routes(wire.host, family, 100)
    wire.host.ip("link set eth0 down")
    wait_until(lambda: not [r for r in state.routes(wire.host, family, 100)
                            if r.get("dev") == "tun0"],
               lambda: f"an empty mirror: {state.routes(wire.host, family, 100)}", FOLLOWS)
    wire.host.ip("link set eth0 up")
    if family == 6:
        wire.host.ip(f"addr replace {HOST[6]}/64 dev eth0")
    wire.host.ip(f"-{family} route replace default via {PEER[family]}")
    wait_until(lambda: state.routes(wire.host, family, 100) == before,
               lambda: f"{before}\nbut: {state.routes(wire.host, family, 100)}", FOLLOWS)
    assert ping(wire.host, FAR[family], 2) == (2, 2)
    assert daemon.alive(), daemon.log()


def test_address_change(wire, daemons, family):
    """A new address is used, the old one is answered for no longer."""
    daemons(wire.host).start()
    new = {4: "192.0.2.10/24", 6: "2001:db8:1::10/64"}[family]
    old = {4: "192.0.2.1/24", 6: "2001:db8:1::1/64"}[family]
    wanted = new.split("/", maxsplit=1)[0]
    wire.host.ip(f"addr del {old} dev eth0")
    wire.host.ip(f"addr add {new} dev eth0")
    # IPv4's routes went with the last address, IPv6's stayed.
    wire.host.ip(f"-{family} route replace default via {PEER[family]}")
    wait_until(lambda: chosen_source(wire.host, family, FAR[family]) == wanted,
               lambda: f"source {wanted}, is {chosen_source(wire.host, family, FAR[family])}",
               FOLLOWS)
    wait_until(lambda: HOST[family] not in
               [a["local"] for link in wire.host.ip_json("addr show")
                for a in link.get("addr_info", [])],
               lambda: f"no copy of {HOST[family]}: {state.addresses(wire.host)}", FOLLOWS)
    assert ping(wire.host, FAR[family], 2) == (2, 2)
    assert ping(wire.peer, wanted, 2) == (2, 2)
    assert ping(wire.peer, HOST[family], patience=1) == (1, 0)


def test_an_address_that_is_deprecated_while_we_run(sources, daemons):
    """The choice follows the address's state: deprecated, and preferred again."""
    host = sources.host
    daemons(host).start()
    target = "2001:db8:6::2"
    assert chosen_source(host, 6, target) == "2001:db8:6::1"
    host.ip("addr change 2001:db8:6::1/64 dev eth0 preferred_lft 0 valid_lft 3600")
    wait_until(lambda: chosen_source(host, 6, target) == HOST[6],
               lambda: f"another source than {chosen_source(host, 6, target)}", FOLLOWS)
    host.ip("addr change 2001:db8:6::1/64 dev eth0 preferred_lft 1800 valid_lft 3600")
    wait_until(lambda: chosen_source(host, 6, target) == "2001:db8:6::1",
               "the address that is preferred again", FOLLOWS)


def test_started_before_the_network(wire, daemons, family):
    """No address and no route at the start: what comes later is diverted."""
    wire.host.ip(f"-{family} route flush table main")
    wire.host.ip(f"-{family} addr flush dev eth0 scope global")
    daemons(wire.host).start()
    size = {4: 24, 6: 64}[family]
    wire.host.ip(f"addr add {HOST[family]}/{size} dev eth0")
    wire.host.ip(f"-{family} route add default via {PEER[family]}")
    mirrored(wire.host, family, "default", dev="tun0")
    assert ping(wire.host, FAR[family], 2) == (2, 2)
    assert tun_packets(wire.host) >= 2


def churn(dice, family, count):
    """COUNT random changes of main within one prefix; some fail, as they do in life."""
    net = ipaddress.ip_network({4: "198.51.100.128/25", 6: "2001:db8:aa::/64"}[family])
    gateways = PEER[family], PEER_B[family]
    for _ in range(count):
        length = dice.choice([net.prefixlen, net.prefixlen + 2, net.max_prefixlen])
        inside = ipaddress.ip_network((int(net[0]) + (dice.randrange(8) << 2), net.max_prefixlen))
        target = inside.supernet(new_prefix=length)
        metric = dice.choice(["", " metric 5", " metric 77"])
        how = dice.choice([f"via {gateways[0]}", f"via {gateways[1]}",
                           f"via {gateways[0]} mtu 1300 advmss 1200",
                           f"nexthop via {gateways[0]} nexthop via {gateways[1]}"])
        verb = dice.choice(["add", "replace", "append", "del", "del", "add"])
        if verb == "del":
            yield f"route del {target}{metric}"
        elif dice.randrange(5) == 0:
            kind = dice.choice(["blackhole", "unreachable", "prohibit", "throw"])
            yield f"route {verb} {kind} {target}{metric}"
        else:
            yield f"route {verb} {target}{metric} {how}"


def settled(read):
    """What read() gives once it gave the same for half a second."""
    last, since = read(), time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.1)
        now = read()
        if now != last:
            last, since = now, time.monotonic()
    return last


@pytest.mark.parametrize("seed", range(3))
def test_after_any_churn_the_mirror_is_that_of_a_fresh_start(uplinks, daemons, family, seed):
    """Followed change by change, and in bursts: the same table 100 as read from the start."""
    daemon = daemons(uplinks.host)
    daemon.start()
    changes = list(churn(random.Random(seed), family, 300))
    for start in range(0, len(changes), 60):
        uplinks.host.ip_batch(changes[start:start + 60], (f"-{family}", "-force"))
    last = {4: "203.0.113.200", 6: "2001:db8:bb::1"}[family]
    uplinks.host.ip(f"-{family} route add {last} via {PEER[family]}")
    mirrored(uplinks.host, family, last)
    followed = settled(lambda: state.routes(uplinks.host, family, 100))
    assert daemon.stop() == 0
    daemon.start()
    wanted = state.routes(uplinks.host, family, 100)
    assert len(wanted) > 8, "the churn left hardly a route"
    differ = state.compare({"followed": followed}, {"followed": wanted})
    assert differ == "", f"(gone: only followed, new: only fresh)\n{differ}"


def test_a_new_uplink_is_used_and_given_back(wire, daemons, family):
    """A device that comes while we run: its rp_filter is made to fit, and restored at the end."""
    wire.host.sysctl("net.ipv4.conf.default.rp_filter", 1)
    daemon = daemons(wire.host)
    daemon.start()
    wire.add("peerb")
    connect(wire.host, "eth1", wire.peerb, "eth0")
    size = {4: 26, 6: 64}[family]
    wire.host.ip(f"addr add {HOST_B[family]}/{size} dev eth1")
    wire.peerb.ip(f"addr add {PEER_B[family]}/{size} dev eth0")
    mirrored(wire.host, family, str(ipaddress.ip_interface(f"{HOST_B[family]}/{size}").network))
    wait_until(lambda: ping(wire.host, PEER_B[family]) == (1, 1), "a wire that is ready")
    before = tun_packets(wire.host)
    assert ping(wire.host, PEER_B[family], 2) == (2, 2)
    assert ping(wire.peerb, HOST_B[family], 2) == (2, 2)
    assert tun_packets(wire.host) - before >= 4, "not diverted"
    assert daemon.stop() == 0
    assert wire.host.sysctl("net.ipv4.conf.eth1.rp_filter") == "1"
