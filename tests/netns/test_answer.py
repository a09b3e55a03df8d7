# SPDX-License-Identifier: GPL-2.0-or-later
"""Forged replies, drops and rejections, as real clients take them."""
import errno
import socket
import time

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6DestUnreach
from scapy.packet import Raw

from packets import (assert_checksums, describe, echo_request, has_payload, inject, ip, parse,
                     send, tcp, udp)
from test_edit import fragments_of
from space import wait_until
from topology import FAR, HOST, NOBODY
from traffic import UNHURRIED, ping, tcp_socket, udp_socket

IP_RECVERR = socket.IPPROTO_IP, 11
IPV6_RECVERR = socket.IPPROTO_IPV6, 25
AT_ONCE = 0.5  # seconds; a lost SYN is sent again after one
FORWARD = "[divert]\ndirection = out, forward\n"
REJECT = FORWARD + "[rule no]\n{match}\nverdict = reject {kind}\n"


@pytest.fixture(name="asker", params=["host", "client"])
def fixture_asker(request, routed):
    """The namespace that asks: the host itself, or a client behind it."""
    return getattr(routed, request.param)


def test_forged_echo(routed, asker, daemons, captures, family):
    """ping believes it: identifier, sequence, payload, checksum; nothing reaches the wire."""
    daemons(routed.host).start(f"{FORWARD}[rule fake]\nproto = icmp\nicmp-type = echo-request\n"
                               f"dst = {NOBODY[family]}\nreply = echo\n")
    seen = captures(routed.peer)
    assert ping(asker, NOBODY[family], 3) == (3, 3)
    assert ping(asker, NOBODY[family], 1, "-s 0") == (1, 1)
    assert ping(asker, NOBODY[family], 1, "-s 1401 -p 5a") == (1, 1)
    assert ping(asker, FAR[family], 1) == (1, 1)
    assert [describe(data) for data in seen.all() if parse(data).dst == NOBODY[family]] == []


def test_forged_echo_is_counted(wire, daemons, family):
    daemon = daemons(wire.host)
    daemon.start("[rule fake]\nicmp-type = echo-request\nreply = echo\n")
    assert ping(wire.host, NOBODY[family], 5, UNHURRIED) == (5, 5)
    statistics = daemon.statistics()
    assert statistics.drops == {"answered": 5}
    assert statistics.totals["generated"] == 5
    assert statistics.rules["fake"][0] == 5


def test_only_echo_requests_are_answered(wire, daemons, captures, family):
    """`reply = echo` does nothing to what it cannot answer: it goes on its way."""
    daemons(wire.host).start("[rule fake]\nproto = icmp, udp\nreply = echo\n")
    seen = captures(wire.peer)
    fragment = fragments_of(family, bytes(echo_request(family, payload=b"f" * 100)),
                            proto=1 if family == 4 else 58)[0]
    send(wire.host, ip(family, HOST[family], FAR[family]) / udp(1, 2, b"udp"), fragment)
    seen.wait(2)


def test_drop(wire, daemons, captures, family):
    daemon = daemons(wire.host)
    daemon.start("[rule no]\ndport = 7\nverdict = drop\n")
    seen = captures(wire.peer)
    send(wire.host, *[ip(family, HOST[family], FAR[family]) / udp(1, port, b"%d" % port)
                      for port in (6, 7, 8)])
    seen.wait(1, has_payload("8"))
    assert [parse(data).dport for data in seen.all()] == [6, 8]
    assert daemon.statistics().drops == {"rule": 1}


def test_policy_drop(wire, daemons, captures, family):
    daemon = daemons(wire.host)
    daemon.start("[main]\npolicy = drop\n[rule yes]\ndport = 7\nverdict = accept\n")
    seen = captures(wire.peer)
    send(wire.host, *[ip(family, HOST[family], FAR[family]) / udp(1, port, b"%d" % port)
                      for port in (6, 7)])
    assert parse(seen.wait(1)[0]).dport == 7
    assert len(seen.all()) == 1
    assert daemon.statistics().drops == {"policy": 1}


