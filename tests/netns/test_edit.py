# SPDX-License-Identifier: GPL-2.0-or-later
"""Edits as the other host sees them, byte for byte, and matches by their counters."""
import socket
import struct

import pytest
from scapy.layers.inet import ICMP, IPOption_RR, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw

from packets import (checksum_errors, describe, difference, echo_request, has_payload, ip, parse,
                     send, tcp, tos_of, udp)
import state
from space import PATIENCE, wait_until
from topology import CLIENT, FAR, FAR_NET, HOST, NOBODY, PEER
from traffic import errors, tcp_socket, udp_socket

SYN = [("MSS", 1460), ("SAckOK", b""), ("WScale", 7)]


def with_mss(mss):
    """SYN's options with another MSS."""
    return [("MSS", mss)] + SYN[1:]


def sctp(dport, data=b"sctp data"):
    """A SCTP packet with data; its checksum is a CRC32c."""
    return SCTP(sport=4000, dport=dport, tag=77) / SCTPChunkData(data=data)


# name: (rule, packet's fields, packet's body, what is different at the other host: fields, body)
EDITS = {
    "ttl": ("set-ttl = 64", {"ttl": 3}, udp(1, 2, b"e"), {"ttl": 64}, None),
    "ttl-plus": ("set-ttl = +10", {"ttl": 3}, udp(1, 2, b"e"), {"ttl": 13}, None),
    "ttl-minus": ("set-ttl = -1", {"ttl": 3}, udp(1, 2, b"e"), {"ttl": 2}, None),
    "ttl-saturates-up": ("set-ttl = +250", {"ttl": 30}, udp(1, 2, b"e"), {"ttl": 254}, None),
    "ttl-saturates-down": ("set-ttl = -250", {"ttl": 30}, udp(1, 2, b"e"), {"ttl": 1}, None),
    "ttl-min-raises": ("set-ttl = min 8", {"ttl": 3}, udp(1, 2, b"e"), {"ttl": 8}, None),
    "ttl-min-keeps": ("set-ttl = min 8", {"ttl": 9}, udp(1, 2, b"e"), {"ttl": 9}, None),
    "ttl-254": ("set-ttl = 254", {"ttl": 9}, udp(1, 2, b"e"), {"ttl": 254}, None),
    "ttl-of-255": ("set-ttl = 77", {"ttl": 255}, udp(1, 2, b"e"), {"ttl": 77}, None),
    "dscp": ("set-dscp = ef", {"tos": 0x03}, udp(1, 2, b"e"), {"tos": 0xBB}, None),
    "dscp-number": ("set-dscp = 1", {"tos": 0xFC}, tcp(1, 2, payload=b"e"), {"tos": 0x04}, None),
    "ecn": ("set-ecn = ce", {"tos": 0xB9}, tcp(1, 2, payload=b"e"), {"tos": 0xBB}, None),
    "ecn-off": ("set-ecn = not-ect", {"tos": 0xBB}, udp(1, 2, b"e"), {"tos": 0xB8}, None),
    "sport-udp": ("set-sport = 4321", {}, udp(1, 2, b"odd"), {}, udp(4321, 2, b"odd")),
    "dport-tcp": ("set-dport = 4321", {}, tcp(1, 2, payload=b"odd"), {},
                  tcp(1, 4321, payload=b"odd")),
    "dport-sctp": ("set-dport = 4321", {}, sctp(9), {}, sctp(4321)),
    "sport-syn": ("set-sport = 65535", {}, tcp(1, 2, "S", options=SYN), {},
                  tcp(65535, 2, "S", options=SYN)),
    "mss": ("set-mss = 1111", {}, tcp(1, 2, "S", options=SYN), {},
            tcp(1, 2, "S", options=with_mss(1111))),
    "mss-unaligned": ("set-mss = 1111", {}, tcp(1, 2, "S", options=[("NOP", None)] + SYN), {},
                      tcp(1, 2, "S", options=[("NOP", None)] + with_mss(1111))),
    "mss-without-option": ("set-mss = 1111", {}, tcp(1, 2, "S"), {}, None),
    "mss-no-syn": ("set-mss = 1111", {}, tcp(1, 2, "A", options=SYN), {}, None),
    "clamp": ("clamp-mss = 1200", {}, tcp(1, 2, "SA", options=SYN), {},
              tcp(1, 2, "SA", options=with_mss(1200))),
    "clamp-keeps": ("clamp-mss = 1500", {}, tcp(1, 2, "S", options=SYN), {}, None),
    "payload-udp": ('set-payload = "XY" @ 3', {}, udp(1, 2, b"odd bytes"), {},
                    udp(1, 2, b"oddXYytes")),
    "payload-twice": ('set-payload = "X"\nset-payload = 0x00ff @ 7', {}, tcp(1, 2, payload=b"odd bytes"),
                      {}, tcp(1, 2, payload=b"Xdd byt\0\xff")),
    "payload-too-short": ('set-payload = "XYZ" @ 7', {}, udp(1, 2, b"odd bytes"), {}, None),
    "payload-sctp": ('set-payload = "X" @ 17', {}, sctp(2), {}, sctp(2, b"sXtp data")),
    "replace-all": ('replace = "s" -> "S"', {}, tcp(1, 2, payload=b"sees ships"), {},
                    tcp(1, 2, payload=b"SeeS ShipS")),
    "replace-count": ('replace = "s" -> "S" count 2', {}, udp(1, 2, b"sees ships"), {},
                      udp(1, 2, b"SeeS ships")),
    "replace-there": ('replace = "s" -> "S" @ 9\nreplace = "s" -> "S" @ 1', {},
                      udp(1, 2, b"sees ships"), {}, udp(1, 2, b"sees shipS")),
    "replace-overlapping": ('replace = "aa" -> "ab"', {}, udp(1, 2, b"aaaaa"), {},
                            udp(1, 2, b"ababa")),
    "sport-plus": ("set-sport = +1000", {}, udp(65000, 2, b"e"), {}, udp(65535, 2, b"e")),
    "dport-minus": ("set-dport = -80", {}, tcp(1, 8080, payload=b"e"), {},
                    tcp(1, 8000, payload=b"e")),
    "window": ("set-window = max 100", {}, tcp(1, 2, "A", window=8192), {},
               tcp(1, 2, "A", window=100)),
    "flags": ("set-tcp-flags = +ece, -psh", {}, tcp(1, 2, "PA", payload=b"e"), {},
              tcp(1, 2, "AE", payload=b"e")),
    "flags-all": ("set-tcp-flags = syn+ack", {}, tcp(1, 2, "PU", payload=b"e"), {},
                  tcp(1, 2, "SA", payload=b"e")),
    "strip-option": ("strip-tcp-option = sack-permitted", {}, tcp(1, 2, "S", options=SYN), {},
                     tcp(1, 2, "S", options=SYN[:1] + [("NOP", None)] * 2 + SYN[2:])),
    "two-rules": ("set-dport = 7\n[rule two]\ndport = 7\nset-ttl = 7", {"ttl": 9},
                  udp(1, 2, b"e"), {"ttl": 7}, udp(1, 7, b"e")),
    "all-at-once": ("set-sport = 9\nset-dport = 8\nset-ttl = 7\nset-dscp = cs7\nset-ecn = ect0",
                    {"ttl": 9}, udp(1, 2, b"odd"), {"ttl": 7, "tos": 0xE2}, udp(9, 8, b"odd")),
}


