# SPDX-License-Identifier: GPL-2.0-or-later
"""Live and offline are one pipeline: the same packets and rules give the same bytes in both."""
import os
import random
import struct
import subprocess

from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw

from packets import difference, echo_request, ip, send, tcp, udp
from topology import FAR, HOST

IPMODCTL = os.environ.get("IPMODCTL", "")
COUNT = 240
SYN = [("MSS", 1460), ("SAckOK", b""), ("WScale", 7)]

# Chance and turns among them: both worlds draw the same numbers for the same packets.
RULES = f"""
[main]
seed = 4711

[tun]
merge = off

[rule far]
dst = !{FAR[4]}, !{FAR[6]}
verdict = accept

[rule chance]
probability = 40%
set-ttl = -1
set-ip-id = random

[rule turn]
every = 3
set-dscp = ef

[rule ping]
icmp-type = echo-request
reply = echo

[rule refuse]
dport = 1-20
verdict = reject

[rule gone]
dport = 21-30
verdict = drop

[rule clamp]
proto = tcp
clamp-mss = 1000
set-tcp-flags = +ece
set-window = 77

[rule redirect]
dport = 31-60
set-dport = +1000
set-sport = 9

[rule label]
family = ipv6
set-flow-label = 12345
"""


def body(chance, family):
    """An upper layer with some payload."""
    payload = bytes(chance.randrange(256) for _ in range(chance.randrange(60)))
    dport = chance.randrange(1, 90)
    return chance.choice([
        lambda: udp(4000, dport, payload),
        lambda: tcp(4000, dport, "S", options=SYN),
        lambda: tcp(4000, dport, chance.choice(["A", "PA", "FA", "R"]), payload=payload),
        lambda: SCTP(sport=4000, dport=dport, tag=7) / SCTPChunkData(data=payload),
        lambda: echo_request(family)])()


def fragments(chance, family, ident):
    """A datagram in two parts."""
    src, dst = HOST[family], FAR[family]
    whole = bytes(ip(family, src, dst) / udp(4000, chance.randrange(21, 60), b"f" * 90))
    upper = whole[20 if family == 4 else 40:]
    if family == 4:
        return [bytes(ip(4, src, dst, flags="MF", id=ident, proto=17) / Raw(upper[:64])),
                bytes(ip(4, src, dst, frag=8, id=ident, proto=17) / Raw(upper[64:]))]
    return [bytes(ip(6, src, dst) / IPv6ExtHdrFragment(id=ident, m=1, nh=17) / Raw(upper[:64])),
            bytes(ip(6, src, dst) / IPv6ExtHdrFragment(id=ident, offset=8, nh=17) /
                  Raw(upper[64:]))]


def packet(chance, ident):
    """The bytes of a packet; one in eight with a wrong upper-layer checksum."""
    family = chance.choice([4, 6])
    # A TTL of 255 is the documented exception; an identification of 0 would be filled in.
    fields = {"ttl": chance.randrange(2, 255), "tos": chance.randrange(256)}
    if family == 4:
        fields["id"] = ident
    extension = IPv6ExtHdrDestOpt() if family == 6 and chance.random() < 0.2 else None
    upper = body(chance, family)
    data = bytearray(bytes(ip(family, HOST[family], FAR[family], **fields) /
                           (extension / upper if extension else upper)))
    if chance.random() < 0.125:
        data[-1] ^= 0x40
    return bytes(data)


def generate(seed):
    """What a host could send."""
    chance = random.Random(seed)
    packets = []
    while len(packets) < COUNT:
        ident = 1000 + len(packets)
        packets += fragments(chance, chance.choice([4, 6]), ident) if chance.random() < 0.1 \
            else [packet(chance, ident)]
    return packets


def replay(directory, packets):
    """What comes out of `ipmodctl replay`: (to others, to the host itself)."""
    with open(directory / "in.pcap", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for data in packets:
            file.write(struct.pack("<IIII", 1_700_000_000, 0, len(data), len(data)) + data)
    subprocess.run([IPMODCTL, "replay", "-c", directory / "ipmodd.conf", "--local",
                    f"{HOST[4]},{HOST[6]}", directory / "in.pcap", directory / "out.pcap"],
                   check=True, timeout=20, stdout=subprocess.DEVNULL)
    data, at, out = (directory / "out.pcap").read_bytes(), 24, ([], [])
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + length]
        out[is_to_host(frame)].append(frame)
        at += 16 + length
    return out


def is_to_host(data):
    """Whether a packet is addressed to the host, as answers are."""
    return data[16:20] == bytes([192, 0, 2, 1]) if data[0] >> 4 == 4 \
        else data[24:40] == bytes.fromhex("20010db8000100000000000000000001")


def test_same_bytes_live_and_offline(wire, daemons, captures):
    """At the peer what leaves, at the tun device the answers; both in order, byte for byte."""
    seed = int(os.environ.get("IPMODD_SEED", "11"))
    packets = generate(seed)
    daemon = daemons(wire.host)
    daemon.start(RULES)
    at_peer, at_tun = captures(wire.peer), captures(wire.host, "tun0")
    to_others, to_host = replay(daemon.directory, packets)
    for start in range(0, COUNT, 40): # the device's queue holds more than as many
        send(wire.host, *packets[start:start + 40])
    assert len(to_others) > COUNT / 3 and len(to_host) > 10, f"seed {seed}"
    assert difference(to_others, at_peer.wait(len(to_others))) == "", f"seed {seed}"
    answers = at_tun.wait(len(to_host), is_to_host)
    assert difference(to_host, answers) == "", f"seed {seed}"
