# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets: send exact bytes, see exactly what arrived, and judge checksums.

Sending goes through raw sockets that take whole IP packets, so that they are routed as a program's
are. A Capture is a packet socket that keeps frames from the moment it exists; nothing runs in the
background, and looking costs nothing until one asks.
"""
import socket
import struct
import time

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Raw
from scapy.utils import checksum as internet_checksum

from space import PATIENCE

ETH_P_ALL = 3
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
IPV6_HDRINCL = 36
NEIGHBOUR_DISCOVERY = range(133, 138)
MULTICAST_LISTENER = (130, 131, 132, 143)


def parse(data):
    """The scapy packet of the bytes of an IP packet."""
    return IPv6(data) if data[0] >> 4 == 6 else IP(data)


def is_housekeeping(data):
    """Neighbour discovery and multicast listener reports: what hosts say by themselves."""
    if data[0] >> 4 != 6:
        return False
    if data[6] == 0 and len(data) > 48 and data[40] == 58:  # hop-by-hop before MLD
        return data[48] in MULTICAST_LISTENER
    return data[6] == 58 and len(data) > 40 and data[40] in NEIGHBOUR_DISCOVERY


class Capture:
    """IP packets that arrive at a device of a namespace from now on (not those it sends)."""

    def __init__(self, space, device, outgoing=False):
        with space:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                         socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
        self._socket.bind((device, ETH_P_ALL))
        self._outgoing = outgoing
        self._seen = []

    def close(self):
        """Stops; what was seen stays."""
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self, timeout):
        self._socket.settimeout(timeout)
        try:
            data, address = self._socket.recvfrom(65536)
        except (socket.timeout, BlockingIOError):
            return False
        if (address[2] == PACKET_OUTGOING) == self._outgoing and \
                address[1] in (ETH_P_IP, ETH_P_IPV6) and not is_housekeeping(data):
            self._seen.append(data)
        return True

    def all(self, keep=lambda data: True):
        """What was seen so far, as bytes of whole IP packets."""
        while self._read(0.0):
            pass
        return [data for data in self._seen if keep(data)]

    def wait(self, count, keep=lambda data: True, timeout=PATIENCE):
        """At least COUNT packets that KEEP likes, as bytes; fails with what was seen instead."""
        end = time.monotonic() + timeout
        found = self.all(keep)
        while len(found) < count:
            left = end - time.monotonic()
            if left <= 0:
                seen = "\n  ".join(describe(data) for data in self._seen) or "nothing"
                raise AssertionError(f"{len(found)} of {count} packets within {timeout} s; seen:\n"
                                     f"  {seen}")
            before = len(self._seen)
            self._read(left)
            found += [data for data in self._seen[before:] if keep(data)]
        return found

    def one(self, keep=lambda data: True, timeout=PATIENCE):
        """The first packet that KEEP likes, parsed by scapy."""
        return parse(self.wait(1, keep, timeout)[0])


def describe(data):
    """One line for a failure message."""
    try:
        return f"{parse(data).summary()} ({len(data)} bytes: {data[:48].hex()})"
    except Exception as error:  # scapy on hostile bytes
        return f"{data[:48].hex()} ({len(data)} bytes, {error})"


def has_payload(text):
    """A filter for Capture: packets that carry these bytes."""
    wanted = text if isinstance(text, bytes) else text.encode()
    return lambda data: wanted in data


def send(space, *packets):
    """Sends whole IP packets (scapy or bytes) from SPACE, routed as a program's are."""
    with space:
        raw4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        raw6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with raw4, raw6:
        raw4.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        raw4.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        raw6.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
        for packet in packets:
            data = bytes(packet)
            if data[0] >> 4 == 4:
                raw4.sendto(data, (socket.inet_ntoa(data[16:20]), 0))
            else:
                raw6.sendto(data, (socket.inet_ntop(socket.AF_INET6, data[24:40]), 0))


def inject(space, device, packets):
    """Hands bytes to a device as they are, past routing (AF_PACKET)."""
    with space:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    with raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        for packet in packets:
            data = bytes(packet)
            protocol = ETH_P_IPV6 if data[:1] and data[0] >> 4 == 6 else ETH_P_IP
            raw.sendto(data, (device, protocol))


