# SPDX-License-Identifier: GPL-2.0-or-later
"""SCTP associations (RFC 9260) of clients that share the host's address and a range of ports: the
checksum covers the ports, so that each packet gets another CRC32c, and its receiver judges it.

They are those of the kernel where it has SCTP, otherwise such as are made here packet by packet.
"""
import socket
import struct

from scapy.layers.sctp import (SCTP, SCTPChunkCookieAck, SCTPChunkCookieEcho, SCTPChunkData,
                               SCTPChunkInit, SCTPChunkInitAck, SCTPChunkParamStateCookie,
                               SCTPChunkSACK, SCTPChunkShutdown, SCTPChunkShutdownAck,
                               SCTPChunkShutdownComplete, crc32c)

from control import ctl_lines
from space import PATIENCE
from topology import CLIENT, HOST, PEER

PORT = 7020
TEXT = bytes(range(250)) * 4
OUTSIDE = range(55666, 55681)
RULES = "[divert]\ndirection = forward, in\n[rule share]\nproto = sctp\nmasquerade = :55666-55680\n"


def make_socket(space, family, kind, address):
    """One of SPACE for SCTP, bound to (address, port)."""
    with space:
        made = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind,
                             socket.IPPROTO_SCTP)
    made.settimeout(PATIENCE)
    made.bind(address)
    return made


def kernel_has_sctp():
    """Whether it makes associations itself, and then no others."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        return False
    return True


class End:
    """One end of an association; TAG is what it wants packets to carry, THEIRS what it sends."""

    def __init__(self, space, family, address, port, tag):
        self.raw = make_socket(space, family, socket.SOCK_RAW, (address, 0))
        self.header = 20 if family == 4 else 0  # of IP, with what comes from a raw socket
        self.port, self.tag, self.theirs, self.other, self.sent = port, tag, 0, None, 100 * tag

    def send(self, *chunks):
        """One packet to the other end."""
        packet = SCTP(sport=self.port, dport=self.other[1], tag=self.theirs)
        for chunk in chunks:
            packet /= chunk
        self.raw.sendto(bytes(packet), (self.other[0], 0))

    def hear(self, *chunks, tag=None):
        """The next packet, which has such chunks; that it is whole and for us."""
        data, sender = self.raw.recvfrom(65536)
        data = data[self.header:]
        assert crc32c(data[:8] + bytes(4) + data[12:]) == struct.unpack_from(">I", data, 8)[0]
        packet = SCTP(data)
        assert (packet.dport, packet.tag) == (self.port, self.tag if tag is None else tag)
        assert all(chunk in packet for chunk in chunks), packet.summary()
        self.other = (sender[0], packet.sport)
        return packet

    def say(self, text):
        """A chunk of data, whole."""
        self.sent += 1
        self.send(SCTPChunkData(tsn=self.sent, beginning=1, ending=1, data=text))

    def listen(self):
        """The text that the other end says, acknowledged."""
        data = self.hear(SCTPChunkData)[SCTPChunkData]
        self.send(SCTPChunkSACK(cumul_tsn_ack=data.tsn, a_rwnd=65536))
        return data.data

    def hears_acknowledgement(self):
        """Of what was said last."""
        assert self.hear(SCTPChunkSACK).cumul_tsn_ack == self.sent


def set_up(near, far):
    """Four ways, with a cookie (RFC 9260 5.1)."""
    hello = {"a_rwnd": 65536, "n_out_streams": 1, "n_in_streams": 1}
    near.send(SCTPChunkInit(init_tag=near.tag, init_tsn=near.sent + 1, **hello))
    far.theirs = far.hear(SCTPChunkInit, tag=0).init_tag
    far.send(SCTPChunkInitAck(init_tag=far.tag, init_tsn=far.sent + 1, **hello,
                              params=[SCTPChunkParamStateCookie(cookie=b"state")]))
    answer = near.hear(SCTPChunkInitAck)
    near.theirs = answer.init_tag
    near.send(SCTPChunkCookieEcho(cookie=answer[SCTPChunkParamStateCookie].cookie))
    assert far.hear(SCTPChunkCookieEcho).cookie == b"state"
    far.send(SCTPChunkCookieAck())
    near.hear(SCTPChunkCookieAck)


def shut_down(near, far):
    """Three ways (RFC 9260 9.2)."""
    near.send(SCTPChunkShutdown(cumul_tsn_ack=far.sent))
    far.hear(SCTPChunkShutdown)
    far.send(SCTPChunkShutdownAck())
    near.hear(SCTPChunkShutdownAck)
    near.send(SCTPChunkShutdownComplete())
    far.hear(SCTPChunkShutdownComplete)


def associate_by_hand(net, family):
    """An association that is made, used both ways and ended; how the peer sees the client."""
    near = End(net.client, family, CLIENT[family], 4020, 7)
    far = End(net.peer, family, PEER[family], PORT, 9)
    near.other = (PEER[family], PORT)
    with near.raw, far.raw:
        set_up(near, far)
        for one, other in ((near, far), (far, near)):
            for size in (1, 2, 3, 1000):  # padded, or not
                one.say(TEXT[:size])
                assert other.listen() == TEXT[:size]
                one.hears_acknowledgement()
        assert near.other == (PEER[family], PORT)
        shut_down(near, far)
    return far.other


def associate(net, family):
    """The same with the kernel's."""
    near = make_socket(net.client, family, socket.SOCK_STREAM, (CLIENT[family], 4020))
    with near, make_socket(net.peer, family, socket.SOCK_STREAM, (PEER[family], PORT)) as listener:
        listener.listen()
        near.connect((PEER[family], PORT))
        far, sender = listener.accept()
        far.settimeout(PATIENCE)
        with far:
            for one, other in ((near, far), (far, near)):
                for size in (1, 2, 3, 1000):
                    one.sendall(TEXT[:size])
                    assert other.recv(2000) == TEXT[:size]
    return sender[:2]


def test_clients_share_an_address(routed, daemons, family):
    """The peer knows no way to the client itself."""
    daemon = daemons(routed.host)
    daemon.start(RULES)
    routed.peer.ip(f"route del {'203.0.113.0/26' if family == 4 else '2001:db8:3::/64'}")
    sender = (associate if kernel_has_sctp() else associate_by_hand)(routed, family)
    assert sender[0] == HOST[family] and sender[1] in OUTSIDE
    flow, = ctl_lines(daemon, "flows", "proto=sctp")
    assert flow["translated"] and flow["answered"] and flow["timeout_seconds"] > 7000
    assert (flow["original"]["sport"], flow["reply"]["dport"]) == (4020, sender[1])