def through(net, daemons, captures, rules, *packets):
    """What arrives at the peer of PACKETS, with these rules at the host."""
    daemons(net.host).start(f"[rule edit]\n{rules}\n")
    seen = captures(net.peer)
    send(net.host, *packets)
    return seen.wait(len(packets))


@pytest.mark.parametrize("name", EDITS)
def test_edit(wire, daemons, captures, family, name):
    rules, fields, body, new_fields, new_body = EDITS[name]
    before = errors(wire)
    sent = bytes(ip(family, HOST[family], FAR[family], **fields) / body)
    wanted = bytes(ip(family, HOST[family], FAR[family], **{**fields, **new_fields}) /
                   (new_body or body))
    assert difference([wanted], through(wire, daemons, captures, rules, sent)) == ""
    assert errors(wire) == before


@pytest.mark.parametrize("name,body", [
    ("udp", udp(1, 2, b"odd")), ("tcp", tcp(1, 2, payload=b"even")), ("icmp", None),
    ("sctp", sctp(2))])
@pytest.mark.parametrize("key", ["set-src", "set-dst"])
def test_address_edit(wire, daemons, captures, family, name, body, key):
    del name
    body = echo_request(family) if body is None else body
    other = {"set-src": {4: "203.0.113.77", 6: "2001:db8:77::77"}, "set-dst": NOBODY}[key][family]
    before = errors(wire)
    sent = ip(family, HOST[family], FAR[family]) / body
    wanted = bytes(ip(family, other if key == "set-src" else HOST[family],
                      other if key == "set-dst" else FAR[family]) / body)
    arrived = through(wire, daemons, captures, f"family = ipv{family}\n{key} = {other}", sent)
    assert difference([wanted], arrived) == ""
    assert errors(wire) == before


