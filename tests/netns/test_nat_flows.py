# SPDX-License-Identifier: GPL-2.0-or-later
"""The flows that ipmodctl shows are those that conntrack(8) shows for the kernel's NAT."""
import contextlib
import re
import socket

from control import ctl
from daemon import SLOW
from space import wait_until
from topology import CLIENT, FAR, HOST, PEER
from traffic import ping, tcp_socket, udp_socket
from watching import watch

CLIENT_NET = {4: "203.0.113.0/26", 6: "2001:db8:3::/64"}
POOL = {4: "203.0.113.200", 6: "2001:db8:9::200"}
POOL_NET = {4: "203.0.113.192/26", 6: "2001:db8:9::/64"}


def tuples(lines, family):
    """(protocol, state, both tuples) of each line as conntrack(8) and ipmodctl(8) write them."""
    found = set()
    for line in lines.splitlines():
        ends = tuple(re.findall(r"\b(src|dst|sport|dport|type|code|id)=(\S+)", line))
        if len(ends) < 8 or CLIENT[family] not in line:
            continue
        state = re.search(r"\b(ESTABLISHED|SYN_SENT|TIME_WAIT|CLOSE_WAIT|FIN_WAIT|CLOSE)\b", line)
        if "dport" not in dict(ends):  # a ping: one number a run
            ends = tuple(end for end in ends if end[0] != "id")
        found.add((line.split()[0], state and state[1], ends))
    return found


def talk(net, family):
    """A connection that stays, a datagram that is answered and one that is not, pings."""
    listener = tcp_socket(net.peer, family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", 7000))
    listener.listen()
    near = tcp_socket(net.client, family)
    near.bind(("", 40000))
    near.connect((PEER[family], 7000))
    far, _ = listener.accept()
    near.sendall(b"data")
    assert far.recv(9) == b"data"
    with udp_socket(net.peer, family) as server, udp_socket(net.client, family) as asker:
        server.bind(("", 7001))
        asker.bind(("", 40001))
        asker.sendto(b"?", (PEER[family], 7001))
        server.sendto(b"!", server.recvfrom(9)[1])
        assert asker.recv(9) == b"!"
    with udp_socket(net.client, family) as asker:
        asker.bind(("", 40002))
        asker.sendto(b"?", (PEER[family], 9))
    assert ping(net.client, FAR[family], 1) == (1, 1)
    return near, far, listener


def reset(sockets):
    """Closes them with nothing left in TIME-WAIT."""
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        each.close()


def test_both_tuples_are_those_of_conntrack(routed, daemons, family):
    """The same traffic through nft's snat and through ours."""
    net = routed
    net.peer.ip_batch([f"route del {CLIENT_NET[family]}",
                       f"route add {POOL_NET[family]} via {HOST[family]}"])
    word = "ip" if family == 4 else "ip6"
    net.host.run(["nft", f"add table {word} nat; "
                  f"add chain {word} nat post {{ type nat hook postrouting priority srcnat; }}; "
                  f"add rule {word} nat post {word} saddr {CLIENT_NET[family]} snat to {POOL[family]}"])
    ends = talk(net, family)
    kernel = net.host.run(["conntrack", "-L", "-f", f"ipv{family}"]).stdout
    reset(ends)
    net.host.run(["nft", f"delete table {word} nat"])
    net.host.run(["conntrack", "-F"], check=False)
    daemon = daemons(net.host)
    daemon.start(f"[divert]\ndirection = forward\n[rule share]\nsrc = {CLIENT_NET[family]}\n"
                 f"snat = {POOL[family]}\n")
    ends = talk(net, family)
    ours = ctl(daemon, "flows").stdout
    assert "[UNREPLIED]" in ours and ours.count("[TRANSLATED]") == len(ours.splitlines())
    print(kernel, ours, sep="\n")
    reset(ends)
    assert len(tuples(kernel, family)) >= 4
    assert tuples(ours, family) == tuples(kernel, family)


def test_a_flow_whose_source_is_gone_has_moved(routed, daemons, family):
    """Its next packet leaves from the address that there is now, as a flow of its own."""
    net, fresh = routed, {4: "192.0.2.77", 6: "2001:db8:1::77"}[family]
    daemon = daemons(net.host)
    daemon.start("[divert]\ndirection = forward, in\n[rule hide]\n"
                 f"src = {CLIENT_NET[family]}\nproto = udp\nmasquerade = yes\n")
    with watch(daemon, "-j", "monitor", "--flows", "proto=udp", "dport=7001") as monitor, \
            udp_socket(net.peer, family) as server, udp_socket(net.client, family) as asker:
        server.bind(("", 7001))
        server.settimeout(3 * SLOW)
        asker.bind(("", 40001))
        asker.sendto(b"before", (PEER[family], 7001))
        assert server.recvfrom(9)[1][0] == HOST[family]
        length = {4: 24, 6: 64}[family]
        net.host.ip(f"addr del {HOST[family]}/{length} dev eth0")
        net.commands("host", f"""
            addr add {fresh}/{length} dev eth0
            route replace default via {PEER[family]}""")
        server.settimeout(0.2 * SLOW)

        def leaves_from(source):
            asker.sendto(b"after", (PEER[family], 7001))
            with contextlib.suppress(TimeoutError):  # none while there is no address
                return server.recvfrom(9)[1][0] == source

        wait_until(lambda: leaves_from(fresh), f"a datagram from {fresh}", 10 * SLOW)

        def told():
            return [(event["change"], event.get("reason"), event["reply"]["dst"])
                    for event in monitor.events(0, "flow")]

        wait_until(lambda: ("new", None, fresh) in told(), lambda: str(told()), 5 * SLOW)
    # On the way there may be another of the host's addresses.
    assert told()[:2] == [("new", None, HOST[family]), ("end", "moved", HOST[family])]
    assert {reason for change, reason, _ in told() if change == "end"} == {"moved"}
