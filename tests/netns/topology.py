# SPDX-License-Identifier: GPL-2.0-or-later
"""The networks that tests run in: a few hosts with addresses and routes, no daemon yet."""
import ipaddress

from space import Namespace, wait_until, wire

# Addresses by family: HOST[4], HOST[6].
HOST = {4: "192.0.2.1", 6: "2001:db8:1::1"}
PEER = {4: "192.0.2.2", 6: "2001:db8:1::2"}
# Behind the peer, on its loopback device: reached by the host's default route.
FAR = {4: "198.51.100.1", 6: "2001:db8:2::1"}
FAR_NET = {4: "198.51.100.0/24", 6: "2001:db8:2::/64"}
# On the way to FAR, but nobody has them.
NOBODY = {4: "198.51.100.99", 6: "2001:db8:2::99"}
# A client's network behind the host, in the topology with one.
CLIENT = {4: "203.0.113.2", 6: "2001:db8:3::2"}
GATE = {4: "203.0.113.1", 6: "2001:db8:3::1"}
# A second uplink of the host, and what is reached by it alone.
HOST_B = {4: "203.0.113.65", 6: "2001:db8:4::1"}
PEER_B = {4: "203.0.113.66", 6: "2001:db8:4::2"}
FAR_B = {4: "198.51.100.65", 6: "2001:db8:5::1"}
# A server behind the peer, in the topology with a chain of routers.
SERVER = {4: "203.0.113.130", 6: "2001:db8:7::2"}


RTF_LOCAL = 0x80000000


def _added_ipv6(lines):
    """The addresses that `ip` commands add."""
    words = [line.split()[2] for line in lines if line.startswith("addr add") and ":" in line]
    return {ipaddress.ip_interface(word).ip for word in words}


def _own_ipv6(space):
    """Addresses that packets reach a space by: those with a route in table local."""
    routes = [line.split() for line in space.read("/proc/net/ipv6_route").splitlines()]
    return {ipaddress.ip_address(bytes.fromhex(route[0])) for route in routes
            if int(route[8], 16) & RTF_LOCAL}


class Network:
    """Namespaces by role; attribute access gives them (`net.host`, `net.peer`)."""

    def __init__(self):
        self._spaces = []

    def add(self, role):
        """A new namespace, reachable as an attribute of that name."""
        space = Namespace(role)
        self._spaces.append(space)
        setattr(self, role, space)
        return space

    def delete(self):
        """Removes all namespaces."""
        for space in self._spaces:
            space.delete()

    def commands(self, role, text):
        """Runs an `ip` command a line in the namespace ROLE; addresses can be used at once."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        space = getattr(self, role)
        space.ip_batch([line + " nodad" if line.startswith("addr add") and ":" in line else line
                        for line in lines])
        # Without duplicates to detect the kernel still makes the routes to them a moment later.
        wait_until(lambda: _added_ipv6(lines) <= _own_ipv6(space), "the IPv6 addresses",
                   interval=0.001)


def wire_topology(net):
    """host (eth0) — peer (eth0, and addresses on lo that stand for the world)."""
    net.add("host")
    net.add("peer")
    wire(net.host, "eth0", net.peer, "eth0")
    net.commands("host", f"""
        addr add {HOST[4]}/24 dev eth0
        addr add {HOST[6]}/64 dev eth0
        route add default via {PEER[4]}
        route add default via {PEER[6]}
        """)
    net.commands("peer", f"""
        addr add {PEER[4]}/24 dev eth0
        addr add {PEER[6]}/64 dev eth0
        addr add {FAR[4]}/32 dev lo
        addr add {FAR[6]}/128 dev lo
        """)


def routed_topology(net):
    """client — host (a router) — peer; the host's side as in wire_topology()."""
    wire_topology(net)
    net.add("client")
    wire(net.client, "eth0", net.host, "lan")
    net.host.sysctl("net.ipv4.ip_forward", 1)
    net.host.sysctl("net.ipv6.conf.all.forwarding", 1)
    net.commands("host", f"""
        addr add {GATE[4]}/26 dev lan
        addr add {GATE[6]}/64 dev lan
        """)
    net.commands("client", f"""
        addr add {CLIENT[4]}/26 dev eth0
        addr add {CLIENT[6]}/64 dev eth0
        route add default via {GATE[4]}
        route add default via {GATE[6]}
        """)
    net.commands("peer", f"""
        route add 203.0.113.0/26 via {HOST[4]}
        route add 2001:db8:3::/64 via {HOST[6]}
        """)


def chain_topology(net):
    """host — peer (a router) — server, so that there is a way to trace."""
    wire_topology(net)
    net.add("server")
    wire(net.peer, "eth1", net.server, "eth0")
    net.peer.sysctl("net.ipv4.ip_forward", 1)
    net.peer.sysctl("net.ipv6.conf.all.forwarding", 1)
    for space in (net.peer, net.server):
        space.sysctl("net.ipv4.icmp_ratelimit", 0)
        space.sysctl("net.ipv6.icmp.ratelimit", 0)
    net.commands("peer", """
        addr add 203.0.113.129/26 dev eth1
        addr add 2001:db8:7::1/64 dev eth1
        """)
    net.commands("server", f"""
        addr add {SERVER[4]}/26 dev eth0
        addr add {SERVER[6]}/64 dev eth0
        route add default via 203.0.113.129
        route add default via 2001:db8:7::1
        """)


def uplinks_topology(net):
    """host with two uplinks (eth0 to peer, eth1 to peerb); defaults of both, eth0's preferred."""
    wire_topology(net)
    net.add("peerb")
    wire(net.host, "eth1", net.peerb, "eth0")
    net.commands("host", f"""
        addr add {HOST_B[4]}/26 dev eth1
        addr add {HOST_B[6]}/64 dev eth1
        route add {FAR_B[4]} via {PEER_B[4]}
        route add {FAR_B[6]} via {PEER_B[6]}
        route add default via {PEER_B[4]} metric 200
        route add default via {PEER_B[6]} metric 2048
        """)
    net.commands("peerb", f"""
        addr add {PEER_B[4]}/26 dev eth0
        addr add {PEER_B[6]}/64 dev eth0
        addr add {FAR_B[4]}/32 dev lo
        addr add {FAR_B[6]}/128 dev lo
        route add default via {HOST_B[4]}
        route add default via {HOST_B[6]}
        """)


def sources_topology(net):
    """A wire whose host has a GUA, a temporary GUA, a deprecated GUA and a ULA."""
    wire_topology(net)
    net.commands("host", """
        addr add fd00:db8::1/64 dev eth0
        addr add 2001:db8:1::dead/64 dev eth0 preferred_lft 0 valid_lft 3600
        addr add 2001:db8:6::1/64 dev eth0
        route add fd00::/8 via fd00:db8::2
        """)
    net.commands("peer", """
        addr add fd00:db8::2/64 dev eth0
        addr add fd00:db8:ffff::1/128 dev lo
        addr add 2001:db8:6::2/64 dev eth0
        """)