@pytest.mark.parametrize("value,before,after", [("yes", 0, "DF"), ("no", "DF", 0),
                                                ("yes", "DF", "DF")])
def test_df_edit(wire, daemons, captures, value, before, after):
    sent, wanted = (bytes(ip(4, HOST[4], FAR[4], flags=flag) / udp(1, 2, b"df"))
                    for flag in (before, after))
    arrived = through(wire, daemons, captures, f"set-df = {value}", sent)
    assert difference([wanted], arrived) == ""


def test_ip_id_edit(wire, daemons, captures):
    """A number, arithmetic, and random ones, which differ; fragments keep theirs then."""
    daemon = daemons(wire.host)
    daemon.start("[rule a]\ndport = 1\nset-ip-id = 7\n[rule b]\ndport = 2\nset-ip-id = +7\n"
                 "[rule c]\ndport = 3\nset-ip-id = random\n")
    seen = captures(wire.peer)
    send(wire.host, *(ip(4, HOST[4], FAR[4], id=100) / udp(9, port, b"id")
                      for port in (1, 2, 3, 3, 3, 3)),
         ip(4, HOST[4], FAR[4], id=100, flags="MF") / udp(9, 3, b"id" * 4))
    arrived = [(parse(data), data) for data in seen.wait(7)]  # in any order: of several queues
    whole = [(packet, data) for packet, data in arrived if "MF" not in packet.flags]
    ids = {port: [packet.id for packet, _ in whole if packet[UDP].dport == port]
           for port in (1, 2, 3)}
    assert ids[1] == [7] and ids[2] == [107] and len(set(ids[3])) == 4
    assert [packet.id for packet, _ in arrived if "MF" in packet.flags] == [100]
    assert [checksum_errors(data) for _, data in whole] == [[]] * 6


@pytest.mark.parametrize("value,label", [("77", 77), ("+5", 105), ("1048575", 1048575)])
def test_flow_label_edit(wire, daemons, captures, value, label):
    sent, wanted = (bytes(ip(6, HOST[6], FAR[6], fl=number) / udp(1, 2, b"label"))
                    for number in (100, label))
    arrived = through(wire, daemons, captures, f"set-flow-label = {value}", sent)
    assert difference([wanted], arrived) == ""


