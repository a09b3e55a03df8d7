# SPDX-License-Identifier: GPL-2.0-or-later
"""Rejections of translated traffic of the host, told to real sockets: each end hears of what it
sent itself, from where it sent it to."""
import socket

import pytest

from packets import parse
from topology import HOST, PEER
from traffic import tcp_socket, udp_socket

PORT = 7000
POOL = {4: "203.0.113.200", 6: "2001:db8:9::200"}
POOL_NET = {4: "203.0.113.192/26", 6: "2001:db8:9::/64"}
OUTSIDE = range(55666, 55681)
# What translates, and where the peer sees the host.
WAYS = {"snat": (lambda family: f"snat = [{POOL[6]}]:55666-55680" if family == 6 else
                 f"snat = {POOL[4]}:55666-55680", POOL),
        "masquerade": (lambda family: "masquerade = :55666-55680", HOST)}


@pytest.fixture(name="seen_as", params=WAYS)
def seen_as_fixture(request, routed, daemons, family):
    """A host that may not say "bad" nor be told it; its address as the peer sees it."""
    how, address = WAYS[request.param]
    routed.peer.ip_batch([f"route add {POOL_NET[family]} via {HOST[family]}"])
    daemons(routed.host).start(
        "[divert]\ndirection = out, forward, in\n"
        f"[rule said]\ndport = {PORT}\npayload = \"bad\" @ 0\nverdict = reject\n"
        f"[rule told]\nsport = {PORT}\npayload = \"bad\" @ 0\nverdict = reject\n"
        f"[rule share]\ndirection = out\ndport = {PORT}\n{how(family)}\n")
    return address[family]


def udp_talk(net, family, seen_as):
    """Connected sockets of both ends that have heard each other."""
    far, near = udp_socket(net.peer, family), udp_socket(net.host, family)
    far.bind((PEER[family], PORT))
    near.connect((PEER[family], PORT))
    near.send(b"good")
    data, sender = far.recvfrom(64)
    assert data == b"good" and sender[0] == seen_as and sender[1] in OUTSIDE
    far.connect(sender)
    far.send(b"good")
    assert near.recv(64) == b"good"
    return near, far


def tcp_talk(net, family, seen_as):
    """The same of a TCP connection."""
    near = tcp_socket(net.host, family)
    with tcp_socket(net.peer, family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((PEER[family], PORT))
        listener.listen()
        near.connect((PEER[family], PORT))
        far, sender = listener.accept()
    far.settimeout(near.gettimeout())
    assert sender[0] == seen_as and sender[1] in OUTSIDE
    for one, other in ((near, far), (far, near)):
        one.sendall(b"good")
        assert other.recv(64) == b"good"
    return near, far


TALKS = {udp_talk: ConnectionRefusedError, tcp_talk: ConnectionResetError}


@pytest.mark.parametrize("talk", TALKS, ids=["udp", "tcp"])
def test_the_host_is_refused(routed, seen_as, family, talk):
    """The program hears at its own socket, and the peer nothing."""
    near, far = talk(routed, family, seen_as)
    with near, far:
        near.send(b"bad")
        with pytest.raises(TALKS[talk]):
            near.recv(64)
        far.setblocking(False)
        with pytest.raises(BlockingIOError):
            far.recv(64)


@pytest.mark.parametrize("talk", TALKS, ids=["udp", "tcp"])
def test_who_answers_is_refused(routed, seen_as, captures, family, talk):
    """The peer hears at its socket, from the address that it knows; no other is on the wire."""
    near, far = talk(routed, family, seen_as)
    seen = captures(routed.peer)
    with near, far:
        far.send(b"bad")
        with pytest.raises(TALKS[talk]):
            far.recv(64)
        near.setblocking(False)
        with pytest.raises(BlockingIOError):
            near.recv(64)
    told = [parse(data) for data in seen.all() if parse(data).dst == PEER[family]]
    assert told and {packet.src for packet in told} == {seen_as}
