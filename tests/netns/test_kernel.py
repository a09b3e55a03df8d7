# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel state under attack: what is taken away comes back, what is odd does no harm.

Driven by divert_driver, which is nothing but the diversion: news of it come as lines.
"""
import json
import os
import signal
import time

import pytest

import state
from space import PATIENCE, wait_until
from topology import FAR, HOST, NOBODY, PEER
from traffic import ping, tun_packets

FOLLOWS = PATIENCE  # test_faults says what it takes on a quiet machine


def ours(space):
    """Rules of both families, routes of table 100, tun0's addresses."""
    return {"rule 4": state.rules(space, 4), "rule 6": state.rules(space, 6),
            "route 4": state.routes(space, 4, 100), "route 6": state.routes(space, 6, 100),
            "addr": [a for a in state.addresses(space) if a["dev"] == "tun0"]}


def comes_back(driver, wanted):
    """Waits until the state is WANTED again and stays so."""
    space = driver.space
    wait_until(lambda: state.compare(wanted, ours(space)) == "",
               lambda: f"{state.compare(wanted, ours(space))}\n{driver.news()}", FOLLOWS)


@pytest.mark.parametrize("attack", [
    "-4 rule del pref 99", "-6 rule del pref 100", "-4 rule del pref 32765", "-6 rule flush",
    "-4 route flush table 100", "-6 route flush table 100", "-4 route del default table 100",
    "-6 route del throw fe80::/10 table 100",
    "addr flush dev tun0", "link set tun0 down", "link set tun0 mtu 1300"])
def test_what_is_taken_away_comes_back(wire, drivers, family, attack):
    driver = drivers(wire.host)
    wanted = ours(wire.host)
    wire.host.ip(attack)
    if "flush" in attack and "rule" in attack:
        wire.host.ip("-6 rule add pref 32766 lookup main")
    comes_back(driver, wanted)
    assert ping(wire.host, FAR[family], 2, "-i 0.01") == (2, 2)
    driver.stop()


@pytest.mark.parametrize("setting", ["rp_filter", "forwarding"])
def test_settings_of_the_device_come_back(wire, drivers, setting):
    driver = drivers(wire.host)
    wanted = wire.host.sysctl(f"net.ipv4.conf.tun0.{setting}")
    wire.host.sysctl(f"net.ipv4.conf.tun0.{setting}", 1 - int(wanted))
    wait_until(lambda: wire.host.sysctl(f"net.ipv4.conf.tun0.{setting}") == wanted, driver.news,
               FOLLOWS)


def test_strict_rp_filter_of_a_running_host_is_loosened(wire, drivers):
    before = state.snapshot(wire.host)
    driver = drivers(wire.host)
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    wait_until(lambda: wire.host.sysctl("net.ipv4.conf.eth0.rp_filter") == "2", driver.news,
               FOLLOWS)
    driver.stop()
    assert wire.host.sysctl("net.ipv4.conf.eth0.rp_filter") == "1"
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 0)
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_deleted_device_is_made_again(wire, drivers, family):
    """On the same descriptor, with everything on it, several times."""
    before = state.snapshot(wire.host)
    driver = drivers(wire.host)
    wanted = ours(wire.host)
    for _ in range(5):
        driver.forget()
        wire.host.ip("link del tun0")
        wait_until(lambda: driver.said("tun lost and restored"), driver.news, 2 * FOLLOWS)
        comes_back(driver, wanted)
        assert ping(wire.host, FAR[family], 2, "-i 0.01") == (2, 2)
    driver.stop()
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_name_taken_while_deleted(wire, drivers):
    """Somebody else's device of that name stays theirs; ours is back when it is gone."""
    driver = drivers(wire.host)
    driver.process.send_signal(signal.SIGSTOP)  # or it is quicker
    wire.host.ip_batch(["link del tun0", "link add tun0 type veth peer name v1"])
    driver.process.send_signal(signal.SIGCONT)
    wait_until(lambda: driver.said("incomplete"), driver.news, FOLLOWS)
    assert "not ours" in driver.news()
    wire.host.ip("link del tun0")
    wait_until(lambda: driver.said("tun lost and restored"), driver.news, 5)
    assert ping(wire.host, FAR[4], 2, "-i 0.01") == (2, 2)


