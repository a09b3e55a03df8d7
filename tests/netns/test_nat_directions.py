# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of translation, for traffic of the host, traffic that it forwards and traffic to it.

One network and one daemon for all. Each case is asked by TCP, UDP and, where no ports are in it,
ping; the answers come from where they were asked.
"""
import ipaddress
import re
import socket

import pytest

import pcapng
from control import ctl, ctl_lines
from daemon import Daemon
from packets import parse
from space import PATIENCE, wait_until
from topology import CLIENT, GATE, HOST, PEER, Network, routed_topology
from traffic import exchange, ping, tcp_socket, udp_socket
from watching import watch

HOST_2 = {4: "192.0.2.3", 6: "2001:db8:1::3"}
HIDDEN = {4: "192.0.2.129", 6: "2001:db8:a::1"}  # of the host; nobody has a route to it
HIDDEN_NET = {4: "192.0.2.128/28", 6: "2001:db8:a::/64"}
CLIENT_NET = {4: "203.0.113.0/28", 6: "2001:db8:3::/64"}
# The peer sends these to the host, which has none of them.
POOLS = {4: "203.0.113.192/26", 6: "2001:db8:9::/48"}
OUTSIDE = {4: "203.0.113.240/28", 6: "2001:db8:9:1::/64"}  # netmap's, for the client
OUTSIDE_2 = {4: "203.0.113.224/28", 6: "2001:db8:9:2::/64"}  # and for what is hidden
OUTSIDE_3 = {4: "203.0.113.208/28", 6: "2001:db8:9:3::/64"}  # and for a peer, as this host sees it
AWAY_NET = {4: "198.51.100.192/28", 6: "2001:db8:2:f::/64"}  # nobody has one of these
THERE_NET = {4: "198.51.100.32/28", 6: "2001:db8:2:e::/64"}  # where the peer has some
PORTS = range(55666, 55681)
ANY = {4: "", 6: ""}


def there(number):
    """An address of the peer, by family."""
    return {4: f"198.51.100.{number}", 6: f"2001:db8:2::{number}"}


def away(number):
    """One that nobody has, on the way to the peer."""
    return {4: f"198.51.100.{number}", 6: f"2001:db8:2::{number}"}


def pool(number):
    """One that leads to the host."""
    return {4: f"203.0.113.{number}", 6: f"2001:db8:9::{number}"}


def moved(address, prefix):
    """ADDRESS in PREFIX, in IPv6 by RFC 6296 3.5 (for /64)."""
    net, old = ipaddress.ip_network(prefix), ipaddress.ip_address(address)
    if net.version == 4:
        return str(net.network_address + (int(old) & int(net.hostmask)))
    old, new = old.packed, net.network_address.packed[:8] + old.packed[8:]
    words = lambda data: sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, 16, 2))
    word = int.from_bytes(old[8:10], "big") + words(old) - words(new)
    return str(ipaddress.IPv6Address(new[:8] + (word % 0xffff).to_bytes(2, "big") + new[10:]))


def each_moved(addresses, prefixes):
    """moved() by family."""
    return {family: moved(addresses[family], prefixes[family]) for family in (4, 6)}


def at(address, port):
    """ADDRESS and PORT as rules write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Case:
    """A rule, who asks whom, and who is asked and sees whom; addresses by family."""

    def __init__(self, name, rule, asks, serves, sees, sees_ports=None, pings=(4, 6)):
        self.name, self.rule = name, rule
        self.asker, self.bind, self.to, self.port = asks
        self.server, self.at, self.serves = serves
        self.sees, self.sees_ports, self.pings = sees, sees_ports, pings


