# SPDX-License-Identifier: GPL-2.0-or-later
"""Arbitrary bytes through AF_PACKET on tun0, and DESIGN's invariants over generated traffic."""
import random
import struct

import pytest

from packets import checksum_errors, describe, has_payload, inject, ip, send, udp
from space import wait_until
from topology import FAR, HOST
from traffic import every_kind, generated, ping

QUEUE = 250  # packets at once; the device's queue holds 1,000
MALFORMED = {"empty", "bad-version", "truncated-ip-header", "bad-ip-header-length",
             "bad-ip-total-length", "bad-ip-option", "bad-extension-header",
             "too-many-extension-headers", "bad-fragment", "truncated-l4-header",
             "bad-tcp-header-length", "bad-tcp-option", "bad-udp-length"}
EVERYTHING = """
[rule edits]
set-ttl = +1
set-dscp = ef
set-sport = 1
set-df = no
[rule addresses4]
family = ipv4
set-dst = 198.51.100.1
[rule addresses6]
family = ipv6
set-dst = 2001:db8:2::1
[rule clamp]
proto = tcp
clamp-mss = 500
[rule fake]
proto = icmp
reply = echo
[rule no]
dport = 1-30000
verdict = reject
"""


def in_portions(daemon, space, packets):
    """Injects into tun0 no faster than the daemon reads; the statistics afterwards."""
    for start in range(0, len(packets), QUEUE):
        before = daemon.statistics().totals["in"]
        portion = packets[start:start + QUEUE]
        inject(space, "tun0", portion)
        wait_until(lambda: daemon.statistics().totals["in"] >= before + len(portion),
                   lambda: f"{len(portion)} packets read: {daemon.statistics().totals}")
    return daemon.statistics()


def noise(count, seed):
    """Bytes of every length from 1 to the MTU, most of them with the start of an IP header."""
    dice = random.Random(seed)
    found = []
    for _ in range(count):
        data = bytearray(dice.randbytes(dice.choice([dice.randrange(1, 80),
                                                     dice.randrange(1, 1501)])))
        kind = dice.randrange(6)
        if kind < 4:
            data[0] = dice.choice([0x45, 0x45, 0x46, 0x4F, 0x44, 0x60, 0x60])
        if kind < 3 and len(data) >= 10 and data[0] >> 4 == 4:
            total = dice.choice([len(data), len(data), dice.randrange(65536)])
            struct.pack_into("!H", data, 2, total)
            data[6] &= dice.choice([0x40, 0xFF])
            data[9] = dice.choice([1, 6, 17, 132, 51, data[9]])
        if kind < 3 and len(data) >= 7 and data[0] >> 4 == 6:
            payload = dice.choice([len(data) - 40, dice.randrange(65536)])
            struct.pack_into("!H", data, 4, max(0, payload))
            data[6] = dice.choice([0, 6, 17, 43, 44, 51, 58, 60, 135, 139, data[6]])
        found.append(bytes(data))
    return found


def mutated(count, seed):
    """Real packets with a few bytes changed, or cut."""
    dice = random.Random(seed)
    stock = every_kind(4, HOST[4], FAR[4]) + every_kind(6, HOST[6], FAR[6])
    found = []
    for _ in range(count):
        data = bytearray(dice.choice(stock))
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(min(len(data), 80))] = dice.choice([0, 1, 255, dice.randrange(256)])
        kept = dice.choice([len(data), len(data), dice.randrange(1, len(data))])
        found.append(bytes(data[:kept]))
    return found


def structure_errors(data):
    """What a receiver would refuse in the lengths of a packet that left the daemon."""
    if data[0] >> 4 == 4:
        header = (data[0] & 15) * 4
        if len(data) < 20 or header < 20 or header > len(data):
            return "IPv4 header length"
        total = struct.unpack_from("!H", data, 2)[0]
        return "" if header <= total <= len(data) else f"IPv4 total length {total}"
    if data[0] >> 4 == 6:
        if len(data) < 40:
            return "IPv6 header"
        total = 40 + struct.unpack_from("!H", data, 4)[0]
        return "" if total <= len(data) else f"IPv6 payload length {total - 40}"
    return "version"