@pytest.mark.parametrize("rule", ['set-payload = "NO"', 'replace = "f" -> "g"'])
def test_payload_edits_of_fragments(wire, daemons, captures, family, rule):
    """The first one is edited, and has the checksum of the whole; later ones are left alone."""
    parts = fragments_of(family, bytes(udp_datagram(family, b"f" * 100))[20 if family == 4 else 40:])
    arrived = through(wire, daemons, captures, rule, *parts)
    assert arrived[1] == bytes(parts[1])
    first = {"s": b"NO" + b"f" * 54, "r": b"g" * 56}[rule[0]]
    assert parse(arrived[0]).lastlayer().load.endswith(first) or bytes(arrived[0]).endswith(first)
    whole = udp_datagram(family, first + b"f" * 44)
    assert checksum_of_udp(arrived[0], family) == bytes(whole)[(20 if family == 4 else 40) + 6:][:2]


def udp_datagram(family, payload):
    """From the host to the far net, whole."""
    return ip(family, HOST[family], FAR[family]) / udp(1, 2, payload)


def checksum_of_udp(data, family):
    """The field in a first fragment of fragments_of()."""
    header = 20 if family == 4 else 48
    return bytes(data)[header + 6:header + 8]


def test_udp_without_checksum_stays_so(wire, daemons, captures):
    sent, wanted = (bytes(ip(4, HOST[4], address) / UDP(sport=1, dport=port, chksum=0) /
                          Raw(b"none")) for address, port in ((FAR[4], 2), (NOBODY[4], 3)))
    arrived = through(wire, daemons, captures,
                      f"family = ipv4\nset-dst = {NOBODY[4]}\nset-dport = 3", sent)
    assert difference([wanted], arrived) == ""


@pytest.mark.parametrize("body", [udp(1, 2, b"wrong"), tcp(1, 2, payload=b"wrong")],
                         ids=["udp", "tcp"])
def test_wrong_checksums_stay_wrong_when_edited(wire, daemons, captures, family, body):
    data = bytearray(bytes(ip(family, HOST[family], FAR[family]) / body))
    data[-1] ^= 0x21
    arrived = through(wire, daemons, captures, "set-sport = 77\nset-ttl = 7\nset-dscp = ef",
                      bytes(data))
    assert checksum_errors(arrived[0]) == [body.name + " checksum"], describe(arrived[0])


def fragments_of(family, body, proto=17):
    """BODY (bytes of an upper layer) in two fragments."""
    src, dst = HOST[family], FAR[family]
    if family == 4:
        return [ip(4, src, dst, flags="MF", id=9, proto=proto) / Raw(body[:64]),
                ip(4, src, dst, frag=8, id=9, proto=proto) / Raw(body[64:])]
    return [ip(6, src, dst) / IPv6ExtHdrFragment(id=9, m=1, nh=proto) / Raw(body[:64]),
            ip(6, src, dst) / IPv6ExtHdrFragment(id=9, offset=8, nh=proto) / Raw(body[64:])]


def test_fragments_arrive_whole_after_an_address_edit(wire, daemons, family):
    """The first fragment has the checksum, the later one only the address: both are edited."""
    datagram = bytes(ip(family, HOST[family], FAR[family]) / udp(1, 5000, b"f" * 100))
    daemons(wire.host).start(f"[rule edit]\nfamily = ipv{family}\nset-dst = {PEER[family]}\n")
    with udp_socket(wire.peer, family, bind=PEER[family]) as receiver:
        port = receiver.getsockname()[1]
        datagram = bytes(ip(family, HOST[family], FAR[family]) / udp(1, port, b"f" * 100))
        send(wire.host, *fragments_of(family, datagram[20 if family == 4 else 40:]))
        assert receiver.recv(1000) == b"f" * 100