# ICMPv6 that is addressed to the host itself is never diverted, so nothing translates it back.
CASES = [
    # What the host itself asks.
    Case("out-masquerade", lambda f: f"src = {HIDDEN[f]}\ndst = {there(10)[f]}\nmasquerade = yes",
         ("host", HIDDEN, there(10), 7000), ("peer", there(10), 7000), HOST, pings=(4,)),
    Case("out-masquerade-ports",
         lambda f: f"direction = out\ndst = {there(11)[f]}\nmasquerade = :55666-55680",
         ("host", ANY, there(11), 7000), ("peer", there(11), 7000), HOST, PORTS, ()),
    Case("out-snat-own", lambda f: (f"src = {HIDDEN[f]}\ndst = {there(12)[f]}\n"
                                    f"snat = {at(HOST_2[f], '6000-6009')} random"),
         ("host", HIDDEN, there(12), 7000), ("peer", there(12), 7000), HOST_2, range(6000, 6010),
         ()),
    Case("out-snat-pool", lambda f: f"direction = out\ndst = {there(13)[f]}\nsnat = {pool(200)[f]}",
         ("host", ANY, there(13), 7000), ("peer", there(13), 7000), pool(200)),
    Case("out-dnat", lambda f: f"dst = {away(100)[f]}\ndport = 80\ndnat = {at(PEER[f], 7100)}",
         ("host", ANY, away(100), 80), ("peer", PEER, 7100), HOST, pings=()),
    Case("out-dnat-address", lambda f: f"dst = {away(101)[f]}\ndnat = {PEER[f]}",
         ("host", ANY, away(101), 7000), ("peer", PEER, 7000), HOST, pings=(4,)),
    Case("out-netmap-src",
         lambda f: f"src = {HIDDEN_NET[f]}\ndst = {there(14)[f]}\nnetmap = src {OUTSIDE_2[f]}",
         ("host", HIDDEN, there(14), 7000), ("peer", there(14), 7000),
         each_moved(HIDDEN, OUTSIDE_2)),
    Case("out-netmap-dst",
         lambda f: f"direction = out\ndst = {AWAY_NET[f]}\nnetmap = dst {THERE_NET[f]}",
         ("host", ANY, {4: "198.51.100.193", 6: "2001:db8:2:f::1"}, 7000),
         ("peer", {4: "198.51.100.33", 6: moved("2001:db8:2:f::1", THERE_NET[6])}, 7000), HOST,
         pings=(4,)),
    # What it forwards.
    Case("forward-masquerade-ports", lambda f: f"dst = {there(20)[f]}\nmasquerade = :55666-55680",
         ("client", ANY, there(20), 7000), ("peer", there(20), 7000), HOST, PORTS, ()),
    Case("forward-snat-random",
         lambda f: f"dst = {there(21)[f]}\nsnat = {at(pool(201)[f], '6000-6009')} random",
         ("client", ANY, there(21), 7000), ("peer", there(21), 7000), pool(201),
         range(6000, 6010), ()),
    Case("forward-dnat-address", lambda f: f"dst = {away(102)[f]}\ndnat = {there(22)[f]}",
         ("client", ANY, away(102), 7000), ("peer", there(22), 7000), CLIENT),
    Case("forward-both-ends",
         lambda f: f"dst = {away(103)[f]}\ndnat = {PEER[f]}\nsnat = {pool(202)[f]}",
         ("client", ANY, away(103), 7000), ("peer", PEER, 7000), pool(202)),
    Case("forward-redirect", lambda f: f"dst = {away(104)[f]}\ndport = 80\nredirect = :7200",
         ("client", ANY, away(104), 80), ("host", GATE, 7200), CLIENT, pings=()),
    Case("forward-dnat-here", lambda f: f"dst = {away(105)[f]}\ndnat = {HIDDEN[f]}",
         ("client", ANY, away(105), 7000), ("host", HIDDEN, 7000), CLIENT),
    Case("forward-netmap-src",
         lambda f: f"src = {CLIENT_NET[f]}\ndst = {there(23)[f]}\nnetmap = src {OUTSIDE[f]}",
         ("client", ANY, there(23), 7000), ("peer", there(23), 7000), each_moved(CLIENT, OUTSIDE)),
    Case("forward-netmap-dst", lambda f: f"dst = {OUTSIDE[f]}\nnetmap = dst {CLIENT_NET[f]}",
         ("peer", PEER, each_moved(CLIENT, OUTSIDE), 7001), ("client", CLIENT, 7001), PEER),
    Case("forward-netmap-dst-here", lambda f: f"dst = {OUTSIDE_2[f]}\nnetmap = dst {HIDDEN_NET[f]}",
         ("peer", PEER, each_moved(HIDDEN, OUTSIDE_2), 7001), ("host", HIDDEN, 7001), PEER),
    # What is addressed to it.
    Case("in-dnat-port",
         lambda f: f"dst = {HOST[f]}\ndport = 7300\ndnat = {at(CLIENT[f], 7000)}",
         ("peer", PEER, HOST, 7300), ("client", CLIENT, 7000), PEER, pings=()),
    Case("in-dnat-address", lambda f: f"dst = {HOST_2[f]}\nsrc = {PEER[f]}\ndnat = {CLIENT[f]}",
         ("peer", PEER, HOST_2, 7000), ("client", CLIENT, 7000), PEER, pings=(4,)),
    Case("in-dnat-and-masquerade", lambda f: (f"dst = {HOST[f]}\ndport = 7301\n"
                                              f"dnat = {at(CLIENT[f], 7000)}\nmasquerade = yes"),
         ("peer", PEER, HOST, 7301), ("client", CLIENT, 7000), GATE, pings=()),
    Case("in-hairpin", lambda f: (f"src = {CLIENT[f]}\ndst = {HOST[f]}\ndport = 7302\n"
                                  f"dnat = {at(CLIENT[f], 7000)}\nmasquerade = yes"),
         ("client", ANY, HOST, 7302), ("client", CLIENT, 7000), GATE, pings=()),
    Case("in-redirect", lambda f: f"dst = {HOST[f]}\ndport = 7303\nredirect = :7203",
         ("peer", PEER, HOST, 7303), ("host", HOST, 7203), PEER, pings=()),
    Case("in-dnat-here", lambda f: f"dst = {HOST[f]}\ndport = 7304\ndnat = {at(HIDDEN[f], 7204)}",
         ("peer", PEER, HOST, 7304), ("host", HIDDEN, 7204), PEER, pings=()),
    Case("in-snat", lambda f: f"src = {there(30)[f]}\ndst = {HOST[f]}\nsnat = {pool(203)[f]}",
         ("peer", there(30), HOST, 7305), ("host", HOST, 7305), pool(203), pings=(4,)),
    Case("in-netmap-src",
         lambda f: f"src = {there(31)[f]}\ndst = {HOST[f]}\nnetmap = src {OUTSIDE_3[f]}",
         ("peer", there(31), HOST, 7306), ("host", HOST, 7306), each_moved(there(31), OUTSIDE_3),
         pings=(4,)),
    Case("in-netmap-dst",
         lambda f: f"src = {there(31)[f]}\ndst = {HOST_2[f]}\nnetmap = dst {CLIENT_NET[f]}",
         ("peer", there(31), HOST_2, 7307), ("client", each_moved(HOST_2, CLIENT_NET), 7307),
         there(31), pings=(4,)),
]


