# SPDX-License-Identifier: GPL-2.0-or-later
"""Masquerade follows the host: two uplinks, a route that changes, an address that goes away."""
import time

import pytest

from control import ctl_lines
from packets import parse
from space import wait_until, wire
from topology import (CLIENT, FAR, FAR_B, GATE, HOST, HOST_B, PEER, PEER_B, Network,
                      uplinks_topology)
from traffic import tcp_socket, udp_socket

NEW = {4: "192.0.2.7", 6: "2001:db8:1::7"}
# uplinks_topology() has its second uplink in the network that clients have elsewhere.
INSIDE = {4: "198.51.100.130", 6: CLIENT[6]}
DOOR = {4: "198.51.100.129", 6: GATE[6]}
FOLLOWS = 5.0
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
    """One socket of the client that asks FAR, and both servers that may be it."""

    def __init__(self, net, family, to=FAR):
        self.family, self.to = family, to[family]
        self.near = udp_socket(net.client, family)
        self.near.bind(("", 41000))
        self.near.settimeout(1)
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

    def ask(self):
        """(who was asked, which source it saw), once the answer is back; None without one."""
        self.near.sendto(b"?", (self.to, 7000))
        for _ in range(200):
            for name, far in self.far.items():
                try:
                    _, sender = far.recvfrom(9)
                except BlockingIOError:
                    continue
                try:
                    far.sendto(b"!", sender)
                    assert self.near.recv(9) == b"!"
                except OSError:  # no answer; or no way to a source of the other uplink
                    return None
                return name, sender[0]
            time.sleep(0.001)
        return None

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
    wait_until(lambda: one.ask() == ("peerb", HOST_B[family]), "the second uplink", FOLLOWS)
    assert [one.ask() for _ in range(5)] == 5 * [("peerb", HOST_B[family])]
    net.host.ip(f"route add {default} via {PEER[family]}")
    wait_until(lambda: one.ask() == ("peer", HOST[family]), "the first uplink", FOLLOWS)


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
        wait_until(lambda: one.ask() == ("peer", NEW[family]), "the new address", FOLLOWS)
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
