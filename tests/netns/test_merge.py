# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that are merged on write are on the wire what they would have been without."""
import random
import signal

import pytest
from scapy.layers.inet import IP

from kernel import lacks
from packets import assert_checksums, difference, ip, send, tcp, udp
from topology import FAR, HOST
from traffic import tun_packets

BURST = 400  # packets that wait in the device's queue of 500
ROUNDS = 5


def bursts(family, seed):
    """Runs of one to forty datagrams, each alike but for what ends a run."""
    dice = random.Random(seed)
    packets = []
    while len(packets) < BURST:
        size, ident = dice.randrange(1, 200), dice.randrange(1, 60000)
        fields = {"ttl": dice.choice([64, 64, 7]), "tos": dice.choice([0, 0, 0xb8, 1])}
        port, step = dice.randrange(1024, 1028), dice.choice([1, 1, 1, 0, 2])
        for number in range(dice.randrange(1, 40)):
            packet = ip(family, HOST[family], FAR[family], id=ident + number * step, **fields)
            if family == 4 and dice.randrange(3) == 0:
                packet[IP].flags = "DF"
            tail = dice.randrange(size) if dice.randrange(20) == 0 else 0
            data = bytearray(bytes(packet / udp(port, 9, bytes([number]) * (size - tail))))
            if dice.randrange(40) == 0:
                data[-1] ^= 1  # and so the checksum is wrong
            packets.append(bytes(data))
    return packets[:BURST]


def streams(family, seed):
    """Runs of TCP segments: each continues the one before, but for what ends a run."""
    dice = random.Random(seed)
    packets = []
    while len(packets) < BURST:
        size, ident = dice.randrange(1, 1400), dice.randrange(1, 60000)
        fields = {"ttl": dice.choice([64, 64, 7]), "tos": dice.choice([0, 0, 0xb8, 2])}
        port, sequence = dice.randrange(1024, 1028), dice.randrange(2**32)
        options = dice.choice([[], [("NOP", None), ("NOP", None), ("Timestamp", (seed, 7))]])
        window = 1000
        for number in range(dice.randrange(1, 40)):
            packet = ip(family, HOST[family], FAR[family], id=ident + number, **fields)
            if family == 4 and dice.randrange(3) > 0:
                packet[IP].flags = "DF"
            length = dice.randrange(1, size + 1) if dice.randrange(20) == 0 else size
            flags = "AC" if number == 0 and dice.randrange(2) == 0 else "A"
            if dice.randrange(20) == 0:
                flags = dice.choice(["PA", "FA", "FPA", "AC", "AE", "UA", "SA", "RA", "EAC"])
            window += dice.randrange(30) == 0
            sequence += dice.randrange(30) == 0
            data = bytearray(bytes(packet / tcp(
                port, 9, flags, bytes([number]) * length, seq=sequence % 2**32, window=window,
                options=options)))
            if dice.randrange(40) == 0:
                data[-1] ^= 1  # and so the checksum is wrong
            packets.append(bytes(data))
            sequence += length
    return packets[:BURST]


def pass_at_once(net, daemon, captures, packets):
    """What arrives of PACKETS when the daemon finds all of them waiting."""
    with captures(net.peer) as seen:
        daemon.signal(signal.SIGSTOP)
        send(net.host, *packets)
        daemon.signal(signal.SIGCONT)
        return seen.wait(len(packets))


@pytest.mark.parametrize("mode", ["exact", "relaxed"])
@pytest.mark.parametrize("make", [bursts, streams])
def test_the_wire_cannot_tell(wire, daemons, captures, family, mode, make):
    daemon = daemons(wire.host)
    rules = "[rule mark]\nproto = udp, tcp\ndport = 9\nset-dport = 4712\n"
    rounds = [make(family, seed) for seed in range(ROUNDS)]
    daemon.start(f"[tun]\nmerge = off\n{rules}")
    without = [pass_at_once(wire, daemon, captures, packets) for packets in rounds]
    assert daemon.statistics().totals["merged"] == 0
    assert daemon.stop() == 0
    daemon.start(f"[tun]\nmerge = {mode}\n{rules}")
    before = tun_packets(wire.host)
    merged = [pass_at_once(wire, daemon, captures, packets) for packets in rounds]
    assert tun_packets(wire.host) - before == ROUNDS * BURST
    statistics = daemon.statistics()
    if lacks("uso" if make is bursts else "tso"):
        assert statistics.totals["merged"] == 0
    else:
        assert statistics.totals["merged"] > ROUNDS * BURST / 4
    assert statistics.totals["gso-refused"] == 0
    assert statistics.balance()[0] == statistics.balance()[1]
    for left, right in zip(without, merged):
        if mode == "relaxed":
            left, right = ([without_id(data) for data in side] for side in (left, right))
        assert difference(left, right) == ""


def without_id(data):
    """An atomic IPv4 datagram with neither identification nor header checksum."""
    if data[0] >> 4 == 4 and data[6] & 0x40:
        return data[:4] + b"\0\0" + data[6:10] + b"\0\0" + data[12:]
    return data


def test_without_offload_nothing_is_merged(wire, daemons, captures):
    daemon = daemons(wire.host)
    daemon.start("[tun]\noffload = off\n")
    arrived = pass_at_once(wire, daemon, captures, bursts(6, 1)[:100])
    assert len(arrived) == 100
    assert daemon.statistics().totals["merged"] == 0


def test_reading_order_is_kept(wire, daemons, captures, family):
    """Of two flows that alternate neither overtakes itself or the other."""
    daemon = daemons(wire.host)
    daemon.start("[main]\n")
    packets = [ip(family, HOST[family], FAR[family], id=1 + number) /
               udp(2000 + number // 3 % 2, 9, number.to_bytes(2, "big")) for number in range(300)]
    arrived = pass_at_once(wire, daemon, captures, packets)
    assert_checksums(arrived)
    assert [int.from_bytes(data[-2:], "big") for data in arrived] == list(range(300))
    assert (daemon.statistics().totals["merged"] > 0) == (not lacks("uso"))