def test_foreign_route_in_the_table_of_a_running_daemon(wire, drivers):
    """It is named, not removed, and the rest is kept right."""
    driver = drivers(wire.host)
    wire.host.ip(f"route add 203.0.113.0/24 via {PEER[4]} table 100")
    wait_until(lambda: driver.said("incomplete"), driver.news, FOLLOWS)
    assert "203.0.113.0/24" in driver.news() and "not ours" in driver.news()
    wire.host.ip(f"route add 203.0.113.0/25 via {PEER[4]}")
    wait_until(lambda: "203.0.113.0/25" in wire.host.ip("route show table 100"), driver.news,
               FOLLOWS)
    wire.host.ip("route replace default dev lo table 100")
    driver.stop()
    left = [route["dst"] for route in wire.host.ip_json("route show table 100")]
    assert left == ["default", "203.0.113.0/24"]


def test_route_over_the_device_is_a_loop(wire, drivers):
    """Named at once while running; at the start it is a refusal."""
    driver = drivers(wire.host)
    wire.host.ip("route add 203.0.113.0/24 dev tun0")
    wait_until(lambda: driver.said("loop"), driver.news, FOLLOWS)
    assert "203.0.113.0/24" in driver.news()


def test_rule_before_the_guard_that_cannot_be_overtaken(wire, drivers):
    """There is no room in front of priority 2: it is a loop, at the start a refusal."""
    driver = drivers(wire.host)
    wire.host.ip("rule add pref 2 lookup 77")
    time.sleep(0.5)  # the rule is known then, and it is the route that tells
    wire.host.ip("route add default dev tun0 table 77")
    wait_until(lambda: driver.said("loop"), driver.news, FOLLOWS)
    driver.stop()
    wire.host.ip("rule del pref 2")
    assert "213" not in wire.host.ip("rule show")


def test_rule_that_names_the_device_and_our_table(wire, drivers):
    """The guards go in front of that one too."""
    driver = drivers(wire.host)
    wire.host.ip("rule add pref 50 iif tun0 lookup 100")
    wait_until(lambda: driver.said("repaired"), driver.news, FOLLOWS)
    assert [rule["priority"] for rule in wire.host.ip_json("rule show")][1:4] == [48, 49, 50]
    assert not driver.said("loop")
    before = tun_packets(wire.host)
    assert ping(wire.host, FAR[4]) == (1, 1)
    assert tun_packets(wire.host) - before <= 3


ODD_ROUTES = {
    4: ["203.0.113.0/28 via {peer} tos 0x10", "203.0.113.16/28 dev eth0 scope link",
        "203.0.113.32/28 via inet6 fe80::1 dev eth0",
        "203.0.113.48/28 via 192.0.2.77 dev eth0 onlink", "203.0.113.64/28 via {peer} realm 7",
        "203.0.113.80/28 encap ip id 7 dst 192.0.2.9 via {peer} dev eth0",
        "local 203.0.113.96/28 dev lo", "throw 203.0.113.112/28",
        "203.0.113.128/28 via {peer} congctl reno", "203.0.113.144/28 dev lo",
        "203.0.113.160/28 via {peer} mtu lock 1300 quickack 1 rto_min 300ms features ecn"],
    6: ["2001:db8:a0::/48 from 2001:db8:1::/64 via {peer}", "2001:db8:a1::/48 dev eth0",
        "2001:db8:a2::/48 via {peer} expires 300", "2001:db8:a3::/48 via {peer} pref high",
        "2001:db8:a4::/48 encap seg6 mode encap segs 2001:db8::1 via {peer} dev eth0",
        "local 2001:db8:a5::/48 dev lo", "throw 2001:db8:a6::/48",
        "2001:db8:a7::/48 via {peer} congctl reno", "2001:db8:a8::/48 dev lo"],
}