def pseudo_header(data, proto, length):
    """The bytes that TCP, UDP and ICMPv6 checksums cover besides their own."""
    if data[0] >> 4 == 4:
        return data[12:20] + struct.pack("!BBH", 0, proto, length)
    return data[8:40] + struct.pack("!IHBB", length, 0, 0, proto)


def l4_of(data):
    """(protocol, offset) of the upper layer of an unfragmented packet."""
    if data[0] >> 4 == 4:
        return data[9], (data[0] & 15) * 4
    proto, offset = data[6], 40
    while proto in (0, 43, 60):
        proto, offset = data[offset], offset + 8 + data[offset + 1] * 8
    return proto, offset


def checksum_errors(data):
    """What is wrong with the checksums of an unfragmented packet; an empty list if nothing."""
    errors = []
    if data[0] >> 4 == 4:
        length = struct.unpack_from("!H", data, 2)[0]
        header = (data[0] & 15) * 4
        if internet_checksum(data[:header]) != 0:
            errors.append("IPv4 header checksum")
    else:
        length = 40 + struct.unpack_from("!H", data, 4)[0]
    data = data[:length]
    proto, offset = l4_of(data)
    segment = data[offset:]
    if proto == 1:
        if internet_checksum(segment) != 0:
            errors.append("ICMP checksum")
    elif proto in (6, 17, 58):
        if proto == 17 and segment[6:8] == b"\0\0" and data[0] >> 4 == 4:
            return errors
        if internet_checksum(pseudo_header(data, proto, len(segment)) + segment) != 0:
            errors.append({6: "TCP", 17: "UDP", 58: "ICMPv6"}[proto] + " checksum")
    return errors


def assert_checksums(packets):
    """Fails with the packets whose checksums are wrong."""
    for data in packets:
        data = bytes(data)
        wrong = checksum_errors(data)
        assert not wrong, f"wrong {', '.join(wrong)}: {describe(data)}"


def difference(expected, got):
    """Where two lists of packets differ, as text; "" if they are the same."""
    for number, (left, right) in enumerate(zip(expected, got)):
        if left != right:
            byte = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b),
                        min(len(left), len(right)))
            return (f"packet {number} differs from byte {byte} on:\n  expected {left.hex()}\n"
                    f"  got      {right.hex()}")
    if len(expected) != len(got):
        rest = (expected if len(expected) > len(got) else got)[min(len(expected), len(got)):]
        word = "missing" if len(expected) > len(got) else "too many"
        return f"{len(rest)} packets {word}, first: {describe(rest[0])}"
    return ""


def ip(family, src, dst, **fields):
    """An IPv4 or IPv6 header; ttl, tos and id under their IPv4 names in both."""
    if family == 4:
        return IP(src=src, dst=dst, **{"id": 0x1234, **fields})
    fields.pop("id", None)
    names = {"ttl": "hlim", "tos": "tc"}
    return IPv6(src=src, dst=dst, **{names.get(key, key): value for key, value in fields.items()})


def echo_request(family, ident=7, seq=1, payload=b"x" * 32):
    """The ICMP or ICMPv6 part of an echo request."""
    if family == 4:
        return ICMP(type=8, id=ident, seq=seq) / Raw(payload)
    return ICMPv6EchoRequest(id=ident, seq=seq, data=payload)


def udp(sport, dport, payload):
    """UDP with a payload."""
    return UDP(sport=sport, dport=dport) / Raw(payload)


def tcp(sport, dport, flags="PA", payload=b"", **fields):
    """TCP with a payload."""
    segment = TCP(sport=sport, dport=dport, flags=flags, **{"seq": 1000, "ack": 2000, **fields})
    return segment / Raw(payload) if payload else segment


def ttl_of(packet):
    """TTL or hop limit of a scapy packet."""
    return packet.hlim if packet.version == 6 else packet.ttl


def tos_of(packet):
    """TOS or traffic class of a scapy packet."""
    return packet.tc if packet.version == 6 else packet.tos
