#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the golden cases: packets before and after a rule, as scapy computes them.

usage: make_cases.py FOLDER

What is expected never comes from ipmodd: scapy builds the packet before, the edit is repeated in
scapy's fields, and scapy computes lengths and checksums anew. Where a checksum is to stay wrong, or
none, the case says so in its own words. Run it after adding a case and commit what it writes; the
suite `golden` runs every case, and checks that the committed files are the ones written here.
"""

import pathlib
import sys

from scapy.config import conf
from scapy.layers.inet import (ICMP, IP, TCP, UDP, IPOption_NOP, IPOption_RR, fragment,
                               in4_chksum)
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest,
                                IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, RouterAlert,
                                fragment6, in6_chksum)
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit
from scapy.packet import Raw

A4, B4, C4 = "192.0.2.1", "198.51.100.2", "203.0.113.9"
A6, B6, C6 = "2001:db8:1::1", "2001:db8:2::2", "2001:db8:3::3"
DATA = b"The quick brown fox jumps over the lazy dog"


def ip4(**fields):
    return IP(**{"src": A4, "dst": B4, "id": 0x1234, "ttl": 64, **fields})


def ip6(**fields):
    return IPv6(**{"src": A6, "dst": B6, "fl": 0x12345, "hlim": 64, **fields})


def tcp(**fields):
    return TCP(**{"sport": 40000, "dport": 80, "seq": 1000, "ack": 2000, "flags": "A", **fields})


def syn(mss=1460, **fields):
    return tcp(flags="S", ack=0,
               options=[("NOP", None), ("MSS", mss), ("NOP", None), ("WScale", 7), ("NOP", None)],
               **fields)


def udp(**fields):
    return UDP(**{"sport": 40000, "dport": 53, **fields})


def sctp(**fields):
    return SCTP(**{"sport": 40000, "dport": 3868, "tag": 0x01020304, **fields})


def edited(packet, layer, **fields):
    """A copy of PACKET with other values in LAYER and everything that depends on them new."""
    copy = packet.copy()
    for name, value in fields.items():
        setattr(copy[layer], name, value)
    return fresh(copy)


def fresh(packet):
    """A copy with all checksums and lengths to be computed when it is built."""
    copy = packet.copy()
    layer = copy
    while layer.payload is not None and not isinstance(layer, Raw):
        for name in ("chksum", "cksum"):
            if name in layer.fields:
                del layer.fields[name]
        layer = layer.payload
        if layer.name == "NoPayload":
            break
    return copy


def wrong_by(packet, layer, offset):
    """The bytes of PACKET with OFFSET added to the checksum of LAYER, in one's complement."""
    built = packet.__class__(bytes(packet))
    right = built[layer].chksum
    built[layer].chksum = (right + offset - 1) % 0xffff + 1
    return built


CASES = []


def case(name, about, rules, before, *after):
    """AFTER: the packets that leave, answers first; none when it is dropped in silence."""
    CASES.append((name, about, rules, before, after))