@pytest.mark.parametrize("role", ["host", "client"])
def test_clamp_mss_on_real_connections(routed, daemons, captures, family, role):
    """Both ends see the smaller MSS, and data flows."""
    daemons(routed.host).start("[divert]\ndirection = out, forward\n[rule clamp]\n"
                               "proto = tcp\nclamp-mss = 1000\n")
    seen = captures(routed.peer)
    listener = tcp_socket(routed.peer, family)
    with listener, tcp_socket(getattr(routed, role), family) as client:
        listener.bind((FAR[family], 6000))
        listener.listen()
        client.connect((FAR[family], 6000))
        server, _ = listener.accept()
        with server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5, 0))
            client.sendall(b"d" * 50_000)
            assert server.recv(50_000, socket.MSG_WAITALL) == b"d" * 50_000
            assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= 1000
    options = dict(seen.one(lambda data: parse(data).haslayer("TCP"))["TCP"].options)
    assert options["MSS"] == 1000


def test_clamp_mss_follows_the_path_mtu(routed, daemons, captures, family):
    """A client's SYN announces what the host's route takes, also after the route has changed."""
    headers = {4: 40, 6: 60}[family]
    route = f"-{family} route replace {FAR_NET[family]} via {PEER[family]} mtu"
    routed.host.ip(f"{route} 1400")
    daemons(routed.host).start("[divert]\ndirection = out, forward\n[rule clamp]\nclamp-mss = pmtu\n")
    seen = captures(routed.peer)

    def announced(port):
        send(routed.client, ip(family, CLIENT[family], FAR[family]) /
             tcp(port, 9, "S", options=[("MSS", 1460)]))
        return dict(seen.one(lambda data: parse(data).haslayer("TCP") and
                             parse(data)["TCP"].sport == port)["TCP"].options)["MSS"]

    assert announced(1) == 1400 - headers
    routed.host.ip(f"{route} 1300")
    wait_until(lambda: "1300" in str(state.routes(routed.host, family, 100)),
               "the new MTU in table 100")
    assert announced(2) == 1300 - headers


def test_forwarded_packets_are_edited(routed, daemons, captures, family):
    daemons(routed.host).start(
        "[divert]\ndirection = out, forward\n[rule forwarded]\ndirection = forward\n"
        "set-dscp = ef\n[rule own]\ndirection = out\nset-dscp = cs1\n")
    seen = captures(routed.peer)
    send(routed.client, ip(family, CLIENT[family], FAR[family]) / udp(1, 2, b"forwarded"))
    send(routed.host, ip(family, HOST[family], FAR[family]) / udp(1, 2, b"own"))
    assert tos_of(seen.one(has_payload("forwarded"))) == 0xB8
    assert tos_of(seen.one(has_payload("own"))) == 0x20


# Packets by name, and rules with the names of those that they hold for.
PROBES = {
    "dns": lambda f: ip(f, HOST[f], FAR[f], ttl=64) / udp(4000, 53, b"q" * 30),
    "quic": lambda f: ip(f, HOST[f], NOBODY[f], ttl=32) / udp(4001, 443, b"q" * 1200),
    "syn": lambda f: ip(f, HOST[f], FAR[f], tos=0xB8) / tcp(4002, 443, "S", options=SYN),
    "synack": lambda f: ip(f, HOST[f], PEER[f], tos=0x02) / tcp(443, 4003, "SA"),
    "fin": lambda f: ip(f, HOST[f], FAR[f], tos=0x03) / tcp(4004, 8080, "FA"),
    "echo": lambda f: ip(f, HOST[f], FAR[f], ttl=1) / echo_request(f),
    "first": lambda f: fragments_of(f, bytes(udp(4000, 53, b"z" * 100)))[0],
    "later": lambda f: fragments_of(f, b"\x01\xbb\x01\xbb" * 40)[1],
}
NETS = {4: "198.51.100.0/24", 6: "2001:db8:2::/64"}
MATCHES = {
    "proto = udp": "dns quic first later",
    "proto = !udp, !tcp": "echo",
    "proto = icmp": "echo",
    "dst = {net}": "dns quic syn fin echo first later",
    "dst = {net}, !{far}": "quic",
    "host = {peer}": "synack",
    "src = {host}\ndport = 53": "dns first later",
    "dport = 443": "quic syn",
    "dport = 50-60, 8080": "dns fin first later",
    "dport = !443\nproto = tcp, udp": "dns synack fin first later",
    "sport = 4000-4002": "dns quic syn first later",
    "port = 443": "quic syn synack",
    "tcp-flags = syn": "syn synack",
    "tcp-flags = syn, !ack": "syn",
    "tcp-flags = fin": "fin",
    "icmp-type = echo-request": "echo",
    "icmp-type = !echo-request": "",
    "ttl = 1-32": "quic echo",
    "dscp = ef": "syn",
    "dscp = !0": "syn",
    "ecn = ect0": "synack",
    "ecn = ce, ect0": "synack fin",
    "length = 1000-1500": "quic",
    "fragment = yes": "first later",
    "fragment = first": "first",
    "fragment = later": "later",
    "fragment = no": "dns quic syn synack fin echo",
    'payload = "qqqq"': "dns quic",
    'payload = "q" @ 1199': "quic",
    'payload = !"q"\nproto = udp': "first",
    'payload-regex = "^q{{30}}$"': "dns",
    'payload-regex = !"q"\nproto = udp': "first",
    'payload-regex = "z+"': "first",
    "family = ipv{family}": "dns quic syn synack fin echo first later",
}


