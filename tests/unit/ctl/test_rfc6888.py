# SPDX-License-Identifier: GPL-2.0-or-later
"""What of the requirements for carrier-grade NAT (RFC 6888) goes for any translator of a host."""
from scapy.layers.inet import UDP

from nat import FAR, FAR_B, INSIDE, NEIGHBOUR, POOL, Nat, rules, udp

LAST = {4: "198.51.100.207", 6: "2001:db8:9::207"}
ELSEWHERE = {4: "198.51.100.7", 6: "2001:db8:9::7"}


def test_rfc6888_req_2_paired_pooling(tmp_path, family):
    """`persistent`: one external address for each internal one, whatever the port."""
    box = Nat(tmp_path, rules(family, f"-{LAST[family]} persistent"))
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