def test_odd_routes_never_stop_the_mirror(wire, drivers, family):
    """Each is in table 100 with its key, and the metric that it had; ordinary ones work on."""
    added = []
    for route in ODD_ROUTES[family]:
        done = wire.host.run(f"ip -{family} route add {route.format(peer=PEER[family])}",
                             check=False)
        if done.returncode == 0:
            added.append(route)
    assert len(added) >= 7, "this kernel refuses most of them"
    driver = drivers(wire.host)
    assert not driver.said("incomplete"), driver.news()
    mirrored = {(route["dst"], route.get("from"), route.get("tos"))
                for route in state.routes(wire.host, family, 100)}
    for route in state.routes(wire.host, family, "main"):
        # In the tool's JSON the destination of a tunnel hides that of the route.
        if not route["dst"].startswith("fe80:") and "encap" not in route:
            assert (route["dst"], route.get("from"), route.get("tos")) in mirrored, route
    if family == 4:
        assert "203.0.113.80/28 dev tun0" in wire.host.ip("route show table 100")
    assert ping(wire.host, FAR[family], 2, "-i 0.01") == (2, 2)


def test_gateways_are_resolved_by_main(wire, drivers, family):
    """`via GATEWAY` without a device leads over the real one while the daemon runs."""
    drivers(wire.host)
    net = {4: "203.0.113.0/24", 6: "2001:db8:aa::/48"}[family]
    wire.host.ip(f"-{family} route add {net} via {PEER[family]}")
    found = wire.host.ip_json(f"-{family} route show {net}")
    assert [route["dev"] for route in found] == ["eth0"]


def test_tentative_addresses_are_not_borrowed(wire, drivers):
    """Nobody answers for an address before its own device may; then it is borrowed."""
    driver = drivers(wire.host)
    wire.host.sysctl("net.ipv6.conf.eth0.accept_dad", 1)
    wire.host.sysctl("net.ipv6.conf.eth0.dad_transmits", 2)
    wire.host.ip("addr add 2001:db8:1::77/64 dev eth0")

    def borrowed():
        return [a["local"] for a in state.addresses(wire.host) if a["dev"] == "tun0"]

    assert "tentative" in wire.host.ip("-6 addr show dev eth0 tentative")
    assert "2001:db8:1::77" not in borrowed()
    wait_until(lambda: "2001:db8:1::77" in borrowed(), driver.news, 5)
    assert not wire.host.ip("-6 addr show dev eth0 tentative").strip()


@pytest.mark.parametrize("first,second", [
    ((), ("exclude=198.51.100.0/24", "exclude=2001:db8:2::/64")),
    (("uid=5", "port=80"), ("uid=6",)), ((), ("mirror=default",)), (("mirror=default",), ()),
    ((), ("direction=both",)), (("direction=both",), ("direction=forward",)),
    ((), ("table=777",)), ((), ("family=ipv4",)), (("family=ipv6",), ()),
    ((), ("on-exit=closed",)), (("on-exit=closed",), ())])
def test_reload_gives_what_a_start_gives(wire, drivers, first, second):
    before = state.snapshot(wire.host)
    driver = drivers(wire.host, *second)
    wanted = state.snapshot(wire.host)
    driver.stop()
    driver.forget()
    driver.start(*first)
    assert driver.reload(*second) == "reload 0 "
    assert state.compare(wanted, state.snapshot(wire.host)) == ""
    assert driver.reload(*first) == "reload 0 "
    assert driver.reload(*second) == "reload 0 "
    assert state.compare(wanted, state.snapshot(wire.host)) == ""
    driver.stop()
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_refused_reload_changes_nothing(wire, drivers, family):
    driver = drivers(wire.host)
    wire.host.ip(f"route add 203.0.113.0/24 via {PEER[4]} table 777")
    wanted = state.snapshot(wire.host)
    said = driver.reload("table=777")
    assert said.startswith("reload -17 ") and "table 777" in said
    assert state.compare(wanted, state.snapshot(wire.host)) == ""
    assert ping(wire.host, FAR[family], 2, "-i 0.01") == (2, 2)
    wire.host.ip("route flush table 777")