def rules():
    """All cases of both families, and two for all ports of a client."""
    text = "[divert]\ndirection = out, forward, in\n"
    for family in (4, 6):
        for case in CASES:
            text += f"[rule {case.name}-{family}]\n{case.rule(family)}\n"
        text += (f"[rule persistent-{family}]\ndst = {there(24)[family]}\n"
                 f"snat = {pool(204)[family]}-{pool(207)[family]} persistent\n")
    return text


def build(net):
    """The network of the cases."""
    routed_topology(net)
    net.commands("host", f"""
        addr add {HOST_2[4]}/24 dev eth0
        addr add {HOST_2[6]}/64 dev eth0 preferred_lft 0
        addr add {HIDDEN[4]}/32 dev lo
        addr add {HIDDEN[6]}/128 dev lo
        """)
    second = each_moved(HOST_2, CLIENT_NET)
    net.commands("client", f"""
        addr add {second[4]}/26 dev eth0
        addr add {second[6]}/64 dev eth0 preferred_lft 0
        """)
    lines = [f"route add {POOLS[family]} via {HOST[family]}" for family in (4, 6)]
    numbers = [*range(10, 15), *range(20, 25), 30, 31]
    lines += [f"addr add {there(number)[4]}/32 dev lo" for number in numbers]
    lines += [f"addr add {there(number)[6]}/128 dev lo" for number in numbers]
    lines += ["addr add 198.51.100.33/32 dev lo",
              f"addr add {moved('2001:db8:2:f::1', THERE_NET[6])}/128 dev lo"]
    net.commands("peer", "\n".join(lines))


@pytest.fixture(name="net", scope="module")
def net_fixture():
    """The network, with a daemon in its host as `net.daemon`."""
    made = Network()
    try:
        build(made)
        made.daemon = Daemon(made.host)
        made.daemon.start(rules())
        yield made
        made.daemon.stop()
        print(made.daemon.log())
        assert made.daemon.crash() == []
        made.daemon.close()
    finally:
        made.delete()