@pytest.mark.parametrize("make", [noise, mutated])
@pytest.mark.parametrize("rules", ["", EVERYTHING], ids=["no-rules", "rules"])
def test_hostile_bytes(wire, daemons, captures, make, rules):
    daemon = daemons(wire.host)
    daemon.start("[main]\nmalformed = drop\n" + rules)
    left = captures(wire.host, "tun0")
    statistics = in_portions(daemon, wire.host, make(3000, seed=2))
    entered, gone = statistics.balance()
    assert entered == gone, f"in + generated {entered}, out + drops {gone}: {statistics.drops}"
    assert statistics.totals["in"] >= 3000
    refused = {reason for reason in statistics.drops if reason in MALFORMED}
    assert len(refused) >= 5, f"few kinds of malformed packets: {statistics.drops}"
    written = left.all()
    assert len(written) >= 20, "hardly anything was well-formed"
    wrong = [(structure_errors(data), describe(data)) for data in written
             if structure_errors(data)]
    assert wrong == []
    assert ping(wire.host, FAR[4], 2) == (2, 2)
    assert daemon.alive(), daemon.log()


def test_malformed_pass(wire, daemons):
    """`malformed = pass` writes them back as they came; the kernel refuses what it refuses."""
    daemon = daemons(wire.host)
    daemon.start("[main]\nmalformed = pass\n" + EVERYTHING)
    statistics = in_portions(daemon, wire.host, noise(1000, seed=3) + mutated(1000, seed=4))
    entered, gone = statistics.balance()
    assert entered == gone, statistics.drops
    assert statistics.totals["malformed-passed"] >= 300
    # What cannot be written (no version, no byte) may be dropped; nothing else for its form.
    assert set(statistics.drops) & MALFORMED <= {"empty", "bad-version"}, statistics.drops


@pytest.mark.parametrize("data,reason", [
    (b"\x00" * 40, "bad-version"),
    (b"\x45" + b"\0" * 10, "truncated-ip-header"),
    (b"\x43\0\0\x28" + b"\0" * 36, "bad-ip-header-length"),
    (b"\x4f\0\0\x28" + b"\0" * 36, "bad-ip-header-length"),
    (b"\x45\0\0\x10" + b"\0" * 36, "bad-ip-total-length"),
    (b"\x45\0\xff\xff" + b"\0" * 36, "bad-ip-total-length"),
    (b"\x60\0\0\0\xff\xff\x11\x40" + b"\0" * 32, "bad-ip-total-length"),
    (b"\x60\0\0\0\0\x04\x11\x40" + b"\0" * 36, "truncated-l4-header"),
    (b"\x60\0\0\0\0\x08\x00\x40" + b"\0" * 32 + b"\x11\xff" + b"\0" * 6, "bad-extension-header"),
])
def test_each_kind_is_dropped_by_its_name(wire, daemons, data, reason):
    daemon = daemons(wire.host)
    daemon.start()
    statistics = in_portions(daemon, wire.host, [data])
    assert statistics.drops == {reason: 1}


def test_invariant_over_generated_traffic(wire, daemons, family):
    """in + generated = out + drops + parked, with rules of every kind; right stays right."""
    daemon = daemons(wire.host)
    daemon.start("[rule dscp]\nset-dscp = ef\n[rule drop]\ndport = 1-9999\nverdict = drop\n"
                 "[rule no]\ndport = 10000-19999\nverdict = reject\n"
                 "[rule fake]\nproto = icmp\nreply = echo\n"
                 "[rule move]\nset-sport = 4242\n")
    packets = generated(family, HOST[family], FAR[family], 600, seed=5)
    for start in range(0, len(packets), QUEUE):
        send(wire.host, *[data for data, _ in packets[start:start + QUEUE]])
    read = lambda found: found.totals["in"] + found.totals["tx-dropped"]
    wait_until(lambda: read(daemon.statistics()) >= len(packets),
               lambda: f"all packets read: {daemon.statistics().totals}")
    statistics = daemon.statistics()
    entered, gone = statistics.balance()
    assert entered == gone, f"{statistics.totals} {statistics.drops}"
    assert {"rule", "rejected", "answered"} <= set(statistics.drops), statistics.drops
    assert statistics.totals["edited"] > 100


