# SPDX-License-Identifier: GPL-2.0-or-later
"""What no rule touches is on the wire as it would have been without the daemon."""
import hashlib
import os
import re
import socket

import pytest

from daemon import ORDERED
from packets import (assert_checksums, checksum_errors, describe, difference, has_payload, ip,
                     parse, send, ttl_of, udp)
from space import SLOW
from topology import FAR, GATE, HOST, PEER, SERVER
from traffic import (every_kind, generated, iperf, name_server, ping, tun_packets,
                     udp_socket, web_server)


def burst(net, captures, packets):
    """What of PACKETS arrives at the peer, in order as far as there is one."""
    with captures(net.peer) as seen:
        send(net.host, *packets)
        return in_order(seen.wait(len(packets)))


def in_order(packets):
    """PACKETS as they came, or in an order that does not depend on that."""
    return packets if ORDERED else sorted(packets)


def test_every_kind_of_packet_is_the_same_byte_for_byte(wire, daemons, captures, family):
    packets = every_kind(family, HOST[family], FAR[family])
    without = burst(wire, captures, packets)
    daemons(wire.host).start()
    before = tun_packets(wire.host)
    with_daemon = burst(wire, captures, packets)
    assert difference(without, with_daemon) == ""
    assert tun_packets(wire.host) - before >= len(packets), "the packets were not diverted"


def test_what_the_kernel_fragments_is_the_same(wire, daemons, captures, family):
    """A datagram larger than the MTU: the same fragments, whoever cut them."""
    def fragments():
        with captures(wire.peer) as seen, udp_socket(wire.host, family) as sender:
            sender.bind((HOST[family], 4444))
            if family == 4:
                sender.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: let it fragment
            sender.sendto(bytes(range(250)) * 16, (FAR[family], 5000))
            return seen.wait(3)

    def shape(data):
        """The packet without its identification, which counts up."""
        if family == 4:
            return data[:4] + data[6:10] + data[12:]
        return data[:4] + data[6:44] + data[48:]

    without = [shape(data) for data in fragments()]
    daemons(wire.host).start()
    assert difference(without, [shape(data) for data in fragments()]) == ""


def test_checksums_stay_as_they_were_over_generated_traffic(wire, daemons, captures, family):
    daemons(wire.host).start()
    packets = generated(family, HOST[family], FAR[family], 400, seed=family)
    counters = ["IpInHdrErrors"] if family == 4 else ["Ip6InHdrErrors"]
    before = [wire.host.counter(name) for name in counters]
    arrived = burst(wire, captures, [data for data, _ in packets])
    for (_, right), got in zip(in_order(packets), arrived):
        assert (checksum_errors(got) == []) == right, f"was {right}: {describe(got)}"
    assert [wire.host.counter(name) for name in counters] == before


def test_ttl_leaves_as_it_was_given(wire, daemons, captures, family):
    daemons(wire.host).start()
    packets = [ip(family, HOST[family], FAR[family], ttl=ttl) / udp(4000, 5000, b"ttl %03d" % ttl)
               for ttl in range(1, 256)]
    arrived = [parse(data) for data in burst(wire, captures, packets)]
    assert_checksums(arrived)
    got = {int(bytes(packet)[-3:]): ttl_of(packet) for packet in arrived}
    expected = {ttl: ttl for ttl in range(1, 255)} | {255: 254}
    assert {ttl: got.get(ttl) for ttl in expected if got.get(ttl) != expected[ttl]} == {}


def without_times(text):
    """A trace without its round trip times."""
    return re.sub(r"\s*\d+\.\d+\s*ms", "", text)


@pytest.mark.parametrize("command", [
    "traceroute -n -q 2 -w 2 -m 4", "traceroute -n -q 2 -w 2 -m 4 -I",
    "traceroute -n -q 2 -w 2 -m 4 -T -p 9", "tracepath -n -m 4"],
    ids=["traceroute-udp", "traceroute-icmp", "traceroute-tcp", "tracepath"])
def test_traces_show_the_same_with_and_without(chain, daemons, family, command):
    command = f"{command} {SERVER[family]}"
    without = without_times(chain.host.run(command, timeout=30 * SLOW).stdout)
    assert SERVER[family] in without.split("\n", 1)[1], f"no trace without the daemon: {without}"
    daemons(chain.host).start()
    before = tun_packets(chain.host)
    assert without_times(chain.host.run(command, timeout=30 * SLOW).stdout) == without
    assert tun_packets(chain.host) > before, "the probes were not diverted"


@pytest.mark.parametrize("command", ["traceroute -n -q 1 -w 2 -m 3", "tracepath -n -m 3"],
                         ids=["traceroute", "tracepath"])