def ask_tcp(net, case, family):
    """Who the server saw, once both have heard from each other."""
    with tcp_socket(getattr(net, case.server), family) as listener, \
            tcp_socket(getattr(net, case.asker), family) as near:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((case.at[family], case.serves))
        listener.listen()
        near.settimeout(PATIENCE)
        near.bind((case.bind[family], 0))
        near.connect((case.to[family], case.port))
        far, sender = listener.accept()
        with far:
            exchange(near, far)
        return sender[:2]


def ask_udp(net, case, family):
    """The same with datagrams; the answer has to come from where it was asked."""
    with udp_socket(getattr(net, case.server), family) as far, \
            udp_socket(getattr(net, case.asker), family) as near:
        for made in (near, far):
            made.settimeout(PATIENCE)
        far.bind((case.at[family], case.serves))
        near.bind((case.bind[family], 0))
        near.sendto(b"question", (case.to[family], case.port))
        data, sender = far.recvfrom(64)
        assert data == b"question"
        far.sendto(b"answer", sender)
        data, answerer = near.recvfrom(64)
        assert data == b"answer" and answerer[:2] == (case.to[family], case.port)
        return sender[:2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_there_and_back(net, case, family):
    """The server sees whom the rule says, and the asker's socket hears from whom it asked."""
    for ask in (ask_tcp, ask_udp):
        address, port = ask(net, case, family)
        assert address == case.sees[family]
        assert case.sees_ports is None or port in case.sees_ports
    if family in case.pings:
        bind = f"-I {case.bind[family]}" if case.bind[family] else ""
        assert ping(getattr(net, case.asker), case.to[family], options=bind) == (1, 1)
    assert f"{case.name}-{family}" in {flow.get("rule") for flow in ctl_lines(net.daemon, "flows")}


def test_persistent(net, family):
    """All sockets of a client have one address of the four."""
    case = Case("persistent", None, ("client", ANY, there(24), 7000), ("peer", there(24), 7000),
                None)
    assert len({ask_udp(net, case, family)[0] for _ in range(12)}) == 1


def test_watched(net, family):
    """monitor has the bytes of the wire, trace --live what rules saw between them."""
    case = next(case for case in CASES if case.name == "forward-both-ends")
    with watch(net.daemon, "-j", "monitor", "proto=udp", f"src={away(103)[family]}") as monitor, \
            watch(net.daemon, "-j", "trace", "--live", "proto=udp",
                  f"src={away(103)[family]}") as trace:
        ask_udp(net, case, family)
        back, = monitor.events(1)
        told, = trace.events(1, "trace")
    arrived, left = (parse(bytes.fromhex(back[name])) for name in ("data", "data_after"))
    assert (arrived.src, arrived.dst) == (PEER[family], case.sees[family])
    assert (left.src, left.dst) == (away(103)[family], CLIENT[family])
    assert [one["action"] for one in told["flow"]["translations"]] == ["snat", "dnat"]
    assert told["flow"]["rule"] == f"{case.name}-{family}" and told["flow"]["way"] == "reply"
    assert told["before"]["dst"] == case.sees[family] and told["after"]["dst"] == CLIENT[family]
    assert f" > {at(CLIENT[family], '')}" in told["seen"]


def test_watchers_are_told_the_flow(net, family):
    """monitor and capture name the flow that translates, in the words of `flows`, for both ways."""
    case = next(case for case in CASES if case.name == "forward-both-ends")
    path = net.daemon.directory / f"translated-{family}.pcapng"
    words = ("proto=udp", f"host={away(103)[family]}")
    with watch(net.daemon, "monitor", *words) as monitor, \
            watch(net.daemon, "capture", "-w", str(path), *words) as capture:
        ask_udp(net, case, family)
        lines = monitor.lines(2)
        wait_until(lambda: path.stat().st_size > 0 and len(pcapng.read(path)[1]) == 4,
                   "each packet before and after")
        capture.end()
    listed = ctl(net.daemon, "flows", "proto=udp", f"rule={case.name}-{family}",
                 f"dst={away(103)[family]}").stdout.splitlines()
    known = [re.findall(r"\b(?:rule|src|dst|sport|dport)=\S+", line) for line in listed]
    told = [line.split(", flow ")[1].split() for line in lines]
    assert told[0] == told[1] and told[0] in known, (told, known)
    comments = [packet.comment for packet in pcapng.read(path)[1]]
    assert comments[0].startswith(f"rule {case.name}-{family}: ")
    assert [comment.split(", flow ")[1].split() for comment in comments] == told * 2
