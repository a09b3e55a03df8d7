#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the segmentation cases: super-packets and the wire packets that they stand for.

usage: make_segments.py FOLDER

Both sides are scapy's. A segment is built from its fields alone (identification and sequence number
counted up, FIN and PSH in the last, CWR in the first), and scapy computes its lengths and checksums;
ipmodd and the kernel have no part in it. Payload is a pattern of which files name place and length,
so that the longest packets fit too: byte number N of it is (7 * N + N / 256) modulo 256.

Run it after adding a case and commit what it writes; the suite `golden` runs every case, and checks
that the committed files are the ones written here.
"""

import pathlib
import socket
import struct
import sys

from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, IPOption_RR, in4_pseudoheader
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN, RouterAlert
from scapy.packet import Raw
from scapy.utils import checksum

A4, B4 = "192.0.2.1", "198.51.100.2"
A6, B6 = "2001:db8:1::1", "2001:db8:2::2"
WHOLE = 65535  # bytes of the longest packet
CASES = []


def ip4(**fields):
    return IP(**{"src": A4, "dst": B4, "id": 0x1234, "ttl": 64, **fields})


def ip6(**fields):
    return IPv6(**{"src": A6, "dst": B6, "fl": 0x12345, "hlim": 64, **fields})


def tcp(**fields):
    return TCP(**{"sport": 40000, "dport": 80, "seq": 1000, "ack": 2000, "flags": "A", **fields})


def udp(**fields):
    return UDP(**{"sport": 40000, "dport": 443, **fields})


def pattern(start, length):
    return bytes((7 * n + n // 256) % 256 for n in range(start, start + length))


def with_partial_checksum(packet):
    """PACKET with the sum of its pseudo-header in place of the checksum, as the kernel has it."""
    layer = TCP if TCP in packet else UDP
    length = len(bytes(packet[layer]))
    number = 6 if layer is TCP else 17
    if IP in packet:
        pseudo = in4_pseudoheader(number, packet[IP], length)
    else:
        addresses = [socket.inet_pton(socket.AF_INET6, address)
                     for address in (packet[IPv6].src, packet[IPv6].dst)]
        pseudo = b"".join(addresses) + struct.pack("!II", length, number)
    copy = packet.copy()
    copy[layer].chksum = ~checksum(pseudo) & 0xffff
    return copy


def segments(headers, payload, size):
    """The wire packets, one after the other."""
    starts = range(0, payload, size)
    for number, start in enumerate(starts):
        packet = headers.copy()
        first, last = number == 0, number == len(starts) - 1
        if IP in packet:
            packet[IP].id = (packet[IP].id + number) % 2**16
        if TCP in packet:
            packet[TCP].seq = (packet[TCP].seq + start) % 2**32
            flags = str(packet[TCP].flags)
            if not last:
                flags = flags.replace("F", "").replace("P", "")
            if not first:
                flags = flags.replace("C", "")
            packet[TCP].flags = flags
        length = min(size, payload - start)
        yield packet / Raw(pattern(start, length)), start, length


def hex_lines(packet, payload):
    """The headers of PACKET, which ends with PAYLOAD bytes."""
    text = bytes(packet)[:-payload].hex()
    return "".join(f"  {text[at:at + 64]}\n" for at in range(0, len(text), 64))


def case(name, about, kind, headers, payload, size):
    """KIND: as the kernel names the super-packet."""
    whole = with_partial_checksum(headers / Raw(pattern(0, payload)))
    assert len(bytes(whole)) <= WHOLE
    text = f"# {about}\nsuper {kind} {size}\n{hex_lines(whole, payload)}  pattern 0 {payload}\n"
    for packet, start, length in segments(headers, payload, size):
        text += f"segment\n{hex_lines(packet, length)}  pattern {start} {length}\n"
    assert name not in dict(CASES)
    CASES.append((name, text))


def family_cases(tag, net):
    tcp_kind = "tcp" + tag[-1]
    stamps = [("NOP", None), ("NOP", None), ("Timestamp", (123456, 654321))]
    case(f"tcp-{tag}", "Three segments and a shorter one.", tcp_kind, net / tcp(), 4000, 1200)
    case(f"tcp-{tag}-even", "The last segment is as long as the others.", tcp_kind, net / tcp(),
         2400, 1200)
    case(f"tcp-{tag}-one-byte", "A tail of one byte, and odd lengths.", tcp_kind, net / tcp(), 1001,
         500)
    case(f"tcp-{tag}-fin-psh", "The last segment alone has FIN and PSH.", tcp_kind,
         net / tcp(flags="FPA"), 3000, 1000)
    case(f"tcp-{tag}-cwr", "The first segment alone has CWR; all have ECE.", tcp_kind + "-ecn",
         net / tcp(flags="CEPA"), 3000, 1000)
    case(f"tcp-{tag}-two", "First and last, none between.", tcp_kind + "-ecn",
         net / tcp(flags="CFPA"), 1500, 1000)
    case(f"tcp-{tag}-urgent", "URG and its pointer stay in all.", tcp_kind,
         net / tcp(flags="UA", urgptr=17), 2000, 900)
    case(f"tcp-{tag}-options", "Each segment has the options.", tcp_kind,
         net / tcp(options=stamps), 3500, 1448)
    case(f"tcp-{tag}-wrap", "Sequence numbers begin anew.", tcp_kind, net / tcp(seq=2**32 - 700),
         3000, 500)
    case(f"tcp-{tag}-small", "The least that Linux sends.", tcp_kind, net / tcp(), 100, 8)
    case(f"udp-{tag}", "Datagrams of 1,200 bytes.", "udp", net / udp(), 4000, 1200)
    case(f"udp-{tag}-even", "The last datagram is as long as the others.", "udp", net / udp(), 600,
         200)
    case(f"udp-{tag}-one-byte", "A tail of one byte, and odd lengths.", "udp", net / udp(), 1001,
         500)
    case(f"udp-{tag}-bytes", "Datagrams of one byte.", "udp", net / udp(), 5, 1)
    for name, kind, upper in (("tcp", tcp_kind, tcp(flags="PA")), ("udp", "udp", udp())):
        marked = net.copy()
        marked.setfieldval("tos" if IP in net else "tc", 0xbb)
        case(f"{name}-{tag}-ce", "DSCP and ECN (CE) are those of each.", kind, marked / upper, 3000,
             1000)
        headers = net / upper
        case(f"{name}-{tag}-whole", "As long as a packet can be.", kind, headers,
             WHOLE - len(headers), 1400)


def main():
    folder = pathlib.Path(sys.argv[1])
    family_cases("ip4", ip4())
    family_cases("ip6", ip6())
    case("tcp-ip4-id-wrap", "Identifications begin anew.", "tcp4", ip4(id=0xfffe) / tcp(), 2000, 500)
    case("udp-ip4-df", "They count up with DF as well.", "udp", ip4(id=0, flags="DF") / udp(), 2000,
         500)
    options = [IPOption_RR(routers=["192.0.2.7"]), IPOption_NOP()]
    extensions = (IPv6ExtHdrHopByHop(options=[RouterAlert()]) /
                  IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]))
    for name, kind4, kind6, upper in (("tcp", "tcp4", "tcp6", tcp()), ("udp", "udp", "udp", udp())):
        case(f"{name}-ip4-ip-options", "Each segment has the IP options.", kind4,
             ip4(options=options) / upper, 2000, 700)
        case(f"{name}-ip6-extensions", "Each segment has the extension headers.", kind6,
             ip6() / extensions / upper, 2000, 700)
    for name, text in CASES:
        (folder / f"{name}.txt").write_text(text)


if __name__ == "__main__":
    main()