def test_edits_keep_checksums_true_over_generated_traffic(wire, daemons, captures, family):
    """Right ones stay right and wrong ones wrong, whatever is edited; nothing is refused."""
    daemon = daemons(wire.host)
    other = {4: "198.51.100.77", 6: "2001:db8:2::77"}[family]
    daemon.start("[rule all]\nset-ttl = +3\nset-dscp = af31\nset-ecn = ce\nset-sport = 54321\n"
                 f"set-dport = 9\nclamp-mss = 900\n[rule to]\nfamily = ipv{family}\n"
                 f"set-dst = {other}\n")
    name = {4: "IpInHdrErrors", 6: "Ip6InHdrErrors"}[family]
    before = wire.host.counter(name), wire.peer.counter(name)
    packets = generated(family, HOST[family], FAR[family], 500, seed=6)
    seen = captures(wire.peer)
    for start in range(0, len(packets), QUEUE):
        send(wire.host, *[data for data, _ in packets[start:start + QUEUE]])
        arrived = seen.wait(min(start + QUEUE, len(packets)))
    for (sent, right), got in zip(packets, arrived):
        assert (checksum_errors(got) == []) == right, (
            f"{'right' if right else 'wrong'} before: {checksum_errors(got)}\n"
            f"{describe(sent)}\n{describe(got)}")
    assert (wire.host.counter(name), wire.peer.counter(name)) == before


def test_programs_raise_no_error_counters(wire, daemons, family):
    """What the daemon writes is accepted by both kernels: pings, a refused connection."""
    daemons(wire.host).start("[rule all]\nset-dscp = ef\nset-ttl = 50\n")
    names = [("IpInHdrErrors", "Ip6InHdrErrors")[family == 6], "TcpInCsumErrors",
             ("UdpInCsumErrors", "Udp6InCsumErrors")[family == 6],
             ("IcmpInCsumErrors", "Icmp6InCsumErrors")[family == 6]]
    before = [space.counter(name) for name in names for space in (wire.host, wire.peer)]
    assert ping(wire.host, FAR[family], 5, "-i 0.01 -s 1000") == (5, 5)
    assert ping(wire.peer, HOST[family], 5) == (5, 5)
    wire.host.run(f"curl -s -g -m 2 http://[{FAR[6]}]:9/" if family == 6 else
                  f"curl -s -m 2 http://{FAR[4]}:9/", check=False)
    assert [space.counter(name) for name in names for space in (wire.host, wire.peer)] == before


def test_a_full_queue_is_counted(wire, daemons):
    """While the daemon is stopped the device drops in silence; the statistics show it."""
    daemon = daemons(wire.host)
    daemon.start()
    daemon.signal(19)
    inject(wire.host, "tun0", [ip(4, HOST[4], FAR[4]) / udp(1, 2, b"q")] * 1200)
    daemon.signal(18)
    wait_until(lambda: daemon.statistics().totals["in"] >= 1000, "the queue read")
    statistics = daemon.statistics()
    assert statistics.totals["in"] + statistics.totals["tx-dropped"] == 1200
    assert statistics.totals["tx-dropped"] >= 100


def test_own_prefix_is_never_written_back(wire, daemons, captures):
    """A packet to tun0's own prefix would come back for ever."""
    daemon = daemons(wire.host)
    daemon.start("[tun]\naddress = 203.0.113.129/28\n[divert]\nfamily = ipv4\n")
    made = captures(wire.host, "tun0")
    inject(wire.host, "tun0", [ip(4, HOST[4], "203.0.113.130") / udp(1, 2, b"own"),
                               ip(4, HOST[4], FAR[4]) / udp(1, 2, b"far")])
    made.wait(1, has_payload("far"))
    assert made.all(has_payload("own")) == []
    assert daemon.statistics().drops == {"own-prefix": 1}