def edit_cases():
    for tag, net, moved in (("ip4", ip4(), C4), ("ip6", ip6(), C6)):
        version = net.name
        family = [f"family = {'ipv4' if version == 'IP' else 'ipv6'}"]
        echo = (ICMP(id=7, seq=1) if version == "IP" else ICMPv6EchoRequest(id=7, seq=1))
        layers = {"tcp": tcp() / DATA, "udp": udp() / DATA, "icmp": echo / DATA,
                  "sctp": sctp() / SCTPChunkData(data=DATA)}
        for proto, upper in layers.items():
            packet = net / upper
            case(f"set-src-{tag}-{proto}", "The source changes; each checksum follows as its "
                 "protocol has it.", [family + [f"proto = {proto}", f"set-src = {moved}"]],
                 packet, edited(packet, version, src=moved))
            case(f"set-dst-{tag}-{proto}", "The destination changes likewise.",
                 [family + [f"proto = {proto}", f"set-dst = {moved}"]],
                 packet, edited(packet, version, dst=moved))
            if proto != "icmp":
                kind = {"tcp": TCP, "udp": UDP, "sctp": SCTP}[proto]
                case(f"set-ports-{tag}-{proto}", "Both ports change.",
                     [[f"proto = {proto}", "sport = 40000", "set-sport = 1", "set-dport = 65535"]],
                     packet, edited(packet, kind, sport=1, dport=65535))
        ttl, tos = ("ttl", "tos") if version == "IP" else ("hlim", "tc")
        packet = net / udp() / DATA
        case(f"set-ttl-{tag}", "The value on the wire.", [["set-ttl = 9"]],
             packet, edited(packet, version, **{ttl: 9}))
        case(f"set-ttl-min-{tag}", "64 is above the floor already.", [["set-ttl = min 8"]],
             packet, packet)
        case(f"set-ttl-less-{tag}", "Arithmetic on the value.", [["set-ttl = -14"]],
             packet, edited(packet, version, **{ttl: 50}))
        packet = edited(packet, version, **{tos: 0x03})
        case(f"set-dscp-{tag}", "EF is 46; the ECN bits stay what they are.",
             [["set-dscp = ef"]], packet, edited(packet, version, **{tos: 46 << 2 | 3}))
        case(f"set-ecn-{tag}", "ECT(0) instead of CE.", [["ecn = ce", "set-ecn = ect0"]],
             packet, edited(packet, version, **{tos: 2}))
        packet = net / syn()
        options = [("NOP", None), ("MSS", 1360), ("NOP", None), ("WScale", 7), ("NOP", None)]
        case(f"set-mss-{tag}", "The option stands at an odd place of the header.",
             [["set-mss = 1360"]], packet, edited(packet, TCP, options=options))
        case(f"clamp-mss-{tag}", "What is above is lowered.", [["clamp-mss = 1360"]],
             packet, edited(packet, TCP, options=options))
        case(f"clamp-mss-small-{tag}", "What is below stays.", [["clamp-mss = 1460"]],
             net / syn(1200), net / syn(1200))
        case(f"set-mss-less-{tag}", "Arithmetic on what is announced.", [["set-mss = -100"]],
             packet, edited(packet, TCP, options=options))
        case(f"strip-tcp-option-{tag}", "NOPs take the place of the window scale.",
             [["tcp-option = window-scale, sack", "strip-tcp-option = window-scale"]], packet,
             edited(packet, TCP, options=options[:1] + [("MSS", 1460)] + [("NOP", None)] * 5))
        packet = net / tcp(window=5000) / DATA
        case(f"set-window-{tag}", "The field as it stands in the header.",
             [["window = 5000", "set-window = max 1000"]], packet, edited(packet, TCP, window=1000))
        packet = net / tcp(flags="PAE") / DATA
        case(f"set-tcp-flags-{tag}", "One flag set, one cleared.", [["set-tcp-flags = +fin, -ece"]],
             packet, edited(packet, TCP, flags="FPA"))
        packet = net / tcp() / DATA
        case(f"set-mss-no-syn-{tag}", "Only a SYN has an MSS to set; the list goes on.",
             [["set-mss = 1000", "set-ttl = 33"]], packet, edited(packet, version, **{ttl: 33}))
    packet = ip4() / udp() / DATA
    case("set-df-ip4", "The identification stays.", [["set-df = yes"]],
         packet, edited(packet, IP, flags="DF"))
    packet = ip4(flags="DF") / udp() / DATA
    case("set-ip-id-ip4", "The identification of a whole packet.",
         [["df = yes", "ip-id = 4660", "set-ip-id = 65535"]], packet, edited(packet, IP, id=65535))
    case("clear-df-ip4", "And back.", [["set-df = no"]], packet, edited(packet, IP, flags=0))
    packet = ip6(tc=0x2b) / udp() / DATA
    case("set-flow-label-ip6", "The traffic class beside it stays; no checksum covers it.",
         [["flow-label = 74565", "set-flow-label = 1048574"]],
         packet, edited(packet, IPv6, fl=0xffffe))


def checksum_cases():
    for tag, net, moved in (("ip4", ip4(), C4), ("ip6", ip6(), C6)):
        version = net.name
        rule = [[f"set-dst = {moved}", "set-dport = 99"]]
        packet = net / udp(chksum=0) / DATA
        after = packet.copy()
        after[version].dst, after[UDP].dport = moved, 99
        case(f"udp-zero-{tag}", "No checksum before, none after.", rule, packet, after)
        packet = net / udp() / DATA
        case(f"udp-wrong-{tag}", "A wrong checksum is wrong by as much afterwards.", rule,
             wrong_by(packet, UDP, 0x1111),
             wrong_by(edited(edited(packet, version, dst=moved), UDP, dport=99), UDP, 0x1111))
        packet = net / tcp() / DATA
        case(f"tcp-wrong-{tag}", "A wrong checksum is wrong by as much afterwards.", rule,
             wrong_by(packet, TCP, 0x2222),
             wrong_by(edited(edited(packet, version, dst=moved), TCP, dport=99), TCP, 0x2222))
        packet = net / udp(dport=99) / DATA
        port = udp_port_for_zero(packet)
        case(f"udp-computed-zero-{tag}", "The sum comes out as 0, which UDP sends as 0xffff.",
             [[f"set-sport = {port}"]], packet, edited(packet, UDP, sport=port))