def connect_error(asker, family, port=81):
    """errno and seconds of a connection attempt."""
    begin = time.monotonic()
    with tcp_socket(asker, family) as made, pytest.raises(OSError) as caught:
        made.connect((FAR[family], port))
    return caught.value.errno, time.monotonic() - begin


def send_error(asker, family):
    """errno that a connected UDP socket gets for what it sent, and seconds."""
    with udp_socket(asker, family) as made:
        # Without it a socket is not told of what may pass (host or net unreachable).
        made.setsockopt(*(IP_RECVERR if family == 4 else IPV6_RECVERR), 1)
        made.connect((FAR[family], 81))
        made.send(b"anyone?")
        begin = time.monotonic()
        with pytest.raises(OSError) as caught:
            made.recv(100)
    return caught.value.errno, time.monotonic() - begin


# kind: errno by family, of TCP and of UDP.
KINDS = {
    "": {4: errno.ECONNREFUSED, 6: errno.ECONNREFUSED},
    "port-unreachable": {4: errno.ECONNREFUSED, 6: errno.ECONNREFUSED},
    "admin-prohibited": {4: errno.EHOSTUNREACH, 6: errno.EACCES},
    "host-unreachable": {4: errno.EHOSTUNREACH, 6: errno.EHOSTUNREACH},
    "net-unreachable": {4: errno.ENETUNREACH, 6: errno.ENETUNREACH},
}