# The same for keys of one family, or of fields that differ.
PROBES_OF_FIELDS = {
    4: {
        "numbered": lambda: ip(4, HOST[4], FAR[4], id=77, flags="DF") / udp(1, 2, b"n"),
        "zero": lambda: ip(4, HOST[4], FAR[4], id=0, flags="DF") / tcp(1, 2, "A", window=0),
        "routed": lambda: ip(4, HOST[4], FAR[4], id=5, options=IPOption_RR(routers=["0.0.0.0"])) /
                          udp(1, 2, b"r"),
        "syn": lambda: ip(4, HOST[4], FAR[4], id=6) / tcp(1, 2, "S", options=SYN, window=1000),
        "unreachable": lambda: ip(4, HOST[4], FAR[4], id=7) / ICMP(type=3, code=3) /
                               Raw(bytes(ip(4, FAR[4], HOST[4]) / udp(1, 2, b""))),
    },
    6: {
        "labelled": lambda: ip(6, HOST[6], FAR[6], fl=5) / udp(1, 2, b"l"),
        "padded": lambda: ip(6, HOST[6], FAR[6]) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"abc")]) /
                          tcp(1, 2, "A", window=0),
        "syn": lambda: ip(6, HOST[6], FAR[6]) / tcp(1, 2, "S", options=SYN, window=1000),
        "unreachable": lambda: ip(6, HOST[6], FAR[6]) / ICMPv6DestUnreach(code=4) /
                               Raw(bytes(ip(6, FAR[6], HOST[6]) / udp(1, 2, b""))),
    },
}
MATCHES_OF_FIELDS = {
    4: {
        "df = yes": "numbered zero",
        "df = no": "routed syn unreachable",
        "ip-id = 0": "zero",
        "ip-id = 5-100, !6": "numbered routed unreachable",
        "ip-option = any": "routed",
        "ip-option = record-route": "routed",
        "ip-option = !any": "numbered zero syn unreachable",
        "ip-option = router-alert": "",
        "tcp-option = mss": "syn",
        "tcp-option = !any": "zero",
        "mss = 1400-1500": "syn",
        "mss = 1461": "",
        "window = 0": "zero",
        "window = !0": "syn",
        "icmp-code = port-unreachable": "unreachable",
        "icmp-code = host-unreachable": "",
        "flow-label = 0": "",
        "ext-header = !any": "",
    },
    6: {
        "flow-label = 5": "labelled",
        "flow-label = !5": "padded syn unreachable",
        "ext-header = destination": "padded",
        "ext-header = !any": "labelled syn unreachable",
        "tcp-option = sack-permitted, window-scale": "syn",
        "mss = !1460": "",
        "window = 1-1000": "syn",
        "icmp-code = port-unreachable": "unreachable",
        "icmp-code = 4\nfamily = ipv6": "unreachable",
        "df = no": "",
        "ip-id = 0-65535": "",
    },
}


