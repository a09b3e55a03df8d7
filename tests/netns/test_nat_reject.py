# SPDX-License-Identifier: GPL-2.0-or-later
"""Rejections of translated traffic of the host, told to real sockets: each end hears of what it
sent itself, from where it sent it to."""
import socket

import pytest

from packets import parse
from topology import HOST, PEER
from traffic import tcp_socket, udp_socket

PORT = 7000  # as rules see it
SERVICE = 8000  # of the host, behind it
POOL = {4: "203.0.113.200", 6: "2001:db8:9::200"}
POOL_NET = {4: "203.0.113.192/26", 6: "2001:db8:9::/64"}
OUTSIDE = range(55666, 55681)
# What translates the source of the host, and where the peer sees it.
WAYS = {"snat": (lambda family: f"snat = [{POOL[6]}]:55666-55680" if family == 6 else
                 f"snat = {POOL[4]}:55666-55680", POOL),
        "masquerade": (lambda family: "masquerade = :55666-55680", HOST)}


def start(net, daemons, translate):
    """A host that may neither say "bad" nor be told it."""
    daemons(net.host).start("[divert]\ndirection = out, forward, in\n"
                            f"[rule bad]\nport = {PORT}\npayload = \"bad\" @ 0\nverdict = reject\n"
                            f"[rule lead]\ndport = {PORT}\n{translate}\n")


def udp_talk(asker, server, family, service):
    """Connected sockets that have heard each other: who asks (ASKER: a space, and where to), who
    answers (SERVER, at SERVICE), and how that one sees the other."""
    near, far = udp_socket(asker[0], family), udp_socket(server, family)
    far.bind(service)
    near.connect(asker[1])
    near.send(b"good")
    data, sender = far.recvfrom(64)
    assert data == b"good"
    far.connect(sender)
    far.send(b"good")
    assert near.recv(64) == b"good"
    return near, far, sender[:2]


def tcp_talk(asker, server, family, service):
    """The same of a TCP connection."""
    near = tcp_socket(asker[0], family)
    with tcp_socket(server, family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(service)
        listener.listen()
        near.connect(asker[1])
        far, sender = listener.accept()
    far.settimeout(near.gettimeout())
    for one, other in ((near, far), (far, near)):
        one.sendall(b"good")
        assert other.recv(64) == b"good"
    return near, far, sender[:2]


TALKS = {udp_talk: ConnectionRefusedError, tcp_talk: ConnectionResetError}


def assert_refused(speaker, listener, how):
    """SPEAKER hears so at its own socket, and LISTENER nothing."""
    speaker.send(b"bad")
    with pytest.raises(how):
        speaker.recv(64)
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(64)


@pytest.mark.parametrize("talk", TALKS, ids=["udp", "tcp"])
def test_the_host_is_refused(routed, daemons, family, talk):
    """A service of the host is reached at another port: it is told with its own."""
    start(routed, daemons, f"direction = in\nredirect = :{SERVICE}")
    near, far, _ = talk((routed.peer, (HOST[family], PORT)), routed.host, family,
                        (HOST[family], SERVICE))
    with near, far:
        assert_refused(far, near, TALKS[talk])


@pytest.mark.parametrize("talk", TALKS, ids=["udp", "tcp"])
@pytest.mark.parametrize("way", WAYS)
def test_who_answers_is_refused(routed, daemons, captures, family, way, talk):
    """The peer is told from the address that it knows; no other is on the wire."""
    how, seen_as = WAYS[way]
    routed.peer.ip_batch([f"route add {POOL_NET[family]} via {HOST[family]}"])
    start(routed, daemons, f"direction = out\n{how(family)}")
    near, far, sender = talk((routed.host, (PEER[family], PORT)), routed.peer, family,
                             (PEER[family], PORT))
    assert sender[0] == seen_as[family] and sender[1] in OUTSIDE
    seen = captures(routed.peer)
    with near, far:
        assert_refused(far, near, TALKS[talk])
    told = [parse(data) for data in seen.all() if parse(data).dst == PEER[family]]
    assert told and {packet.src for packet in told} == {seen_as[family]}
