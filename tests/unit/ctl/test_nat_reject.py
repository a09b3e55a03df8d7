# SPDX-License-Identifier: GPL-2.0-or-later
"""Rejections of translated packets: who is told sees what it sent, and no address of the inside."""
import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import IPv6

from nat import FAR, FAR_B, INSIDE, NEIGHBOUR, POOL, Nat, rules, tcp, udp

TARGET = {4: "192.0.2.77", 6: "2001:db8:1::77"}  # where dnat leads to


def quote_of(answer):
    """The bytes that an ICMP error quotes."""
    header = 20 if IP in answer else 40
    return bytes(answer)[header + 8:]


def assert_told(answer, sent):
    """The sender gets an error from where it sent to, about exactly what it sent."""
    assert (answer.src, answer.dst) == (sent.dst, sent.src)
    assert ICMP in answer or answer[IPv6].nh == 58
    whole = bytes(type(sent)(bytes(sent)))
    assert quote_of(answer) == whole[:len(quote_of(answer))]


def assert_reset(answer, sent):
    """The sender gets a reset of the connection that it knows."""
    assert (answer.src, answer.dst) == (sent.dst, sent.src)
    assert (answer[TCP].sport, answer[TCP].dport) == (sent[TCP].dport, sent[TCP].sport)
    assert "R" in answer[TCP].flags


def refusing(family, match, how="", translate=None):
    """Rules that reject what MATCH says, and translate."""
    before = f"[rule no]\n{match}\nverdict = reject\n"
    if translate is None:
        return rules(family, how, before=before)
    return f"[divert]\ndirection = forward\n{before}[rule lead]\n{translate}\n"


@pytest.fixture(params=[(udp, assert_told), (tcp, assert_reset)], ids=["error", "reset"])
def kind(request):
    """What is sent, and what has to come back."""
    return request.param


def test_original_packets_of_snat(tmp_path, family, kind):
    """From inside, to outside and back to inside, refused: the inside sees its own packet."""
    packet, check = kind
    box = Nat(tmp_path, refusing(family, "dport = 53\nflow-packets = 2-"))
    box.one(packet(family, NEIGHBOUR[family], 53, FAR[family], 99))
    for to in (FAR[family], POOL[family]):
        sent = packet(family, INSIDE[family], 4000, to, 53)
        box.one(sent)
        check(box.one(sent), sent)


def test_reply_packets_of_snat(tmp_path, family, kind):
    """An answer from outside, refused: the outside sees the external address and port."""
    packet, check = kind
    box = Nat(tmp_path, refusing(family, "sport = 53", ":7000-7000"))
    box.one(packet(family, INSIDE[family], 4000, FAR[family], 53))
    sent = packet(family, FAR[family], 53, POOL[family], 7000)
    check(box.one(sent), sent)


def test_packets_to_a_mapping(tmp_path, family):
    """A stranger's packet to a mapping, refused: likewise."""
    box = Nat(tmp_path, refusing(family, "sport = 9", ":7000-7000"))
    box.one(udp(family, INSIDE[family], 4000, FAR[family], 53))
    sent = udp(family, FAR_B[family], 9, POOL[family], 7000)
    assert_told(box.one(sent), sent)


def dnat(family, port):
    """The value of an action."""
    return f"[{TARGET[family]}]:{port}" if family == 6 else f"{TARGET[family]}:{port}"


def test_packets_of_dnat(tmp_path, family, kind):
    """Those that are led elsewhere, and their answers: each side sees whom it spoke to."""
    packet, check = kind
    translate = f"dst = {NEIGHBOUR[family]}\ndnat = {dnat(family, 8080)}"
    box = Nat(tmp_path, refusing(family, "flow-packets = 2", translate=translate))
    there = packet(family, FAR[family], 4000, NEIGHBOUR[family], 80)
    led = box.one(there)
    assert led.dst == TARGET[family]
    back = packet(family, TARGET[family], 8080, FAR[family], 4000)
    check(box.one(back), back)
    box = Nat(tmp_path, refusing(family, "flow-packets = 2", translate=translate))
    box.one(there)
    check(box.one(there), there)
