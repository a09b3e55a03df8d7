# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT behavioural requirements for TCP (RFC 5382): each test has the name of what it is about."""
import pytest
from scapy.layers.inet import TCP

from nat import FAR, FAR_B, INSIDE, NEIGHBOUR, POOL, ROUTER, Nat, error, tcp

HOUR = 3600


def outbound(family, flags="S", sport=4000, dst=FAR, dport=80, src=INSIDE, **fields):
    return tcp(family, src[family], sport, dst[family], dport, flags, **fields)


def inbound(family, flags="SA", dport=4000, src=FAR, sport=80, **fields):
    return tcp(family, src[family], sport, POOL[family], dport, flags, **fields)


def establish(box, family, **ends):
    """A three-way handshake from inside."""
    found = box.send(outbound(family, "S", seq=100, **ends), inbound(family, "SA", seq=300, ack=101),
                     outbound(family, "A", seq=101, ack=301, **ends))
    assert len(found) == 3
    return found


def test_rfc5382_req_1_endpoint_independent_mapping(nat, family):
    """One internal address and port has one external one, whoever is spoken to."""
    box = nat()
    box.one(outbound(family, src=NEIGHBOUR))
    seen = [box.one(outbound(family, dst=dst, dport=dport)) for dst in (FAR, FAR_B)
            for dport in (80, 81)]
    assert len({(each.src, each[TCP].sport) for each in seen}) == 1
    assert seen[0].src == POOL[family] and seen[0][TCP].sport != 4000


def test_rfc5382_req_2_handshake_data_and_close(nat, family):
    """All of a connection with a half-closed phase: every segment arrives, in both directions."""
    box = nat()
    establish(box, family)
    found = box.send(
        outbound(family, "PA", seq=101, ack=301), inbound(family, "A", seq=301, ack=101),
        inbound(family, "FA", seq=301, ack=101), outbound(family, "A", seq=101, ack=302),
        outbound(family, "PA", seq=101, ack=302), outbound(family, "FA", seq=101, ack=302),
        inbound(family, "A", seq=302, ack=102))
    assert len(found) == 7
    assert {(each.src, each.dst) for each in found} == {(POOL[family], FAR[family]),
                                                        (FAR[family], INSIDE[family])}


def test_rfc5382_req_2_retransmitted_syn(nat, family):
    """The same SYN again has the same mapping, and so has a new one after a reset."""
    box = nat()
    ports = {box.one(outbound(family, seq=100))[TCP].sport for _ in range(3)}
    box.one(inbound(family, "RA", ack=101))
    ports.add(box.one(outbound(family, seq=9000))[TCP].sport)
    assert ports == {4000}
    assert box.one(inbound(family, "SA", seq=1, ack=9001)).dst == INSIDE[family]


def test_rfc5382_req_2_a_port_is_used_again_in_time_wait(nat, family):
    """A new SYN on the addresses and ports of a connection that has just been closed."""
    box = nat()
    establish(box, family)
    box.send(outbound(family, "FA", seq=101, ack=301), inbound(family, "FA", seq=301, ack=102),
             outbound(family, "A", seq=102, ack=302))
    again = box.one(outbound(family, "S", seq=50000))
    assert (again.src, again[TCP].sport) == (POOL[family], 4000)
    assert box.one(inbound(family, "SA", seq=7, ack=50001)).dst == INSIDE[family]


def test_rfc5382_req_2a_simultaneous_open(nat, family):
    """The other end's SYN crosses ours; both answer with SYN and ACK (RFC 9293 3.5)."""
    box = nat()
    found = box.send(
        outbound(family, "S", seq=100), inbound(family, "S", seq=300),
        outbound(family, "SA", seq=100, ack=301), inbound(family, "SA", seq=300, ack=101),
        outbound(family, "PA", seq=101, ack=301), inbound(family, "PA", seq=301, ack=101))
    assert [each.dst for each in found] == 3 * [FAR[family], INSIDE[family]]
    assert {each[TCP].sport for each in found[::2]} == {4000}


def test_rfc5382_req_3_filtering_is_endpoint_independent(nat, family):
    """By default a SYN from anybody to a mapped port comes through."""
    box = nat()
    box.one(outbound(family))
    assert box.one(inbound(family, "S", src=FAR_B, sport=9)).dst == INSIDE[family]


def test_rfc5382_req_3_filtering_by_address_and_port(nat, family):
    box = nat(flows="[flows]\nnat-filtering = address-and-port-dependent")
    box.one(outbound(family))
    assert box.send(inbound(family, "S", src=FAR_B, sport=9)) == []
    assert box.one(inbound(family, "SA", ack=1)).dst == INSIDE[family]


def test_rfc5382_req_4_an_unsolicited_syn_is_not_answered(nat, family):
    """Filtered or to a port that nobody has: no answer, and the connection from inside still works."""
    box = nat(flows="[flows]\nnat-filtering = address-and-port-dependent")
    box.one(outbound(family, dst=FAR_B))
    assert box.send(inbound(family, "S", seq=300)) == []
    assert box.one(outbound(family, "S", seq=100))[TCP].sport == 4000
    assert box.one(inbound(family, "S", seq=300)).dst == INSIDE[family]


def test_rfc5382_req_4_a_syn_to_a_port_of_nobody(nat, family):
    """It is not answered, and the connection from inside to the same end works right behind it."""
    box = nat()
    stray = inbound(family, "S", seq=300)
    assert [bytes(each) for each in box.send(stray)] in ([], [bytes(stray)])
    port = box.one(outbound(family, "S", seq=100), after=1)[TCP].sport
    assert box.one(inbound(family, "SA", dport=port, seq=300, ack=101)).dst == INSIDE[family]


