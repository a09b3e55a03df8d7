# SPDX-License-Identifier: GPL-2.0-or-later
"""What of the requirements for carrier-grade NAT (RFC 6888) goes for any translator of a host."""
import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach

from nat import FAR, FAR_B, INSIDE, NEIGHBOUR, POOL, Nat, echo, rules, tcp, udp

LAST = {4: "198.51.100.207", 6: "2001:db8:9::207"}
ELSEWHERE = {4: "198.51.100.7", 6: "2001:db8:9::7"}


def is_told(packet, host):
    """Whether PACKET tells HOST that it is administratively prohibited."""
    header = ICMP if IP in packet else ICMPv6DestUnreach
    code = {ICMP: (3, 13), ICMPv6DestUnreach: (1, 1)}[header]
    return packet.dst == host and (packet[header].type, packet[header].code) == code


@pytest.mark.parametrize("how", ["", " persistent"])
def test_rfc6888_req_2_paired_pooling(tmp_path, family, how):
    """One external address for each internal one, whatever the port."""
    box = Nat(tmp_path, rules(family, f"-{LAST[family]}{how}"))
    hosts = [INSIDE[family][:-2] + str(number) for number in range(10, 30)]
    found = {host: {box.one(udp(family, host, 4000 + port, FAR[family], 53)).src
                    for port in range(3)} for host in hosts}
    assert all(len(sources) == 1 for sources in found.values())
    assert len(set.union(*found.values())) > 2, "the pool is used"


def test_rfc6888_req_3_a_pool_in_pieces(tmp_path, family):
    """A rule for each piece of the pool."""
    first = f"[rule first]\nsrc = {INSIDE[family]}\nsnat = {ELSEWHERE[family]}\n"
    box = Nat(tmp_path, rules(family, before=first))
    assert box.one(udp(family, INSIDE[family], 4000, FAR[family], 53)).src == ELSEWHERE[family]
    assert box.one(udp(family, NEIGHBOUR[family], 4000, FAR[family], 53)).src == POOL[family]


def test_rfc6888_req_4_limit_of_ports(tmp_path, family):
    """Three external ports for each host, of all protocols (4a): flows that need no other begin, one
    that does is refused, and so is nobody else."""
    box = Nat(tmp_path, rules(family, flows="[flows]\nnat-ports = 3"))
    inside, far = INSIDE[family], FAR[family]
    for packet in (udp(family, inside, 4000, far, 53), tcp(family, inside, 4000, far, 80),
                   echo(family, inside, far, 7), udp(family, inside, 4000, FAR_B[family], 53)):
        assert box.one(packet).src == POOL[family]
    for packet in (udp(family, inside, 4001, far, 53), tcp(family, inside, 4001, far, 80),
                   echo(family, inside, far, 8)):
        assert is_told(box.one(packet), inside)
    assert box.one(udp(family, NEIGHBOUR[family], 4001, far, 53))[UDP].sport == 4001
    assert box.one(udp(family, far, 53, POOL[family], 4000)).dst == inside
    # the ping's minute is over, which the packets of others find out; the others' times are not
    other = udp(family, far, 53, POOL[family], 4001)
    box.send(other, after=61)
    box.send(*(8 * [other]))
    assert box.one(udp(family, inside, 4001, far, 53)).src == POOL[family]
    assert is_told(box.one(udp(family, inside, 4002, far, 53)), inside)


def test_rfc6888_req_4c_limit_of_new_flows(tmp_path, family):
    """Two new ones a second from each host; those that are there go on."""
    before = (f"[rule some]\nsrc = {INSIDE[family]}, {NEIGHBOUR[family]}\nstate = new\n"
              f"limit = 2/s burst 2 per src\nsnat = {POOL[family]}\nverdict = accept\n"
              "[rule rest]\nstate = new\nverdict = drop\n")
    box = Nat(tmp_path, rules(family, before=before))
    sent = [udp(family, INSIDE[family], 4000 + number, FAR[family], 53) for number in range(5)]
    assert [each[UDP].sport for each in box.send(*sent)] == [4000, 4001]
    answer = udp(family, FAR[family], 53, POOL[family], 4000)
    assert box.one(answer).dst == INSIDE[family]
    assert len(box.send(*(2 * sent[:1]))) == 2
    assert box.one(udp(family, NEIGHBOUR[family], 4000, FAR[family], 53)).src == POOL[family]
    assert box.one(sent[4], after=1)[UDP].sport == 4004


