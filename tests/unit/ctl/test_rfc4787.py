# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT behavioural requirements for UDP (RFC 4787): each test has the name of what it is about."""
import itertools

import pytest
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6

from nat import (FAR, FAR_B, INSIDE, NEIGHBOUR, POOL, ROUTER, Nat, error, ip, joined, rebuilt, rules,
                 udp)


def outbound(family, sport=4000, dst=FAR, dport=53, src=INSIDE):
    return udp(family, src[family], sport, dst[family], dport)


def inbound(family, dport, src=FAR, sport=53):
    return udp(family, src[family], sport, POOL[family], dport)


def test_rfc4787_req_1_endpoint_independent_mapping(nat, family):
    """One internal address and port has one external one, whoever is spoken to."""
    box = nat()
    seen = [box.one(outbound(family, dst=dst, dport=dport))
            for dst in (FAR, FAR_B) for dport in (53, 54)]
    assert {(each.src, each[UDP].sport) for each in seen} == {(POOL[family], 4000)}
    other = box.one(outbound(family, src=NEIGHBOUR))[UDP].sport
    seen = [box.one(outbound(family, src=NEIGHBOUR, dst=dst)) for dst in (FAR, FAR_B)]
    assert {each[UDP].sport for each in seen} == {other} and other != 4000


def test_rfc4787_req_2_paired_pooling(tmp_path, family):
    """All ports of an internal address have one external address."""
    last = POOL[family][:-1] + "7"
    box = Nat(tmp_path, rules(family, f"-{last}"))
    sources = {box.one(outbound(family, sport=port))[0].src for port in range(4000, 4024)}
    assert len(sources) == 1


def test_rfc4787_req_3_no_port_overloading(nat, family):
    """Two internal hosts with one port, to one place: two external ports."""
    box = nat()
    seen = [box.one(outbound(family, src=src))[UDP].sport for src in (INSIDE, NEIGHBOUR)]
    assert len(set(seen)) == 2
    for port, host in zip(seen, (INSIDE, NEIGHBOUR)):
        back = box.one(inbound(family, port))
        assert (back.dst, back[UDP].dport) == (host[family], 4000)


@pytest.mark.parametrize("port", [500, 4000, 4001])
def test_rfc4787_req_3a_and_4_class_and_parity_of_the_port(nat, family, port):
    """A port below 1024 stays below, an even one even."""
    box = nat()
    box.one(outbound(family, sport=port))
    other = box.one(outbound(family, sport=port, src=NEIGHBOUR))[UDP].sport
    assert other != port and other % 2 == port % 2 and (other < 1024) == (port < 1024)


def test_rfc4787_req_5_mapping_lives_two_minutes(nat, family):
    """Five by default: after 290 s of silence an answer still comes through."""
    box = nat()
    box.send(outbound(family), inbound(family, 4000), outbound(family))
    assert box.one(inbound(family, 4000), after=290).dst == INSIDE[family]


def test_rfc4787_req_5_a_single_datagram_is_enough(nat, family):
    """Also a mapping that no answer has used yet lives for two minutes."""
    box = nat()
    box.one(outbound(family))
    assert box.one(inbound(family, 4000), after=121).dst == INSIDE[family]


def test_rfc4787_req_6_outbound_packets_refresh(nat, family):
    """A packet from inside every four minutes keeps the mapping for as long as one likes."""
    box = nat()
    box.send(outbound(family), inbound(family, 4000), outbound(family))
    box.send(*[outbound(family) for _ in range(5)], after=240)
    assert box.one(inbound(family, 4000), after=1).dst == INSIDE[family]


def test_rfc4787_req_8_filtering_is_endpoint_independent(nat, family):
    """By default anybody may answer."""
    box = nat()
    box.one(outbound(family))
    assert box.one(inbound(family, 4000, src=FAR_B, sport=9)).dst == INSIDE[family]


def test_rfc4787_req_8_filtering_by_address(nat, family):
    box = nat(flows="[flows]\nnat-filtering = address-dependent")
    box.one(outbound(family))
    assert box.one(inbound(family, 4000, sport=9)).dst == INSIDE[family]
    assert box.send(inbound(family, 4000, src=FAR_B)) == []
    box.one(outbound(family, dst=FAR_B, dport=7))
    assert box.one(inbound(family, 4000, src=FAR_B)).dst == INSIDE[family]


def test_rfc4787_req_8_filtering_by_address_and_port(nat, family):
    box = nat(flows="[flows]\nnat-filtering = address-and-port-dependent")
    box.one(outbound(family))
    assert box.send(inbound(family, 4000, sport=9)) == []
    assert box.one(inbound(family, 4000)).dst == INSIDE[family]


