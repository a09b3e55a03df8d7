# SPDX-License-Identifier: GPL-2.0-or-later
"""Super-packets pass whole, and nobody on the wire can tell."""
import socket
import struct
import threading

import pytest

from kernel import lacks
from packets import assert_checksums, checksum_errors, describe, parse, tos_of, ttl_of
from space import PATIENCE, wait_until
from topology import FAR, HOST, PEER
from traffic import errors, iperf, tcp_socket, tun_packets, udp_socket

SOL_UDP, UDP_SEGMENT = 17, 103
PORT = 4711
CWR = 0x80  # among the flags of TCP


@pytest.fixture(name="offload", params=["auto", "off"])
def offload_fixture(request):
    """Runs a test with super-packets and without."""
    return request.param


def has_tcp(offload):
    """Whether TCP comes in super-packets."""
    return offload == "auto" and not lacks("tso")


def has_udp(offload):
    """Whether UDP comes in super-packets."""
    return offload == "auto" and not lacks("uso")


def config(offload, rules):
    """A configuration with RULES; both forms of offload take the same."""
    return f"[tun]\noffload = {offload}\n{rules}"


def upper(data):
    """The TCP or UDP header of a packet without IP options, and what follows."""
    return data[20:] if data[0] >> 4 == 4 else data[40:]


def is_data(data):
    """Whether a packet carries TCP payload to the port of the tests."""
    segment = upper(data)
    return (struct.unpack_from("!H", segment, 2)[0] == PORT and
            len(segment) > (segment[12] >> 4) * 4)


def send_and_close(sender, data):
    sender.sendall(data)
    sender.shutdown(socket.SHUT_WR)


def transfer(net, family, size):
    """SIZE bytes from the host to the peer by TCP in one go; what arrived."""
    with net.peer:
        listener = socket.create_server((FAR[family], PORT), family=socket.AF_INET if family == 4
                                        else socket.AF_INET6)
    with listener, tcp_socket(net.host, family) as sender:
        listener.settimeout(PATIENCE)
        sender.connect((FAR[family], PORT))
        receiver, _ = listener.accept()
        with receiver:
            receiver.settimeout(PATIENCE)
            got = b""
            sent = bytes(n * 7 % 251 for n in range(size))
            sender.settimeout(PATIENCE)
            sending = threading.Thread(target=send_and_close, args=(sender, sent))
            sending.start()  # the buffers need not hold all of it
            while chunk := receiver.recv(65536):
                got += chunk
            sending.join()
    assert got == sent


def test_bulk_tcp_with_edits(wire, daemons, family, offload):
    daemon = daemons(wire.host)
    daemon.start(config(offload, "[rule mark]\nproto = tcp\nset-dscp = ef\nset-ttl = 33\n"))
    # TCP makes its super-packets as large as a millisecond's worth, on a slow machine hardly any.
    wire.host.sysctl("net.ipv4.tcp_min_tso_segs", 16)
    before, handed = errors(wire), tun_packets(wire.host)
    said = iperf(wire.peer, wire.host, PEER[family], "-J -n 30M")
    assert '"error"' not in said, said[-1000:]
    assert errors(wire) == before
    statistics = daemon.statistics()
    assert statistics.totals["in"] > 10_000  # of 1,500 bytes at most
    assert statistics.totals["edited"] == statistics.totals["out"]
    assert statistics.balance()[0] == statistics.balance()[1]
    assert statistics.totals["split"] == statistics.totals["gso-refused"] == 0
    handed = tun_packets(wire.host) - handed
    if has_tcp(offload):
        assert handed * 4 < statistics.totals["in"]
    else:
        assert 0 <= handed - statistics.totals["in"] < 50  # the connection's end comes later


def test_edited_segments_on_the_wire(wire, daemons, captures, family, offload):
    daemons(wire.host).start(config(
        offload, f"[rule mark]\nproto = tcp\nsport = 1024-65535\ndport = {PORT}\nset-dscp = ef\n"
        "set-ttl = 33\n"))
    with captures(wire.peer) as seen:
        transfer(wire, family, 100_000)
        arrived = seen.wait(70, is_data)
    assert_checksums(arrived)
    for data in arrived:
        assert len(data) <= 1500, describe(data)
        packet = parse(data)
        assert (tos_of(packet) >> 2, ttl_of(packet)) == (46, 33)


def test_congestion_is_told_once(wire, daemons, captures, family, offload):
    """Marks make the sender set CWR in super-packets: the first segment alone has it then."""
    for space in (wire.host, wire.peer):
        space.sysctl("net.ipv4.tcp_ecn", 1)
    daemon = daemons(wire.host)
    daemon.start(config(offload, f"[rule full]\ndport = {PORT}\ntcp-flags = ack\nset-ecn = ce\n"))
    before = errors(wire)
    with captures(wire.peer) as seen:
        transfer(wire, family, 1_000_000)
        arrived = seen.all(is_data)
    assert_checksums(arrived)
    told = [upper(data)[13] & CWR != 0 for data in arrived]
    assert 0 < sum(told) <= tun_packets(wire.host), f"{sum(told)} of {len(told)}"
    assert all(tos_of(parse(data)) & 3 == 3 for data in arrived)
    assert errors(wire) == before
    statistics = daemon.statistics()
    assert statistics.totals["split"] == statistics.totals["gso-refused"] == 0
    assert statistics.balance()[0] == statistics.balance()[1]