def with_checksum(net, proto, header, dport):
    """NET with HEADER and DATA, for protocols that scapy does not know: ports in front, checksum
    at bytes 6 and 7."""
    upper = bytearray(header + DATA)
    upper[2:4] = dport.to_bytes(2, "big")
    upper[6:8] = bytes(2)
    net = net.copy()
    if net.name == "IP":
        net.proto = proto
        checksum = in4_chksum(proto, net, bytes(upper))
    else:
        net.nh = proto
        checksum = in6_chksum(proto, net, bytes(upper))
    upper[6:8] = checksum.to_bytes(2, "big")
    return net / Raw(bytes(upper))


def unknown_to_scapy_cases():
    udplite = bytes.fromhex("9c40 0035 0000 0000")
    dccp = bytes.fromhex("9c40 0035 0400 0000 0100 0000 0000 0001")
    for tag, net, moved in (("ip4", ip4(), C4), ("ip6", ip6(), C6)):
        for name, proto, header in (("udplite", 136, udplite), ("dccp", 33, dccp)):
            after = net.copy()
            after.dst = moved
            case(f"edit-{tag}-{name}", "Destination and port change.",
                 [[f"proto = {proto}", "dport = 53", f"set-dst = {moved}", "set-dport = 99"]],
                 with_checksum(net, proto, header, 53), with_checksum(after, proto, header, 99))


def udp_port_for_zero(packet):
    """The source port with which PACKET's UDP checksum is 0xffff."""
    checksum = packet.__class__(bytes(packet))[UDP].chksum
    port = packet[UDP].sport + checksum
    port = (port & 0xffff) + (port >> 16)
    assert edited(packet, UDP, sport=port).__class__(
        bytes(edited(packet, UDP, sport=port)))[UDP].chksum == 0xffff
    return port


def shape_cases():
    packet = ip4(options=[IPOption_RR(routers=["0.0.0.0"]), IPOption_NOP()]) / udp() / DATA
    case("options-ip4", "Behind options, the ports are further on.",
         [["dport = 53", "set-dport = 54"]], packet, edited(packet, UDP, dport=54))
    packet = (ip6() / IPv6ExtHdrHopByHop(options=[RouterAlert()]) /
              IPv6ExtHdrDestOpt(options=[PadN(optdata=b"abc")]) / tcp() / DATA)
    after = edited(edited(packet, IPv6, src=C6), TCP, dport=8080)
    case("extension-headers-ip6", "TCP behind two extension headers.",
         [["proto = tcp", "dport = 80", f"set-src = {C6}", "set-dport = 8080"]], packet, after)
    packet = ip6() / IPv6ExtHdrRouting(type=4, segleft=1, addresses=[C6]) / udp() / DATA
    after = packet.__class__(bytes(packet))
    after[IPv6].dst = A6
    case("routing-header-ip6", "The next stop is in no pseudo-header: the checksum stays.",
         [[f"set-dst = {A6}"]], packet.__class__(bytes(packet)), after)
    packet = ip4() / udp() / DATA
    case("trailing-bytes-ip4", "What lies behind the total length is cut, as the kernel does.",
         [["set-ttl = 5"]], Raw(bytes(packet) + b"padding"), edited(packet, IP, ttl=5))
    packet = ip4() / udp() / DATA
    case("untouched-ip4", "A rule that does not match leaves every byte.",
         [["dport = 5353", "set-ttl = 1"]], packet, packet)


def fragment_cases():
    whole = ip4() / udp() / (DATA * 3)
    after = edited(edited(whole, IP, dst=C4), UDP, dport=5353)
    for i, (part, moved) in enumerate(zip(fragment(whole, 64), fragment(after, 64))):
        case(f"fragment-{i}-ip4", "Ports are in the first part alone, addresses in every one; "
             "the first has the checksum of all.",
             [[f"set-dst = {C4}"], ["dport = 53", "set-dport = 5353"]], part, moved)
    whole = ip6() / IPv6ExtHdrFragment(id=77) / udp() / (DATA * 3)
    after = edited(edited(whole, IPv6, dst=C6), UDP, dport=5353)
    for i, (part, moved) in enumerate(zip(fragment6(whole, 128), fragment6(after, 128))):
        case(f"fragment-{i}-ip6", "The same behind a fragment header.",
             [[f"set-dst = {C6}"], ["dport = 53", "set-dport = 5353"]], part, moved)


def payload_cases():
    for make, name in ((ip4, "ip4"), (ip6, "ip6")):
        packet, after = (make() / udp() / Raw(text) for text in (b"an odd text", b"an OLD text"))
        case(f"set-payload-{name}", "Bytes at an odd place of an odd payload.",
             [['set-payload = "OLD" @ 3']], packet, after)
        packet, after = (make() / tcp() / Raw(text) for text in (b"a man a plan", b"a mEn a plEn"))
        case(f"replace-{name}", "The first two are found; nothing is at the place of the second line.",
             [['replace = "an" -> "En" count 2', 'replace = "En" -> "xx" @ 11']], packet, after)