def test_a_client_traces_the_same(routed, daemons, family, command):
    """The host is a hop of its own, once, whether its forwarded packets are diverted or not."""
    command = f"{command} {FAR[family]}"
    without = without_times(routed.client.run(command, timeout=30 * SLOW).stdout)
    assert GATE[family] in without and FAR[family] in without.split("\n", 1)[1], without
    daemons(routed.host).start("[divert]\ndirection = out, forward\n")
    before = tun_packets(routed.host)
    assert without_times(routed.client.run(command, timeout=30 * SLOW).stdout) == without
    assert tun_packets(routed.host) > before, "the probes were not diverted"


def test_a_client_learns_the_path_mtu(routed, daemons, family):
    """The host's uplink carries less than the client's link: the host says so, as without."""
    routed.host.ip("link set eth0 mtu 1400")
    routed.peer.ip("link set eth0 mtu 1400")
    daemons(routed.host).start("[divert]\ndirection = out, forward\n")
    said = routed.client.run(f"tracepath -n -m 3 {FAR[family]}", timeout=30 * SLOW).stdout
    assert "pmtu 1400" in said and GATE[family] in said, said


def test_path_mtu_discovery_works(chain, daemons, family):
    """A smaller MTU behind the first router: its packet-too-big reaches the sender."""
    chain.peer.ip("link set eth1 mtu 1400")
    chain.server.ip("link set eth0 mtu 1400")
    daemons(chain.host).start()
    said = chain.host.run(f"tracepath -n -m 4 {SERVER[family]}", timeout=30 * SLOW).stdout
    assert "pmtu 1400" in said, said


def test_ping(wire, daemons, family):
    daemons(wire.host).start()
    before = tun_packets(wire.host)
    assert ping(wire.host, FAR[family], 5) == (5, 5)
    assert ping(wire.host, FAR[family], 2, "-i 0.01 -s 4000") == (2, 2)
    assert ping(wire.peer, HOST[family], 3) == (3, 3)
    assert tun_packets(wire.host) - before >= 10, "the pings were not diverted"


def test_curl(wire, daemons, family, tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "file").write_bytes(content)
    daemons(wire.host).start()
    before = tun_packets(wire.host)
    with web_server(wire.peer, tmp_path, family) as url:
        wire.host.run(["curl", "-s", "-f", "-g", "-m", "10", "-o", str(tmp_path / "copy"),
                       url.format(FAR[family]) + "file"])
    assert hashlib.sha256((tmp_path / "copy").read_bytes()).digest() == \
        hashlib.sha256(content).digest()
    assert tun_packets(wire.host) > before, "the connection was not diverted"


def test_host_serves_a_client(wire, daemons, family, tmp_path):
    (tmp_path / "file").write_bytes(b"z" * 1_000_000)
    daemons(wire.host).start()
    with web_server(wire.host, tmp_path, family) as url:
        done = wire.peer.run(["curl", "-s", "-f", "-g", "-m", "10",
                              url.format(HOST[family]) + "file"])
    assert len(done.stdout) == 1_000_000


def test_dig(wire, daemons, family):
    daemons(wire.host).start()
    with name_server(wire.peer, {"a.example": "192.0.2.77"}):
        for transport in ("+notcp", "+tcp"):
            said = wire.host.run(f"dig +short +time=2 +tries=1 {transport} @{FAR[family]} "
                                 "a.example A").stdout
            assert said.strip() == "192.0.2.77", f"{transport}: {said}"


@pytest.mark.parametrize("options", ["-n 20M", "-n 20M -R", "-u -b 20M -t 1"],
                         ids=["tcp", "tcp-reverse", "udp"])
def test_iperf3(wire, daemons, family, options):
    daemons(wire.host).start()
    # The peer's own address: a UDP server on the wildcard answers from that one.
    said = iperf(wire.peer, wire.host, PEER[family], f"-J {options}")
    assert '"error"' not in said, said[-1000:]


def test_unroutable_destinations_fail_as_without(wire, daemons, family):
    """What main has no route for, or a prohibiting one, still fails at once in connect(2)."""
    wire.host.ip(f"-{family} route del default")
    net = {4: "203.0.113.0/25", 6: "2001:db8:9::/48"}[family]
    inside = {4: "203.0.113.1", 6: "2001:db8:9::1"}[family]
    wire.host.ip(f"-{family} route add prohibit {net}")

    def errors():
        found = []
        for address in (FAR[family], inside):
            with udp_socket(wire.host, family) as made, pytest.raises(OSError) as caught:
                made.connect((address, 9))
            found.append(caught.value.errno)
        return found

    without = errors()
    daemons(wire.host).start()
    assert errors() == without


def test_one_ping_makes_one_packet(wire, daemons, captures, family):
    """No loop: a TTL that is given back must never bring a packet round again."""
    daemons(wire.host).start()
    seen = captures(wire.peer)
    before = tun_packets(wire.host)
    send(wire.host, ip(family, HOST[family], FAR[family]) / udp(4000, 5000, b"once"),
         ip(family, HOST[family], PEER[family]) / udp(4000, 5000, b"last"))
    seen.wait(1, has_payload(b"last"))
    assert len(seen.all(has_payload(b"once"))) == 1
    assert tun_packets(wire.host) - before <= 4