def test_only_the_segments_that_match_are_edited(wire, daemons, captures, family, offload):
    """PSH is on the last segment of a super-packet: the rule has it split, and edits that one."""
    daemon = daemons(wire.host)
    daemon.start(config(offload, f"[rule pushed]\ndport = {PORT}\ntcp-flags = psh\n"
                                 "set-dscp = ef\n[rule all]\nset-ttl = 33\n"))
    before = errors(wire)
    with captures(wire.peer) as seen:
        transfer(wire, family, 100_000)
        arrived = seen.wait(70, is_data)
    assert_checksums(arrived)
    pushed = 0
    for data in arrived:
        packet, is_pushed = parse(data), upper(data)[13] & 8 != 0
        pushed += is_pushed
        assert tos_of(packet) >> 2 == (46 if is_pushed else 0), describe(data)
        assert ttl_of(packet) == 33
    assert 0 < pushed < len(arrived)
    assert errors(wire) == before
    statistics = daemon.statistics()
    assert (statistics.totals["split"] > 0) == has_tcp(offload)
    assert (statistics.totals["merged"] > 0) == has_tcp(offload)
    assert statistics.rules["pushed"][0] >= pushed
    assert statistics.balance()[0] == statistics.balance()[1]


def send_datagrams(net, family, offload, size, count, tail):
    """COUNT datagrams of SIZE bytes and one of TAIL in a single call (UDP_SEGMENT)."""
    if offload == "off" and lacks("udp-segment-anywhere"):
        pytest.skip("this kernel has UDP_SEGMENT for devices with checksum offload alone")
    with udp_socket(net.host, family, HOST[family]) as sender:
        sender.setsockopt(SOL_UDP, UDP_SEGMENT, size)
        data = b"".join(bytes([number]) * size for number in range(count)) + b"t" * tail
        sender.sendto(data, (FAR[family], 9))


def test_segmented_datagrams(wire, daemons, captures, family, offload):
    daemon = daemons(wire.host)
    daemon.start(config(offload, "[rule move]\nproto = udp\nset-dport = 4712\n"
                                 f"set-dst = {PEER[family]}\n"))
    handed = tun_packets(wire.host)
    with captures(wire.peer) as seen:
        send_datagrams(wire, family, offload, 1000, 7, 333)
        arrived = seen.wait(8, lambda data: upper(data)[2:4] == struct.pack("!H", 4712))
    assert_checksums(arrived)
    lengths = [len(upper(data)) - 8 for data in arrived]
    assert lengths == [1000] * 7 + [333]
    assert [upper(data)[8] for data in arrived] == [0, 1, 2, 3, 4, 5, 6, ord("t")]
    assert tun_packets(wire.host) - handed == (1 if has_udp(offload) else 8)
    assert daemon.statistics().rules["move"][0] == 8


def test_segmented_datagrams_by_length(wire, daemons, captures, family, offload):
    """The rule holds for the last datagram alone."""
    shortest = {4: 28, 6: 48}[family] + 333
    daemons(wire.host).start(config(
        offload, f"[rule short]\nproto = udp\nlength = {shortest}\nset-dport = 4712\n"))
    with captures(wire.peer) as seen:
        send_datagrams(wire, family, offload, 1000, 3, 333)
        arrived = seen.wait(4, lambda data: data[9 if family == 4 else 6] == 17)
    ports = [struct.unpack_from("!H", upper(data), 2)[0] for data in arrived]
    assert ports == [9, 9, 9, 4712]
    assert [checksum_errors(data) for data in arrived] == [[]] * 4


def test_every_datagram_is_rejected_by_itself(wire, daemons, family, offload):
    daemon = daemons(wire.host)
    daemon.start(config(offload, "[rule no]\nproto = udp\nverdict = reject\n"))
    send_datagrams(wire, family, offload, 1000, 5, 10)
    wait_until(lambda: daemon.statistics().drops == {"rejected": 6},
               lambda: f"six datagrams rejected: {daemon.statistics().drops}")
    assert daemon.statistics().totals["generated"] == 6


def test_device_made_again_has_its_offloads(wire, daemons, captures, family, offload):
    daemon = daemons(wire.host)
    daemon.start(config(offload, "[rule mark]\nset-ttl = 33\n"))
    wire.host.ip("link del tun0")
    daemon.wait_log("is back")
    handed = tun_packets(wire.host)
    with captures(wire.peer) as seen:
        send_datagrams(wire, family, offload, 1000, 3, 10)
        arrived = seen.wait(4, lambda data: data[9 if family == 4 else 6] == 17)
    assert_checksums(arrived)
    assert {ttl_of(parse(data)) for data in arrived} == {33}
    assert tun_packets(wire.host) - handed == (1 if has_udp(offload) else 4)