class Own:
    """A host whose own address, the pool's, hosts inside have outside: its stack answers too."""

    def __init__(self, folder, family, flows=""):
        self.family = family
        net = INSIDE[family][:-2]
        config = ("[divert]\ndirection = out, forward, in\n" + flows +
                  f"[rule share]\nsrc = {net}0/{24 if family == 4 else 64}\nmasquerade = yes\n")
        self.box = Nat(folder, config, "--local", POOL[family])

    def stray(self, after=0.01):
        """A SYN from outside comes; what comes out. It is for the host."""
        return self.box.send(inbound(self.family, "S", seq=300), after=after)

    def reset(self, after=0.01):
        """What becomes of the host's reset to it."""
        return self.box.send(tcp(self.family, POOL[self.family], 4000, FAR[self.family], 80, "RA",
                                 ack=301), after=after)


def test_rfc5382_req_4_the_hosts_own_address(tmp_path, family):
    """No reset for six seconds; who tries again later gets it."""
    own = Own(tmp_path, family)
    assert len(own.stray()) == 1 and own.reset() == []
    for after in (1, 2, 2.9):
        assert len(own.stray(after)) == 1 and own.reset() == []
    assert len(own.stray(4)) == 1
    told = own.reset()
    assert len(told) == 1 and told[0][TCP].flags == "RA"


def test_rfc5382_req_4_a_syn_from_inside_takes_the_place_of_the_refused_one(tmp_path, family):
    """The connection from inside has the port that it wants, and the SYN is of it from then on."""
    own = Own(tmp_path, family)
    own.stray()
    assert own.reset() == []
    sent = own.box.one(outbound(family, "S", seq=100), after=5)
    assert (sent.src, sent[TCP].sport) == (POOL[family], 4000)
    assert own.stray()[0].dst == INSIDE[family]
    assert own.box.one(outbound(family, "SA", seq=100, ack=301)).src == POOL[family]
    assert own.box.one(inbound(family, "SA", seq=300, ack=101)).dst == INSIDE[family]


def test_rfc5382_req_4_what_the_host_accepts_or_has_is_its_own(tmp_path, family):
    """A SYN that is accepted after all, and the reset of a connection: nothing is held, nor lost."""
    own = Own(tmp_path, family)
    accept = tcp(family, POOL[family], 4000, FAR[family], 80, "SA", ack=301)
    own.stray()
    own.reset()
    own.stray()
    assert len(own.box.send(accept)) == 1
    assert own.box.one(outbound(family, "S", seq=100))[TCP].sport != 4000
    assert len(own.reset()) == 1


def test_rfc5382_req_4_off(tmp_path, family):
    own = Own(tmp_path, family, flows="[flows]\nnat-refuse-after = off\n")
    own.stray()
    assert len(own.reset()) == 1


def test_rfc5382_req_5_established_connections_live_two_hours_and_four_minutes(nat, family):
    box = nat()
    establish(box, family)
    assert box.one(inbound(family, "A", seq=301, ack=101), after=2 * HOUR + 239).dst == \
        INSIDE[family]


@pytest.mark.parametrize("state", ["opening", "closing"])
def test_rfc5382_req_5_transitory_connections_live_four_minutes(nat, family, state):
    """Half open for 230 s, or half closed for 230 s: the answer still comes through."""
    box = nat()
    if state == "opening":
        box.one(outbound(family))
        assert box.one(inbound(family, "SA", ack=1), after=239).dst == INSIDE[family]
        return
    establish(box, family)
    box.send(inbound(family, "FA", seq=301, ack=101), outbound(family, "A", seq=101, ack=302))
    assert box.one(outbound(family, "FA", seq=101, ack=302), after=239)[TCP].sport == 4000
    assert box.one(inbound(family, "A", seq=302, ack=102)).dst == INSIDE[family]


def test_rfc5382_req_7_no_port_overloading(nat, family):
    """Three hosts with one port, to one place: three external ports, and answers find their host."""
    box = nat()
    establish(box, family)
    other = box.one(outbound(family, src=NEIGHBOUR))[TCP].sport
    assert other != 4000
    assert box.one(inbound(family, "SA", dport=other)).dst == NEIGHBOUR[family]
    assert box.one(inbound(family, "A", seq=301, ack=101)).dst == INSIDE[family]


def test_rfc5382_req_8_hairpinning(nat, family):
    """A connection to a neighbour by the external address, seen with the external source (8a)."""
    box = nat()
    box.one(outbound(family, src=NEIGHBOUR, sport=5000))
    there = box.one(tcp(family, INSIDE[family], 4000, POOL[family], 5000, "S", seq=1))
    assert (there.src, there[TCP].sport) == (POOL[family], 4000)
    assert (there.dst, there[TCP].dport) == (NEIGHBOUR[family], 5000)
    back = box.one(tcp(family, NEIGHBOUR[family], 5000, POOL[family], 4000, "SA", ack=2))
    assert (back.src, back[TCP].sport) == (POOL[family], 5000)
    assert (back.dst, back[TCP].dport) == (INSIDE[family], 4000)


@pytest.mark.parametrize("kind", ["unreachable", "too-big", "time"])
def test_rfc5382_req_9_and_10_errors_are_translated_and_end_nothing(nat, family, kind):
    box = nat()
    sent = establish(box, family)[2]
    told = box.one(error(family, ROUTER[family], POOL[family], sent, kind))
    assert told.dst == INSIDE[family]
    assert box.one(inbound(family, "A", seq=301, ack=101)).dst == INSIDE[family]
    assert box.one(inbound(family, "A", seq=301, ack=101), after=2 * HOUR).dst == INSIDE[family]
