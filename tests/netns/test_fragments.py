# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams in fragments: what the kernel cut, and what nobody would send in earnest."""
import socket

import pytest
from scapy.layers.inet6 import IPv6ExtHdrFragment
from scapy.packet import Raw

from packets import difference, ip, parse, send, tcp, tos_of, udp
from space import PATIENCE, wait_until
from topology import CLIENT, FAR, HOST, PEER
from traffic import ping, udp_socket
from watching import watch

BIG = bytes(range(250)) * 16  # four fragments with room to spare: 1500 bytes each


def part(family, place, more, data, ident=9, proto=17, ends=(HOST, FAR), **fields):
    """One fragment with DATA at PLACE of datagram IDENT."""
    src, dst = (end[family] for end in ends)
    if family == 4:
        return bytes(ip(4, src, dst, flags="MF" if more else 0, frag=place // 8, id=ident,
                        proto=proto, **fields) / Raw(data))
    return bytes(ip(6, src, dst, **fields) / IPv6ExtHdrFragment(
        id=ident, m=int(more), offset=place // 8, nh=proto) / Raw(data))


def upper(family, body, ends=(HOST, FAR)):
    """The bytes of an upper layer, with the checksum for the addresses of part()."""
    src, dst = (end[family] for end in ends)
    return bytes(ip(family, src, dst) / body)[20 if family == 4 else 40:]


def is_fragment(data):
    """Whether these bytes are one part of an IP datagram."""
    return data[6] & 0x3F or data[7] if data[0] >> 4 == 4 else data[6] == 44


def send_big(space, family, port, source):
    """A datagram that the kernel has to cut."""
    with udp_socket(space, family) as sender:
        sender.bind((source, 4444))
        if family == 4:
            sender.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: let it fragment
        sender.sendto(BIG, (FAR[family], port))


@pytest.mark.parametrize("role", ["host", "client"])
def test_a_redirected_datagram_arrives_whole(routed, daemons, captures, family, role):
    """The rule names a port; every fragment goes where the first one goes, with its mark."""
    with udp_socket(routed.peer, family, bind=PEER[family]) as receiver:
        port = receiver.getsockname()[1]
        daemons(routed.host).start(
            "[divert]\ndirection = out, forward\n"
            f"[rule redirect]\ndport = 5000\nset-dst = {PEER[family]}\nset-dport = {port}\n"
            f"[rule mark]\ndport = {port}\nset-dscp = ef\n")
        seen = captures(routed.peer)
        send_big(getattr(routed, role), family, 5000, {"host": HOST, "client": CLIENT}[role][family])
        assert receiver.recv(10000) == BIG
    marks = {tos_of(parse(data)) for data in seen.wait(3, is_fragment)}
    assert marks == {0xB8}


def test_a_dropped_datagram_leaves_nothing(wire, daemons, captures, family):
    daemon = daemons(wire.host)
    daemon.start("[rule no]\nproto = udp\ndport = 5000\nverdict = drop\n")
    seen = captures(wire.peer)
    send_big(wire.host, family, 5000, HOST[family])
    assert ping(wire.host, FAR[family], 1) == (1, 1)
    statistics = daemon.statistics()
    assert statistics.rules["no"][0] == statistics.drops["rule"] >= 3
    assert seen.all(is_fragment) == []


def test_large_pings(wire, daemons, captures, family):
    """The ICMP type is that of the first fragment; an answer is made to whole requests alone."""
    daemon = daemons(wire.host)
    daemon.start("[rule mark]\nicmp-type = echo-request\nset-dscp = cs1\nreply = echo\n")
    seen = captures(wire.peer)
    assert ping(wire.host, FAR[family], 2, options="-s 4000 -i 0.2") == (2, 2)
    assert {tos_of(parse(data)) for data in seen.wait(6, is_fragment)} == {0x20}
    assert daemon.statistics().totals["generated"] == 0
    daemon.reload("[rule no]\nicmp-type = echo-request\nverdict = drop\n")
    assert ping(wire.host, FAR[family], 1, options="-s 4000", patience=1) == (1, 0)
    assert set(daemon.statistics().drops) == {"rule"}


SYN = tcp(4000, 22, "S")


def hostile(family):
    """(what, sequence of fragments): each would be a SYN to port 22 for some receiver."""
    ack, syn = upper(family, tcp(4000, 22, "A")), upper(family, SYN)
    web = upper(family, tcp(4000, 80, "S"))
    sequences = {
        "tiny": [part(family, 0, True, syn[:8], proto=6), part(family, 8, False, syn[8:], proto=6)],
        "flags-overwritten": [part(family, 0, True, ack[:16] + bytes(8), proto=6, ident=10),
                              part(family, 8, False, syn[8:], proto=6, ident=10)],
        "flags-first": [part(family, 8, False, syn[8:], proto=6, ident=11),
                        part(family, 0, True, ack[:16] + bytes(8), proto=6, ident=11)],
    }
    if family == 6:
        options = bytes([6, 0, 1, 4, 0, 0, 0, 0])
        sequences["headers-overwritten"] = [
            part(6, 0, True, options + web + bytes(4), proto=60, ident=12),
            part(6, 8, False, syn, proto=59, ident=12)]
        sequences["headers-first"] = [
            part(6, 8, False, syn, proto=59, ident=13),
            part(6, 0, True, options + web + bytes(4), proto=60, ident=13)]
    return sequences


def test_nothing_slips_past_a_port_rule(wire, daemons, captures, family):
    """No fragment of the header that the rule did not see whole arrives."""
    daemon = daemons(wire.host)
    daemon.start("[rule no]\nproto = tcp\ndport = 22\ntcp-flags = syn\nverdict = drop\n")
    for name, sequence in hostile(family).items():
        with captures(wire.peer) as seen:
            send(wire.host, *sequence, ip(family, HOST[family], FAR[family]) / udp(1, 2, b"end"))
            seen.wait(1, lambda data: b"end" in data)
            arrived = seen.all(is_fragment)
        syn = upper(family, SYN)[8:20]
        assert not any(syn in data for data in arrived), name
    drops = daemon.statistics().drops
    assert {"tiny-fragment", "overlapping-fragment"} <= set(drops), drops


@pytest.mark.parametrize("rules", ["[main]\n", "[rule r]\nttl = 3\nset-ttl = 4\n"], ids=["none", "ttl"])
def test_without_such_a_rule_all_pass_as_they_are(wire, daemons, captures, family, rules):
    """Nothing could be evaded: transparent, whatever it is."""
    packets = [data for sequence in hostile(family).values() for data in sequence]
    daemons(wire.host).start(rules)
    seen = captures(wire.peer)
    send(wire.host, *packets)
    assert difference(packets, seen.wait(len(packets))) == ""


def test_overtaken_fragments(wire, daemons, captures, family):
    """A later fragment before its first: a rule that might drop it makes it wait, and no other."""
    body = upper(family, udp(4000, 5000, b"o" * 100))
    late, early = part(family, 64, False, body[64:]), part(family, 0, True, body[:64])
    daemon = daemons(wire.host)
    daemon.start("[rule mark]\ndport = 53\nset-dscp = ef\n[rule no]\ndport = 7\nsrc = 203.0.113.9, "
                 "2001:db8:77::9\nverdict = drop\n")
    seen = captures(wire.peer)
    send(wire.host, late, early)
    assert difference([late, early], seen.wait(2)) == ""
    daemon.reload("[main]\nmalformed = pass\n[rule no]\ndport = 7\nverdict = drop\n")
    late, early = (part(family, place, more, data, ident=77) for place, more, data in
                   ((64, False, body[64:]), (0, True, body[:64])))
    send(wire.host, late, early)
    assert difference([early, late], seen.wait(4)[2:]) == ""
    assert daemon.statistics().drops == {}


def test_a_wait_ends_without_packets(wire, daemons, family):
    """A fragment whose first one never comes is given up in its time (5 s) though the wire is idle,
    and who watches sees it."""
    daemon = daemons(wire.host)
    daemon.start("[rule no]\ndport = 7\nverdict = drop\n")
    with watch(daemon, "-j", "monitor", "fragment=later") as monitor:
        send(wire.host, part(family, 64, False, bytes(64)))
        assert monitor.events(1)[0]["fate"] == "parked"
        wait_until(lambda: len(monitor.events()) > 1, "the end of the wait", 5 + PATIENCE)
        assert monitor.events()[1]["reason"] == "fragment-timeout"
    statistics = daemon.statistics()
    assert statistics.totals["parked"] == 0 and statistics.drops == {"fragment-timeout": 1}
    assert statistics.balance()[0] == statistics.balance()[1]


def test_overtaken_fragments_find_their_flow(routed, daemons, family):
    """With four queues what waited is handed over with its first one, wherever its flow is, and
    arrives as one datagram from the address outside."""
    pool = {4: "203.0.113.200", 6: "2001:db8:9::200"}[family]
    ends = (CLIENT, PEER)
    daemon = daemons(routed.host)
    daemon.start("[tun]\nqueues = 4\n[divert]\ndirection = forward\n[rule share]\n"
                 f"src = {CLIENT[family]}\nproto = udp\nsnat = {pool}\n")
    with udp_socket(routed.peer, family) as receiver:
        receiver.bind((PEER[family], 5000))
        for ident in range(1, 33):
            data = ident.to_bytes(2, "big") * 50
            body = upper(family, udp(4000 + ident % 4, 5000, data), ends)
            send(routed.client, part(family, 64, False, body[64:], ident, ends=ends),
                 part(family, 0, True, body[:64], ident, ends=ends))
            came, sender = receiver.recvfrom(1000)
            assert came == data and sender[0] == pool
    statistics = daemon.statistics()
    assert statistics.drops == {} and statistics.totals["parked"] == 0
    assert statistics.totals["in"] == statistics.totals["out"] == 64
    assert statistics.totals["handed-over"] > 0


def test_fragments_share_a_queue(wire, daemons, family):
    """With several queues all fragments of a datagram meet the same memory of its first one."""
    daemon = daemons(wire.host)
    daemon.start("[tun]\nqueues = 4\n[rule mark]\nproto = udp\ndport = 1-65535\nset-dscp = ef\n"
                 "[rule no]\nproto = udp\ndport = 65535\nverdict = drop\n")
    with udp_socket(wire.host, family, bind=HOST[family]) as sender:
        if family == 4:
            sender.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: let it fragment
        for port in range(5000, 5100):
            sender.sendto(BIG, (FAR[family], port))
    wait_until(lambda: daemon.statistics().totals["in"] >= 300, "all fragments")
    statistics = daemon.statistics()
    assert statistics.drops == {}
    assert statistics.rules["mark"][0] == statistics.totals["in"]
