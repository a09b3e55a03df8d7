# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness itself on plain networks, without ipmodd: what measures must be able to fail."""
import pathlib
import subprocess
import tempfile

import pytest

import state
from packets import (assert_checksums, checksum_errors, difference, echo_request, has_payload,
                     inject, ip, send, tcp, udp)
from space import Namespace, reap, wait_until
from topology import FAR, HOST, PEER


def test_wire_carries_both_families(wire):
    wire.host.run(f"ping -c 1 -W 2 {FAR[4]}")
    wire.host.run(f"ping -c 1 -W 2 {FAR[6]}")


def test_client_reaches_the_world_through_the_host(routed):
    routed.client.run(f"ping -c 1 -W 2 {FAR[4]}")
    routed.client.run(f"ping -c 1 -W 2 {FAR[6]}")


def test_capture_gives_the_bytes_that_were_sent(wire, captures, family):
    seen = captures(wire.peer)
    packet = bytes(ip(family, HOST[family], FAR[family], ttl=17, tos=0x28) /
                   udp(4000, 5000, b"probe"))
    send(wire.host, packet)
    assert difference([packet], seen.wait(1, has_payload(b"probe"))) == ""


def test_capture_fails_when_nothing_comes(wire, captures):
    with pytest.raises(AssertionError, match="0 of 1 packets"):
        captures(wire.peer).wait(1, timeout=0.05)


def test_wrong_checksums_are_seen(wire, captures):
    seen = captures(wire.peer)
    good = bytes(ip(4, HOST[4], PEER[4]) / tcp(1, 2, payload=b"good"))
    bad = good[:-1] + b"?"
    send(wire.host, good, bad)
    first, second = seen.wait(2)
    assert checksum_errors(first) == []
    assert checksum_errors(second) == ["TCP checksum"]
    with pytest.raises(AssertionError, match="wrong TCP checksum"):
        assert_checksums([second])


def test_programs_send_right_checksums_here(wire, captures):
    """The wire carries what a real one would: no checksums left to a device."""
    seen = captures(wire.peer)
    wire.host.run(f"ping -c 1 -W 2 {FAR[6]}")
    wire.host.run(f"curl -s -m 1 http://{FAR[4]}:9/", check=False)
    assert_checksums(seen.wait(2))


def test_difference_shows_where(wire):
    del wire
    assert "from byte 2" in difference([b"abcd"], [b"abXd"])
    assert "1 packets missing" in difference([b"E" * 20, b"E" * 20], [b"E" * 20])
    assert "1 packets too many" in difference([b"E" * 20], [b"E" * 20, b"E" * 20])


def test_inject_passes_by_routing(wire, captures):
    seen = captures(wire.peer)
    neighbour = wire.peer.ip_json("link show eth0")[0]["address"]
    wire.host.ip(f"neigh replace {PEER[4]} lladdr {neighbour} dev eth0")
    inject(wire.host, "eth0", [bytes(ip(4, "198.51.100.99", PEER[4]) / echo_request(4))])
    assert seen.wait(1)


@pytest.mark.parametrize("change,part", [
    ("rule add pref 77 lookup 100", "rule 4: new"),
    ("-6 rule add pref 77 lookup 100", "rule 6: new"),
    ("route add 203.0.113.0/24 via 192.0.2.2", "route 4: new"),
    ("-6 route del default", "route 6: gone"),
    ("addr add 192.0.2.77/24 dev eth0", "addr: new"),
    ("link add v0 type veth peer name v1", "link: new"),
])
def test_snapshot_sees_a_change(wire, change, part):
    before = state.snapshot(wire.host)
    assert state.compare(before, state.snapshot(wire.host)) == ""
    wire.host.ip(change)
    assert part in state.compare(before, state.snapshot(wire.host))


def test_snapshot_sees_a_sysctl(wire):
    before = state.snapshot(wire.host)
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 2)
    assert "sysctl: new" in state.compare(before, state.snapshot(wire.host))


def test_counters_can_be_read(wire):
    before = wire.host.counter("Ip6InReceives"), wire.host.counter("IcmpInEchoReps")
    wire.host.run(f"ping -c 1 -W 2 {PEER[4]}")
    wire.host.run(f"ping -c 1 -W 2 {PEER[6]}")
    assert wire.host.counter("Ip6InReceives") > before[0]
    assert wire.host.counter("IcmpInEchoReps") == before[1] + 1


def test_reap_removes_what_a_dead_process_left():
    gone = subprocess.Popen(["true"])
    gone.wait()
    name = f"ipmt-{gone.pid}-1-left"
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = subprocess.Popen(["ip", "netns", "exec", name, "sleep", "60"])
    mine = Namespace("mine")
    # Another run that starts right now may reap it before this one does.
    wait_until(lambda: inside.poll() is not None or subprocess.run(
        ["ip", "netns", "pids", name], capture_output=True, check=False).stdout,
        "a process inside")
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"ipmt-{gone.pid}-"))
    reap()
    assert not directory.exists()
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True,
                          check=True).stdout
    assert inside.wait(5) == -9
    assert name not in left and mine.name in left
    mine.delete()


def test_topologies_have_their_addresses(uplinks, sources):
    assert uplinks.host.ip_json(f"route get {PEER[4]}")[0]["prefsrc"] == HOST[4]
    assert {a["local"] for link in sources.host.ip_json("-6 addr show dev eth0")
            for a in link["addr_info"] if a.get("deprecated")} == {"2001:db8:1::dead"}


def test_failing_commands_are_not_passed_over(wire):
    with pytest.raises(AssertionError, match="ip route add"):
        wire.host.ip("route add 203.0.113.0/24 via 198.51.100.77")
    with pytest.raises(AssertionError, match="ip -batch"):
        wire.host.ip_batch(["route add 203.0.113.0/24 via 198.51.100.77"])
    with pytest.raises(AssertionError, match="exit 1"):
        wire.host.run("false")