def wrong_matches(net, daemon, seen, probes, matches):
    """Rules of MATCHES with (what they held for, what they should have), where those differ.

    A rule that decides nothing counts what it holds for: one rule each, packet after packet."""
    rules = {f"m{number}": key for number, key in enumerate(matches)}
    daemon.start("".join(f"[rule {name}]\n{key}\n" for name, key in rules.items()))
    got = {key: [] for key in matches}
    before = dict.fromkeys(rules, 0)
    for number, (probe, packet) in enumerate(probes.items()):
        send(net.host, packet)
        seen.wait(number + 1)
        counts = {name: count for name, (count, _) in daemon.statistics().rules.items()}
        for name, key in rules.items():
            got[key] += [probe] * (counts[name] - before[name])
        before = counts
    wanted = {key: sorted(names.split(), key=list(probes).index) for key, names in matches.items()}
    return {key: (got[key], wanted[key]) for key in matches if got[key] != wanted[key]}


def test_matches_hold_for_the_right_packets(wire, daemons, captures, family):
    words = {"net": NETS[family], "far": FAR[family], "peer": PEER[family], "host": HOST[family],
             "family": family}
    assert wrong_matches(wire, daemons(wire.host), captures(wire.peer),
                         {name: make(family) for name, make in PROBES.items()},
                         {key.format(**words): names for key, names in MATCHES.items()}) == {}


def test_matches_on_fields(wire, daemons, captures, family):
    """Held for by one match of each kind that the table above cannot have."""
    assert wrong_matches(wire, daemons(wire.host), captures(wire.peer),
                         {name: make() for name, make in PROBES_OF_FIELDS[family].items()},
                         MATCHES_OF_FIELDS[family]) == {}


def test_selectors_choose_among_the_packets_that_all_else_holds_for(wire, daemons, captures, family):
    """Each counts by itself; packets that another match of the rule leaves out take no turn."""
    rules = {"every": ("every = 4", 5), "limit": ("limit = 1/h burst 7", 7),
             "flow": ("limit = 1/h burst 2 per flow", 8), "always": ("probability = 100%", 20),
             "now": ("time = mon-sun", 20), "never": ("time = 2001-01-01", 0),
             "both": ("every = 2\nlimit = 1/h burst 3 per src", 3)}
    daemon = daemons(wire.host)
    daemon.start("".join(f"[rule {name}]\n{keys}\ndport = 7\n" for name, (keys, _) in rules.items()))
    seen = captures(wire.peer)
    for number in range(20):
        send(wire.host, *(ip(family, HOST[family], FAR[family]) / udp(4000 + number % 4, port, b"s")
                          for port in (7, 8)))
    seen.wait(40)
    counted = {name: packets for name, (packets, _) in daemon.statistics().rules.items()}
    assert counted == {name: wanted for name, (_, wanted) in rules.items()}


def test_tcpdump_sees_the_edits(wire, daemons, family):
    """As somebody would look: right checksums, TTL and TOS of the rule."""
    daemons(wire.host).start("[rule edit]\nproto = udp\nset-ttl = 7\nset-dscp = ef\n"
                             "set-dport = 5678\n")
    watcher = wire.peer.popen("tcpdump -c 1 -n -vv -l --immediate-mode -i eth0 udp port 5678")
    while "listening on" not in watcher.stdout.readline():
        assert watcher.poll() is None, "tcpdump ended"
    send(wire.host, ip(family, HOST[family], FAR[family]) / udp(1234, 5000, b"look at me"))
    said, _ = watcher.communicate(timeout=PATIENCE)
    wanted = {4: ("tos 0xb8", "ttl 7"), 6: ("class 0xb8", "hlim 7")}[family]
    for word in (*wanted, "udp sum ok", f"{FAR[family]}.5678"):
        assert word in said, f"no {word!r} in:\n{said}"
