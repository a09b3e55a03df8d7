# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT behavioural requirements for ICMP (RFC 5508): each test has the name of what it is about."""
import pytest
from scapy.layers.inet import IP, UDP, IPOption, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN

from nat import (FAR, FAR_B, INSIDE, NEIGHBOUR, POOL, ROUTER, echo, error, identifier, ip,
                 udp)


def quoted(family, packet):
    """The packet that an ICMP error quotes, as its bytes."""
    return bytes(packet)[28:] if family == 4 else bytes(packet)[48:]


def test_rfc5508_req_1_queries_and_their_answers(nat, family):
    """Two hosts that ping with one identifier: two external ones (1a: whoever is asked)."""
    box = nat()
    seen = [box.one(echo(family, src[family], dst[family], 7)) for src in (INSIDE, NEIGHBOUR)
            for dst in (FAR, FAR_B)]
    numbers = [identifier(each) for each in seen]
    assert numbers[0] == numbers[1] == 7 and numbers[2] == numbers[3] != 7
    for number, host in ((7, INSIDE), (numbers[2], NEIGHBOUR)):
        back = box.one(echo(family, FAR[family], POOL[family], number, reply=True))
        assert back.dst == host[family] and identifier(back) == 7


def test_rfc5508_req_2_a_query_lives_sixty_seconds(nat, family):
    box = nat()
    box.one(echo(family, INSIDE[family], FAR[family], 7))
    assert box.one(echo(family, FAR[family], POOL[family], 7, reply=True),
                   after=59.9).dst == INSIDE[family]


def test_rfc5508_req_3b_options_in_the_quoted_packet(nat, family):
    """The quoted transport header is found behind options or extension headers."""
    box = nat()
    if family == 4:
        packet = ip(4, INSIDE[4], FAR[4], options=[IPOption(b"\x01\x01\x01\x00")]) / UDP(
            sport=4000, dport=53) / b"payload"
    else:
        packet = ip(6, INSIDE[6], FAR[6]) / IPv6ExtHdrDestOpt(
            options=[PadN(optdata=b"\0\0\0\0")]) / UDP(sport=4000, dport=53) / b"payload"
    sent = box.one(IP(bytes(packet)) if family == 4 else IPv6(bytes(packet)))
    assert sent.src == POOL[family]
    told = box.one(error(family, ROUTER[family], POOL[family], sent))
    assert quoted(family, told) == bytes(packet)


def test_rfc5508_req_4_errors_in_fragments(nat, family):
    """Nobody sends them so; no part of one tells an address of the inside, or gets in."""
    box = nat()
    packet = udp(family, INSIDE[family], 4000, FAR[family], 53, b"x" * 1000)
    sent = box.one(packet)
    for message in (error(family, ROUTER[family], POOL[family], sent),
                    error(family, INSIDE[family], FAR[family],
                          udp(family, FAR[family], 53, INSIDE[family], 4000, b"x" * 1000))):
        if family == 4:
            parts = fragment(message, fragsize=600)
        else:
            body = bytes(message)[40:]
            parts = [ip(6, message.src, message.dst) / IPv6ExtHdrFragment(
                id=5, m=int(at == 0), offset=at // 8, nh=58) / body[at:at + 600]
                     for at in (0, 600)]
        assert len(parts) == 2
        assert box.send(*parts) == []


def test_rfc5508_req_3c_the_quoted_checksum_is_nobodys_business(nat, family):
    """A quoted transport checksum that is wrong stops no error."""
    box = nat()
    sent = bytearray(bytes(box.one(udp(family, INSIDE[family], 4000, FAR[family], 53))))
    place = (20 if family == 4 else 40) + 6
    sent[place] ^= 0x55
    assert box.one(error(family, ROUTER[family], POOL[family], sent)).dst == INSIDE[family]


@pytest.mark.parametrize("kind", ["unreachable", "too-big", "time"])
@pytest.mark.parametrize("length", [None, 28])
def test_rfc5508_req_4_errors_from_outside(nat, family, kind, length):
    """The quoted packet as the host sent it, also where 8 bytes of it are left; type and code stay."""
    box = nat()
    packet = udp(family, INSIDE[family], 4000, FAR[family], 53, b"x" * 64)
    box.one(udp(family, NEIGHBOUR[family], 4000, FAR[family], 53))
    sent = box.one(packet)
    assert sent[UDP].sport != 4000
    length = None if length is None else length + (0 if family == 4 else 20)
    made = error(family, ROUTER[family], POOL[family], sent, kind, length)
    told = box.one(made)
    assert told.dst == INSIDE[family] and told.src == ROUTER[family]
    assert bytes(told)[20 if family == 4 else 40:][:2] == bytes(made)[20 if family == 4 else 40:][:2]
    assert quoted(family, told) == bytes(packet)[:length]


def test_rfc5508_req_5_errors_from_inside(nat, family):
    """An error of the inside about an answer quotes it as the outside sent it, from the external address."""
    box = nat()
    box.one(udp(family, NEIGHBOUR[family], 4000, FAR[family], 53))
    port = box.one(udp(family, INSIDE[family], 4000, FAR[family], 53))[UDP].sport
    answer = udp(family, FAR[family], 53, POOL[family], port, b"answer")
    came = box.one(answer)
    assert came.dst == INSIDE[family]
    told = box.one(error(family, INSIDE[family], FAR[family], came))
    assert (told.src, told.dst) == (POOL[family], FAR[family])
    assert quoted(family, told) == bytes(answer)


def test_rfc5508_req_6_an_error_does_not_refresh_or_end_a_query(nat, family):
    """Errors every 20 s keep no mapping alive; one right behind the query does not end it."""
    box = nat()
    sent = box.one(echo(family, INSIDE[family], FAR[family], 7))
    told = box.one(error(family, ROUTER[family], POOL[family], sent))
    assert told.dst == INSIDE[family]
    assert box.one(echo(family, FAR[family], POOL[family], 7, reply=True)).dst == INSIDE[family]
    for _ in range(8):
        box.send(error(family, ROUTER[family], POOL[family], sent), after=20)
    late = box.send(echo(family, FAR[family], POOL[family], 7, reply=True), after=1)
    assert INSIDE[family] not in [packet.dst for packet in late]


def test_rfc5508_req_7_hairpinned_errors(nat, family):
    """An error about a packet between two hosts inside by the external address finds its sender."""
    box = nat()
    box.one(udp(family, NEIGHBOUR[family], 5000, FAR[family], 53))
    packet = udp(family, INSIDE[family], 4000, POOL[family], 5000)
    came = box.one(packet)
    assert came.dst == NEIGHBOUR[family]
    told = box.one(error(family, NEIGHBOUR[family], POOL[family], came))
    assert told.dst == INSIDE[family] and told.src == POOL[family]
    assert quoted(family, told) == bytes(packet)


def test_rfc5508_req_8_a_flow_that_finds_no_room_is_told(nat, family):
    """Administratively prohibited: 3/13, ICMPv6 1/1; flows that are there go on."""
    box = nat(":6000-6000")
    assert box.one(udp(family, INSIDE[family], 4000, FAR[family], 53))[UDP].sport == 6000
    told = box.one(udp(family, NEIGHBOUR[family], 4000, FAR[family], 53))
    assert told.dst == NEIGHBOUR[family]
    head = bytes(told)[20 if family == 4 else 40:][:2]
    assert head == (b"\x03\x0d" if family == 4 else b"\x01\x01")
    assert box.one(udp(family, FAR[family], 53, POOL[family], 6000)).dst == INSIDE[family]