def test_clean_up_finds_what_another_configuration_left(wire, drivers):
    before = state.snapshot(wire.host)
    driver = drivers(wire.host, "table=777", "uid=5", "direction=both")
    driver.kill()
    done = driver.once("cleanup")
    assert done.returncode == 0, done.stdout
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_start_after_a_crash_with_another_configuration(wire, drivers):
    before = state.snapshot(wire.host)
    driver = drivers(wire.host, "table=777", "uid=5", "on-exit=closed")
    driver.kill()
    driver.start()
    assert wire.host.ip("route show table all").count("777") == 0
    driver.stop()
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_failed_start_after_a_crash_forgets_nothing(wire, drivers):
    """What the killed one left is still found by the next that starts, or cleans up."""
    before = state.snapshot(wire.host)
    driver = drivers(wire.host, "table=777", "uid=5")
    for end in (driver.start, lambda: driver.once("cleanup")):
        driver.kill()
        wire.host.ip("link add tun0 type veth peer name other")
        done = driver.once("run")
        assert done.returncode != 0 and "tun0" in done.stdout
        wire.host.ip("link delete tun0")
        end()
        assert "777" not in wire.host.ip("rule") + wire.host.ip("route show table all")
        if driver.process.poll() is None:
            driver.stop()
            assert state.compare(before, state.snapshot(wire.host)) == ""
            driver.start("table=777", "uid=5")
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_storm_of_changes_is_followed_at_bounded_cost(wire, drivers):
    """20,000 route changes in a row; the last state counts."""
    driver = drivers(wire.host)
    for _ in range(5):
        wire.host.ip_batch([f"route add 10.7.{n >> 8}.{n & 255} via {PEER[4]}"
                            for n in range(2000)])
        wire.host.ip_batch([f"route del 10.7.{n >> 8}.{n & 255}" for n in range(2000)])
    wire.host.ip(f"route add 10.8.0.0/16 via {PEER[4]}")
    wait_until(lambda: "10.8.0.0/16" in wire.host.ip("route show table 100"), driver.news, 2)
    assert "10.7." not in wire.host.ip("route show table 100")
    stat = open(f"/proc/{driver.process.pid}/stat", encoding="ascii").read().split()
    assert (int(stat[13]) + int(stat[14])) / os.sysconf("SC_CLK_TCK") < 5
    assert not driver.said("incomplete"), driver.news()


def test_plan_is_valid_for_the_tool(wire, drivers):
    """Every line of the plan with every kind of route is accepted as written."""
    for route in ODD_ROUTES[4] + ODD_ROUTES[6]:
        family = 6 if ":" in route and "inet6" not in route else 4
        wire.host.run(f"ip -{family} route add {route.format(peer=PEER[family])}", check=False)
    driver = drivers(wire.host, "uid=5", "port=80", "exclude=198.51.100.0/28")
    wanted = ours(wire.host)
    driver.stop()
    plan = driver.once("plan", "uid=5", "port=80", "exclude=198.51.100.0/28")
    assert plan.returncode == 0
    done = wire.host.run(["sh", "-e", "-c", plan.stdout], check=False)
    assert done.returncode == 0, f"{done.stderr}\n{plan.stdout}"

    def comparable(found):
        text = json.dumps({part: found[part] for part in found if part != "addr"}, sort_keys=True)
        return text.replace('"flags": ["linkdown"]', '"flags": []')

    assert comparable(ours(wire.host)) == comparable(wanted)


def test_unreachable_where_main_has_no_route(wire, drivers, family):
    """What main lost goes nowhere, least of all round and round."""
    drivers(wire.host)
    wire.host.ip(f"-{family} route del default")
    before = tun_packets(wire.host)
    ping(wire.host, NOBODY[family], 1, "-W 0.2")
    assert tun_packets(wire.host) - before <= 1
    assert HOST[family] in str(state.addresses(wire.host))
