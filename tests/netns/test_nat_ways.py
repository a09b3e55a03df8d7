# SPDX-License-Identifier: GPL-2.0-or-later
"""Masquerade follows the host: two uplinks, a route that changes, an address that goes away."""
import select
import time

import pytest

from control import ctl_lines
from packets import parse
from space import PATIENCE, SLOW, wait_until, wire
from topology import (CLIENT, FAR, FAR_B, GATE, HOST, HOST_B, PEER, PEER_B, Network,
                      uplinks_topology)
from traffic import tcp_socket, udp_socket

NEW = {4: "192.0.2.7", 6: "2001:db8:1::7"}
# uplinks_topology() has its second uplink in the network that clients have elsewhere.
INSIDE = {4: "198.51.100.130", 6: CLIENT[6]}
DOOR = {4: "198.51.100.129", 6: GATE[6]}
FOLLOWS = PATIENCE
RULES = "[divert]\ndirection = forward, in\n[rule share]\ndirection = forward\nmasquerade = yes\n"


@pytest.fixture(name="net")
def net_fixture():
    """client — host — two uplinks, of which both lead to FAR; nobody outside knows the client."""
    net = Network()
    uplinks_topology(net)
    net.add("client")
    wire(net.client, "eth0", net.host, "lan")
    net.host.sysctl("net.ipv4.ip_forward", 1)
    net.host.sysctl("net.ipv6.conf.all.forwarding", 1)
    net.commands("host", f"addr add {DOOR[4]}/26 dev lan\naddr add {DOOR[6]}/64 dev lan")
    net.commands("client", f"""
        addr add {INSIDE[4]}/26 dev eth0
        addr add {INSIDE[6]}/64 dev eth0
        route add default via {DOOR[4]}
        route add default via {DOOR[6]}
        """)
    net.commands("peerb", f"addr add {FAR[4]}/32 dev lo\naddr add {FAR[6]}/128 dev lo")
    yield net
    net.delete()


class Asker:
    """One socket of the client that asks FAR, and both servers that may be it.

    Questions have numbers, so that what comes late is taken for no other one.
    """

    def __init__(self, net, family, to=FAR):
        self.family, self.to = family, to[family]
        self.near = udp_socket(net.client, family)
        self.near.bind(("", 41000))
        self.number = 0
        self.far = {}
        for name in ("peer", "peerb"):
            made = udp_socket(getattr(net, name), family)
            made.setblocking(False)
            try:
                made.bind((self.to, 7000))
            except OSError:
                made.close()  # it does not have that address
                continue
            self.far[name] = made

    def _heard(self, question, end):
        """(who hears the question, its server's socket, from where); None until the time END."""
        while time.monotonic() < end:
            heard, _, _ = select.select(self.far.values(), [], [], max(0, end - time.monotonic()))
            for name, far in self.far.items():
                if far in heard:
                    data, sender = far.recvfrom(9)
                    if data == question:
                        return name, far, sender
        return None

    def ask(self, patience=PATIENCE):
        """(who was asked, which source it saw), once the answer is back; None without one."""
        self.number += 1
        question, end = str(self.number).encode(), time.monotonic() + patience
        self.near.sendto(question, (self.to, 7000))
        heard = self._heard(question, end)
        if heard is None:
            return None
        name, far, sender = heard
        try:
            far.sendto(question, sender)
            while time.monotonic() < end:
                self.near.settimeout(max(0.001, end - time.monotonic()))
                if self.near.recv(9) == question:
                    return name, sender[0]
        except OSError:  # no answer; or no way to a source of the other uplink
            pass
        return None

    def answers(self, expected):
        """Waits until one of many questions is answered by and from EXPECTED."""
        wait_until(lambda: self.ask(0.2 * SLOW) == expected, f"{expected}", FOLLOWS)

    def close(self):
        """Closes all."""
        for each in (self.near, *self.far.values()):
            each.close()


@pytest.fixture(name="asker")
def asker_fixture():
    """asker(net, family) makes one that is closed afterwards."""
    made = []

    def make(*arguments):
        made.append(Asker(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_each_uplink_has_its_address(net, daemons, asker, family):
    """By the route of the destination, whatever the default route is."""
    daemons(net.host).start(RULES)
    one = asker(net, family)
    assert one.ask() == ("peer", HOST[family])
    one.close()
    assert asker(net, family, FAR_B).ask() == ("peerb", HOST_B[family])


def test_the_egress_flips_to_the_second_uplink(net, daemons, asker, family):
    """One socket goes on talking: from the other address, by the other uplink, and back again."""
    daemons(net.host).start(RULES)
    one = asker(net, family)
    default = "0.0.0.0/0" if family == 4 else "::/0"
    assert one.ask() == ("peer", HOST[family])
    net.host.ip(f"route del {default} via {PEER[family]}")
    one.answers(("peerb", HOST_B[family]))
    assert [one.ask() for _ in range(5)] == 5 * [("peerb", HOST_B[family])]
    net.host.ip(f"route add {default} via {PEER[family]}")
    one.answers(("peer", HOST[family]))


def test_the_address_goes_away_under_a_live_flow(net, daemons, asker, family, captures):
    """The next packet has the next address; none leaves with the old one; connections begin anew."""
    daemon = daemons(net.host)
    length = 24 if family == 4 else 64
    net.host.sysctl("net.ipv4.conf.eth0.promote_secondaries", 1)
    daemon.start(RULES)
    one = asker(net, family)
    assert one.ask() == ("peer", HOST[family])
    with tcp_socket(net.peer, family) as listener:
        listener.bind(("", 7001))
        listener.listen()
        old = tcp_socket(net.client, family)
        old.connect((PEER[family], 7001))
        far, sender = listener.accept()
        assert sender[0] == HOST[family]
        net.host.ip(f"addr add {NEW[family]}/{length} dev eth0{' nodad' if family == 6 else ''}")
        net.host.ip(f"addr del {HOST[family]}/{length} dev eth0")
        default = "0.0.0.0/0" if family == 4 else "::/0"
        net.host.run(["ip", "route", "replace", default, "via", PEER[family]])
        one.answers(("peer", NEW[family]))
        capture = captures(net.peer, "eth0")
        old.sendall(b"is anybody there?")
        assert one.ask() == ("peer", NEW[family])
        with tcp_socket(net.client, family) as new:
            new.connect((PEER[family], 7001))
            other, sender = listener.accept()
            assert sender[0] == NEW[family]
            other.close()
        assert capture.all(lambda data: parse(data).src == NEW[family])
        assert not capture.all(lambda data: parse(data).src == HOST[family])
        old.close()
        far.close()
    flows = ctl_lines(daemon, "flows")
    assert HOST[family] not in {flow["reply"]["dst"] for flow in flows}