def list_cases():
    packet = ip4() / udp() / DATA
    case("order-of-rules", "The second rule sees the port of the first, the third does not match.",
         [["dport = 53", "set-dport = 54"], ["dport = 54", "set-ttl = 7"],
          ["dport = 53", "verdict = drop"]],
         packet, edited(edited(packet, UDP, dport=54), IP, ttl=7))
    case("accept-ends-the-list", "Nothing behind a verdict acts.",
         [["verdict = accept"], ["set-ttl = 1"]], packet, packet)
    case("drop", "Nothing leaves.", [["proto = udp", "verdict = drop"]], packet)
    case("negated-list", "All of the net but one.",
         [["dst = 198.51.100.0/24, !198.51.100.7", "set-ttl = 3"]],
         packet, edited(packet, IP, ttl=3))


def answer_cases():
    back4 = {"src": B4, "dst": A4, "ttl": 64}
    back6 = {"src": B6, "dst": A6, "hlim": 64, "fl": 0}
    packet = ip4(tos=0x28, flags="DF") / ICMP(id=7, seq=3) / DATA
    case("echo-ip4", "The forged reply: same message, same DSCP, ID and DF.", [["reply = echo"]],
         packet, IP(**back4, tos=0x28, id=0x1234, flags="DF") / ICMP(type=0, id=7, seq=3) / DATA)
    packet = ip6(tc=0x28) / ICMPv6EchoRequest(id=7, seq=3, data=DATA)
    case("echo-ip6", "The forged reply.", [["proto = icmp", "reply = echo"]],
         packet, IPv6(**back6, tc=0x28) / ICMPv6EchoReply(id=7, seq=3, data=DATA))
    packet = ip4() / syn()
    case("reject-syn-ip4", "The reset acknowledges the SYN.", [["verdict = reject"]], packet,
         IP(**back4, id=0, flags="DF") /
         TCP(sport=80, dport=40000, seq=0, ack=1001, flags="RA", window=0))
    packet = ip6() / tcp() / DATA
    case("reject-data-ip6", "The reset takes the sequence number that was acknowledged.",
         [["verdict = reject tcp-reset"]], packet,
         IPv6(**back6) / TCP(sport=80, dport=40000, seq=2000, ack=0, flags="R", window=0))
    packet = ip4() / udp() / DATA
    case("reject-udp-ip4", "Port unreachable, with the whole packet quoted.",
         [["verdict = reject"]], packet,
         IP(**back4, id=0, flags="DF", tos=0xc0) / ICMP(type=3, code=3) / Raw(bytes(packet)))
    packet = ip4() / udp() / (DATA * 30)
    case("reject-long-ip4", "576 bytes at most.", [["verdict = reject admin-prohibited"]], packet,
         IP(**back4, id=0, flags="DF", tos=0xc0) / ICMP(type=3, code=13) / Raw(bytes(packet)[:548]))
    packet = ip6() / udp() / (DATA * 30)
    case("reject-long-ip6", "1,280 bytes at most.", [["verdict = reject"]], packet,
         IPv6(**back6) / ICMPv6DestUnreach(code=4) / Raw(bytes(packet)[:1232]))
    packet = ip4() / ICMP(type=3, code=3) / Raw(bytes(ip4() / udp())[:28])
    case("reject-icmp-error-ip4", "No error about an error.", [["verdict = reject"]], packet)


def hex_lines(data):
    words = [data[i:i + 2].hex() for i in range(0, len(data), 2)]
    return ["    " + " ".join(words[i:i + 16]) for i in range(0, len(words), 16)]


def text_of(about, rules, before, after):
    lines = [f"# {about}", f"# {after[0].summary() if isinstance(before, Raw) else before.summary()}"]
    for rule in rules:
        lines += ["", "[rule]"] + rule
    lines += ["", "in"] + hex_lines(bytes(before))
    for packet in after:
        lines += ["", "out"] + hex_lines(bytes(packet))
    return "\n".join(lines) + "\n"


def main():
    conf.verb = 0
    folder = pathlib.Path(sys.argv[1])
    edit_cases()
    checksum_cases()
    unknown_to_scapy_cases()
    shape_cases()
    fragment_cases()
    payload_cases()
    list_cases()
    answer_cases()
    assert len({name for name, *_ in CASES}) == len(CASES)
    for name, about, rules, before, after in CASES:
        (folder / f"{name}.txt").write_text(text_of(about, rules, before, after))


if __name__ == "__main__":
    main()