def test_rfc4787_req_9_hairpinning(nat, family):
    """A host reaches its neighbour by the external address, and is seen by its own external one."""
    box = nat()
    box.one(outbound(family, src=NEIGHBOUR, sport=5000))
    there = box.one(udp(family, INSIDE[family], 4000, POOL[family], 5000))
    assert (there.src, there[UDP].sport) == (POOL[family], 4000), "9a: the external source"
    assert (there.dst, there[UDP].dport) == (NEIGHBOUR[family], 5000)
    back = box.one(udp(family, NEIGHBOUR[family], 5000, POOL[family], 4000))
    assert (back.src, back[UDP].sport) == (POOL[family], 5000)
    assert (back.dst, back[UDP].dport) == (INSIDE[family], 4000)


def test_rfc4787_req_11_behaviour_does_not_change_under_conflict(nat, family):
    """A host whose port was taken keeps its mapping and its filter for everybody, too."""
    box = nat()
    box.one(outbound(family, src=NEIGHBOUR))
    port = box.one(outbound(family))[UDP].sport
    assert port != 4000
    assert box.one(outbound(family, dst=FAR_B))[UDP].sport == port
    assert box.one(inbound(family, port, src=FAR_B, sport=9)).dst == INSIDE[family]


@pytest.mark.parametrize("kind", ["unreachable", "too-big", "time"])
def test_rfc4787_req_12_errors_do_not_end_a_mapping(nat, family, kind):
    """An ICMP error passes to the inside, and answers pass after it."""
    box = nat()
    sent = box.one(outbound(family))
    told = box.one(error(family, ROUTER[family], POOL[family], sent, kind))
    assert told.dst == INSIDE[family]
    assert box.one(inbound(family, 4000)).dst == INSIDE[family]
    assert box.one(outbound(family))[UDP].sport == 4000


def place_of(part):
    """Where the data of a fragment belong."""
    return part.frag if IP in part else part[IPv6ExtHdrFragment].offset


def numbered(part, number):
    """Gives a fragment another identification."""
    if IP in part:
        part.id = number
    else:
        part[IPv6ExtHdrFragment].id = number


def pieces(family, packet):
    """The packet in fragments."""
    if family == 4:
        return fragment(packet, fragsize=600)
    whole = ip(6, packet.src, packet.dst) / IPv6ExtHdrFragment(id=77) / packet[UDP]
    return fragment6(IPv6(bytes(whole)), 640)


def test_rfc4787_req_14_fragments(nat, family):
    """Fragments in order follow the first one, in both directions."""
    box = nat()
    body = bytes(range(256)) * 6
    parts = box.send(*pieces(family, udp(family, INSIDE[family], 4000, FAR[family], 53, body)))
    assert len(parts) == 3 and {part.src for part in parts} == {POOL[family]}
    assert rebuilt(joined(parts)) == bytes(joined(parts))
    parts = box.send(*pieces(family, udp(family, FAR[family], 53, POOL[family], 4000, body)))
    assert len(parts) == 3 and {part.dst for part in parts} == {INSIDE[family]}
    assert rebuilt(joined(parts)) == bytes(joined(parts))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_rfc4787_req_14_fragments_out_of_order(nat, family, order):
    """In whatever order they come, in both directions."""
    box = nat()
    body = bytes(range(256)) * 6
    for sent in (udp(family, INSIDE[family], 4000, FAR[family], 53, body),
                 udp(family, FAR[family], 53, POOL[family], 4000, body)):
        fragments = pieces(family, sent)
        parts = box.send(*[fragments[i] for i in order])
        assert len(parts) == 3, "none is lost"
        assert {(part.src, part.dst) for part in parts} in (
            {(POOL[family], FAR[family])}, {(FAR[family], INSIDE[family])})
        assert place_of(parts[0]) == 0, "the first one leaves first"
        whole = joined(sorted(parts, key=place_of))
        assert rebuilt(whole) == bytes(whole) and whole[UDP].sport == sent[UDP].sport


def test_rfc4787_req_14a_flood_of_fragments(nat, family):
    """Parts without a first one from one host do not push out that of another."""
    box = nat()
    body = bytes(range(256)) * 6
    first, second, _ = pieces(family, udp(family, INSIDE[family], 4000, FAR[family], 53, body))
    flood = [pieces(family, udp(family, FAR_B[family], 53, POOL[family], 9, body))[1]
             for _ in range(600)]
    for number, part in enumerate(flood):
        numbered(part, number)
    assert box.send(second, *flood, after=0.0001) == []
    parts = box.send(first)
    assert {part.src for part in parts} == {POOL[family]} and len(parts) == 2
