# SPDX-License-Identifier: GPL-2.0-or-later
"""A translator that is asked packet by packet, though each question is a replay of all before it.

Inside are INSIDE[family] and its neighbour, outside is a pool address that nobody has; what comes
out of one question is known before the next is asked.
"""
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest,
                                ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6,
                                IPv6ExtHdrFragment)

from ctl import START, frames_of, ipmodctl, write_pcap

INSIDE = {4: "192.0.2.10", 6: "2001:db8:1::10"}
NEIGHBOUR = {4: "192.0.2.11", 6: "2001:db8:1::11"}
NET = {4: "192.0.2.0/24", 6: "2001:db8:1::/64"}
POOL = {4: "198.51.100.200", 6: "2001:db8:9::200"}
FAR = {4: "203.0.113.1", 6: "2001:db8:2::1"}
FAR_B = {4: "203.0.113.2", 6: "2001:db8:2::2"}
ROUTER = {4: "203.0.113.254", 6: "2001:db8:2::fe"}


def rules(family, how="", flows="", before=""):
    """What comes from inside leaves with the pool's address; HOW: behind the address."""
    address = f"[{POOL[family]}]" if family == 6 and how.startswith(":") else POOL[family]
    return (f"[divert]\ndirection = forward\n{flows}\n{before}\n"
            f"[rule share]\nsrc = {NET[family]}\nsnat = {address}{how}\n")


def ip(family, src, dst, **fields):
    """The header of FAMILY."""
    return (IP if family == 4 else IPv6)(src=src, dst=dst, **fields)


def udp(family, src, sport, dst, dport, payload=b"payload"):
    """A datagram."""
    return ip(family, src, dst) / UDP(sport=sport, dport=dport) / payload


def tcp(family, src, sport, dst, dport, flags="S", **fields):
    """A segment."""
    return ip(family, src, dst) / TCP(sport=sport, dport=dport, flags=flags, **fields)


def echo(family, src, dst, number, reply=False, seq=1):
    """A ping, or its answer."""
    if family == 4:
        return ip(4, src, dst) / ICMP(type=0 if reply else 8, id=number, seq=seq) / b"ping"
    kind = ICMPv6EchoReply if reply else ICMPv6EchoRequest
    return ip(6, src, dst) / kind(id=number, seq=seq, data=b"ping")


def error(family, src, dst, quoted, kind="unreachable", length=None):
    """An ICMP error about the packet QUOTED, of which so many bytes are quoted."""
    headers = {4: {"unreachable": ICMP(type=3, code=1), "too-big": ICMP(type=3, code=4, nexthopmtu=1300),
                   "time": ICMP(type=11, code=0)},
               6: {"unreachable": ICMPv6DestUnreach(code=3), "too-big": ICMPv6PacketTooBig(mtu=1300),
                   "time": ICMPv6TimeExceeded(code=0)}}
    return ip(family, src, dst) / headers[family][kind] / bytes(quoted)[:length]


def identifier(packet):
    """That of a ping."""
    return packet[ICMP].id if IP in packet else packet.lastlayer().id


def rebuilt(packet):
    """The packet with all checksums and lengths made anew: equal bytes mean that they were right."""
    again = packet.copy()
    for layer in (IP, UDP, TCP, ICMP):
        if layer in again:
            del again[layer].chksum
    if IPv6 in again and hasattr(again[IPv6].payload, "cksum"):
        del again[IPv6].payload.cksum
    return bytes(again)


def is_fragment(packet):
    """Whether the packet is a part of one."""
    if IP in packet:
        return packet.frag > 0 or packet.flags.MF
    return IPv6ExtHdrFragment in packet


def joined(parts):
    """The datagram of fragments that came in order."""
    if IP in parts[0]:
        body = b"".join(bytes(part.payload) for part in parts)
        return IP(bytes(IP(src=parts[0].src, dst=parts[0].dst, id=parts[0].id, proto=17) / body))
    body = b"".join(bytes(part[IPv6ExtHdrFragment].payload) for part in parts)
    return IPv6(bytes(IPv6(src=parts[0].src, dst=parts[0].dst, nh=17) / body))


class Nat:
    """One configuration and the packets sent so far."""

    def __init__(self, folder, config, *options):
        self.folder, self.options = folder, options
        self.frames, self.known, self.time = [], 0, float(START)
        (folder / "nat.conf").write_text(config)

    def send(self, *packets, after=0.01):
        """What comes out for PACKETS, each sent so many seconds after the one before."""
        for packet in packets:
            self.time += after
            data = bytes(packet)
            self.frames.append((data, self.time, len(data)))
        write_pcap(self.folder / "in.pcap", self.frames)
        ipmodctl("replay", "-c", self.folder / "nat.conf", "--seed", "1", *self.options,
                 self.folder / "in.pcap", self.folder / "out.pcap")
        found = frames_of(self.folder / "out.pcap")
        new, self.known = found[self.known:], len(found)
        packets = [(IP if frame[0] >> 4 == 4 else IPv6)(frame) for frame in new]
        for packet in packets:
            if not is_fragment(packet):
                assert rebuilt(packet) == bytes(packet), packet.show2(dump=True)
        return packets

    def one(self, packet, after=0.01):
        """The one packet that comes out for PACKET."""
        found = self.send(packet, after=after)
        assert len(found) == 1, f"{len(found)} packets"
        return found[0]