def test_rfc6888_req_5_limit_of_flows(tmp_path, family):
    """Two flows for each external port: the third is refused, from inside with a word; the two and
    other ports go on, and when one is over there is room again."""
    box = Nat(tmp_path, rules(family, flows="[flows]\nnat-flows = 2\nudp = 1min"))
    inside, far = INSIDE[family], FAR[family]
    first, second, third = (udp(family, inside, 4000, far, 53 + number) for number in range(3))
    assert [each.src for each in box.send(first, second)] == 2 * [POOL[family]]
    assert is_told(box.one(third), inside)
    assert box.send(udp(family, FAR_B[family], 9, POOL[family], 4000)) == []
    assert box.one(udp(family, far, 53, POOL[family], 4000)).dst == inside
    for packet in (first, udp(family, inside, 4001, far, 55), tcp(family, inside, 4000, far, 80)):
        assert box.one(packet).src == POOL[family]
    other = udp(family, NEIGHBOUR[family], 5000, far, 53)  # packets of others find out what is over
    box.send(other, after=61)
    box.send(*(8 * [other]))
    assert box.one(third)[UDP].sport == 4000


def test_rfc6888_req_7_filtering_is_endpoint_independent(tmp_path, family):
    """Whoever knows the port can send to it."""
    box = Nat(tmp_path, rules(family))
    box.one(udp(family, INSIDE[family], 4000, FAR[family], 53))
    assert box.one(udp(family, FAR_B[family], 9, POOL[family], 4000)).dst == INSIDE[family]


def test_rfc6888_req_13_a_port_serves_many_destinations(tmp_path, family):
    """One external port, whatever is sent to: the pool has no other."""
    box = Nat(tmp_path, rules(family, ":6000-6000"))
    found = box.send(*(udp(family, INSIDE[family], 4000, dst, port)
                       for dst in (FAR[family], FAR_B[family]) for port in range(50, 70)))
    assert len(found) == 40 and {each[UDP].sport for each in found} == {6000}


def test_rfc6888_req_15_ports_are_hard_to_guess(tmp_path, family):
    """Which ports others get when theirs is taken depends on a secret, here the seed."""
    found = []
    for seed in ("1", "2"):
        box = Nat(tmp_path, rules(family), "--seed", seed)
        sent = [udp(family, INSIDE[family][:-2] + str(number), 4000, FAR[family], 53)
                for number in range(10, 30)]
        found.append([each[UDP].sport for each in box.send(*sent)][1:])
    assert all(len(set(ports)) == 19 for ports in found)
    assert len(set(found[0]) & set(found[1])) < 5


def test_rfc6888_req_6_destinations_without_translation(tmp_path, family):
    """A rule in front that accepts."""
    before = f"[rule as-it-is]\ndst = {FAR_B[family]}\nproto = udp\ndport = 53\nverdict = accept\n"
    box = Nat(tmp_path, rules(family, before=before))
    assert box.one(udp(family, INSIDE[family], 4000, FAR_B[family], 53)).src == INSIDE[family]
    assert box.one(udp(family, INSIDE[family], 4000, FAR_B[family], 54)).src == POOL[family]


def test_rfc6888_req_11_no_mapping_is_ended_to_make_room(tmp_path, family):
    """The pool's ports are used up: the new flow is dropped and told (11a, 11b), old ones live."""
    box = Nat(tmp_path, rules(family, ":6000-6003"))
    ports = {box.one(udp(family, INSIDE[family], 4000 + number, FAR[family], 53))[UDP].sport
             for number in range(4)}
    assert ports == {6000, 6001, 6002, 6003}
    told = box.one(udp(family, NEIGHBOUR[family], 4000, FAR[family], 53))
    assert told.dst == NEIGHBOUR[family]
    for port in ports:
        assert box.one(udp(family, FAR[family], 53, POOL[family], port)).dst == INSIDE[family]