@pytest.mark.parametrize("kind", KINDS)
def test_rejected_tcp(routed, asker, daemons, captures, family, kind):
    daemons(routed.host).start(REJECT.format(match="dport = 81", kind=kind))
    seen = captures(routed.peer)
    error, took = connect_error(asker, family)
    assert errno.errorcode[error] == errno.errorcode[KINDS[kind][family]]
    assert took < AT_ONCE
    assert [describe(data) for data in seen.all()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_rejected_udp(routed, asker, daemons, captures, family, kind):
    daemons(routed.host).start(REJECT.format(match="dport = 81", kind=kind))
    seen = captures(routed.peer)
    error, took = send_error(asker, family)
    assert errno.errorcode[error] == errno.errorcode[KINDS[kind][family]]
    assert took < AT_ONCE
    assert [describe(data) for data in seen.all()] == []


def test_tcp_reset_in_mid_connection(routed, asker, daemons, family):
    """A connection that a new rule rejects ends with ECONNRESET: the reset is in the window."""
    daemon = daemons(routed.host)
    daemon.start(FORWARD)
    listener = tcp_socket(routed.peer, family)
    with listener, tcp_socket(asker, family) as client:
        listener.bind((FAR[family], 6000))
        listener.listen()
        client.connect((FAR[family], 6000))
        server, _ = listener.accept()
        with server:
            client.sendall(b"hello")
            assert server.recv(5) == b"hello"
            daemon.reload(REJECT.format(match="dport = 6000", kind=""))
            client.sendall(b"no more")
            with pytest.raises(ConnectionResetError):
                client.recv(1)


def test_answers_are_well_formed(wire, daemons, captures, family):
    """Source is who was asked; checksums right; ICMP errors quote the packet."""
    daemons(wire.host).start("[rule tcp]\nproto = tcp\nverdict = reject\n"
                             "[rule rest]\nverdict = reject\n")
    made = captures(wire.host, "tun0")
    send(wire.host, ip(family, HOST[family], FAR[family]) / tcp(40, 81, "S", seq=99),
         ip(family, HOST[family], FAR[family]) / tcp(40, 81, "PA", b"12345", seq=99, ack=77),
         ip(family, HOST[family], FAR[family]) / udp(40, 81, b"quote me"))
    answers = made.wait(3)
    assert_checksums(answers)
    syn, data, error = (parse(answer) for answer in answers)
    assert {packet.src for packet in (syn, data, error)} == {FAR[family]}
    assert (syn["TCP"].flags, syn["TCP"].ack, syn["TCP"].seq) == ("RA", 100, 0)
    assert (data["TCP"].flags, data["TCP"].seq) == ("R", 77)
    assert b"quote me" in bytes(error)


def silent_ones(family):
    """Packets that must not be answered, by name (RFC 1122 3.2.2, RFC 4443 2.4 e)."""
    error = ICMP(type=3, code=1) if family == 4 else ICMPv6DestUnreach(code=3)
    quoted = bytes(ip(family, FAR[family], HOST[family]) / udp(1, 2, b"q" * 8))
    host, far = HOST[family], FAR[family]
    found = {
        "ICMP error": ip(family, host, far) / error / Raw(quoted),
        "later fragment": fragments_of(family, bytes(udp(1, 2, b"z" * 100)))[1],
        "TCP reset": ip(family, host, far) / tcp(1, 2, "R"),
        "multicast destination": ip(family, host, {4: "224.0.0.9", 6: "ff0e::9"}[family]) /
        udp(1, 2, b"m"),
        "unspecified source": ip(family, {4: "0.0.0.0", 6: "::"}[family], far) / udp(1, 2, b"u"),
        "multicast source": ip(family, {4: "224.0.0.9", 6: "ff0e::9"}[family], far) /
        udp(1, 2, b"s"),
    }
    if family == 4:
        found["limited broadcast"] = ip(4, host, "255.255.255.255") / udp(1, 2, b"b")
        found["directed broadcast"] = ip(4, host, "192.0.2.255") / udp(1, 2, b"b")
        found["broadcast source"] = ip(4, "255.255.255.255", far) / udp(1, 2, b"b")
        found["loopback source"] = ip(4, "127.0.0.1", far) / udp(1, 2, b"l")
    return found


def test_what_may_not_be_answered_is_not(wire, daemons, captures, family):
    """Handed to tun0 directly, so that routing does not decide what the daemon sees."""
    daemon = daemons(wire.host)
    daemon.start("[rule no]\nverdict = reject\n")
    made = captures(wire.host, "tun0")
    silent = silent_ones(family)
    inject(wire.host, "tun0", silent.values())
    inject(wire.host, "tun0", [ip(family, HOST[family], FAR[family]) / udp(1, 2, b"answer me")])
    made.wait(1)
    assert [describe(data) for data in made.all()[:-1]] == []
    assert b"answer me" in made.all()[-1], "not the last packet was answered"
    drops = daemon.statistics().drops
    assert drops == {"reject-silent": len(silent), "rejected": 1}, list(silent)


def test_rejections_are_limited(wire, daemons, captures, family):
    """1,000 a second with a burst of 100, over all packets; the rest is counted."""
    daemon = daemons(wire.host)
    daemon.start("[rule no]\nverdict = reject\n")
    made = captures(wire.host, "tun0")
    packets = [bytes(ip(family, HOST[family], FAR[family]) / udp(1, 2, b"flood"))] * 400
    begin = time.monotonic()
    for _ in range(3):
        send(wire.host, *packets)
        time.sleep(0.02)

    def over():
        statistics = daemon.statistics()
        lost = statistics.totals["tx-dropped"]
        return statistics if sum(statistics.drops.values()) + lost == 1200 else None

    statistics = wait_until(over, daemon.log)
    took = time.monotonic() - begin
    drops, generated = statistics.drops, statistics.totals["generated"]
    assert len(made.all()) == generated == drops["rejected"]
    assert 100 <= generated <= 100 + 1000 * took
    assert set(drops) == {"rejected", "reject-limited"}, drops


def test_reject_does_not_leak_to_others(wire, daemons, family):
    """What no rule rejects is answered by the peer itself."""
    daemons(wire.host).start("[rule no]\ndport = 81\nverdict = reject admin-prohibited\n")
    error, _ = connect_error(wire.host, family, port=82)
    assert error == errno.ECONNREFUSED
    assert ping(wire.host, FAR[family]) == (1, 1)
