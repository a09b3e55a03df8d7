# SPDX-License-Identifier: GPL-2.0-or-later
"""NPTv6: prefixes are moved without memory, in both directions, whatever came before."""
import pytest
from scapy.layers.inet import TCP
from scapy.layers.inet6 import IPv6

from nat import Nat, echo, error, identifier, tcp, udp

# RFC 6296 3.1: FD01:0203:0405:0001::1234 is 2001:0DB8:0001:D550::1234 outside.
INSIDE, OUTSIDE = "fd01:203:405:1::1234", "2001:db8:1:d550::1234"
FAR, ROUTER = "2001:db8:2::1", "2001:db8:2::fe"
RULES = """[divert]
direction = forward
[rule outward]
src = fd01:203:405::/48
netmap = src 2001:db8:1::/48
[rule inward]
dst = 2001:db8:1::/48
netmap = dst fd01:203:405::/48
"""


@pytest.fixture(name="nat")
def nat_fixture(tmp_path):
    """A translator that has seen nothing."""
    return Nat(tmp_path, RULES)


def test_first_packets_from_either_side(nat):
    """RFC 6296 2.1: who sends first does not matter, and answers find back."""
    assert nat.one(udp(6, INSIDE, 1, FAR, 2))[IPv6].src == OUTSIDE
    assert nat.one(udp(6, FAR, 2, OUTSIDE, 1))[IPv6].dst == INSIDE
    assert nat.one(tcp(6, FAR, 9, OUTSIDE, 80))[IPv6].dst == INSIDE
    back = nat.one(tcp(6, INSIDE, 80, FAR, 9, "SA"))
    assert back[IPv6].src == OUTSIDE and back[TCP].sport == 80
    assert nat.one(echo(6, FAR, OUTSIDE, 7))[IPv6].dst == INSIDE
    assert nat.one(echo(6, INSIDE, FAR, 7, reply=True))[IPv6].src == OUTSIDE


def test_what_begins_no_flow(nat):
    """Answers to what took another way, as with two translators for one prefix (RFC 6296 2.4)."""
    for flags in ("SA", "R", "RA"):
        assert nat.one(tcp(6, INSIDE, 80, FAR, 9, flags))[IPv6].src == OUTSIDE
        assert nat.one(tcp(6, FAR, 9, OUTSIDE, 80, flags))[IPv6].dst == INSIDE
    back = nat.one(echo(6, FAR, OUTSIDE, 7, reply=True))
    assert back[IPv6].dst == INSIDE and identifier(back) == 7


def test_errors_about_what_was_never_seen(nat):
    """Inward and outward: the packet and the one that it quotes are moved."""
    sent = bytes(udp(6, OUTSIDE, 1, FAR, 2))
    got = nat.one(error(6, ROUTER, OUTSIDE, sent))
    assert got[IPv6].dst == INSIDE
    assert bytes(udp(6, INSIDE, 1, FAR, 2)) in bytes(got)
    got = nat.one(error(6, INSIDE, FAR, bytes(udp(6, FAR, 2, INSIDE, 1))))
    assert got[IPv6].src == OUTSIDE
    assert bytes(udp(6, FAR, 2, OUTSIDE, 1)) in bytes(got)
    assert not nat.send(error(6, ROUTER, OUTSIDE, sent, length=20))


def test_other_translations_have_a_memory(tmp_path):
    """What begins no flow is not sent on with a wrong address."""
    nat = Nat(tmp_path, RULES.replace("netmap = src 2001:db8:1::/48", "snat = 2001:db8:1::1"))
    assert not nat.send(tcp(6, INSIDE, 80, FAR, 9, "SA"))
