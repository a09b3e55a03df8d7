# SPDX-License-Identifier: GPL-2.0-or-later
"""Translation of flows: clients behind a router that share addresses, and servers found elsewhere."""
import contextlib
import os
import re
import socket
import time

import pytest

from control import ctl_json, ctl_lines
from daemon import SLOW
from space import PATIENCE
from topology import CLIENT, FAR, HOST, NOBODY, PEER
from traffic import exchange, ping, tcp_socket, udp_socket
from watching import watch

# Addresses that nobody has; the peer sends them to the host.
POOL = {4: "203.0.113.200", 6: "2001:db8:9::200"}
POOL_NET = {4: "203.0.113.192/26", 6: "2001:db8:9::/64"}
CLIENT_NET = {4: "203.0.113.0/26", 6: "2001:db8:3::/64"}


def bracket(address, port):
    """ADDRESS and PORT as rules write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@pytest.fixture(name="shared")
def shared_fixture(routed, family):
    """The peer knows the way to the pool, and none to the clients themselves."""
    routed.peer.ip_batch([f"route del {CLIENT_NET[family]}",
                          f"route add {POOL_NET[family]} via {HOST[family]}"])
    return routed


def snat(family, how=""):
    """Rules that give the clients an address of the pool."""
    return (f"[divert]\ndirection = forward\n[rule share]\nsrc = {CLIENT_NET[family]}\n"
            f"snat = {POOL[family]}{how}\n")


def listen(space, family, port):
    """A TCP socket that listens in SPACE."""
    listener = tcp_socket(space, family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen()
    listener.settimeout(PATIENCE)
    return listener


def test_clients_share_an_address(shared, daemons, family):
    """TCP, UDP and ping come from the pool's address, with their own ports, and are answered."""
    daemon = daemons(shared.host)
    daemon.start(snat(family))
    with listen(shared.peer, family, 7000) as listener, tcp_socket(shared.client, family) as near:
        near.bind(("", 40000))
        near.settimeout(PATIENCE)
        near.connect((PEER[family], 7000))
        far, sender = listener.accept()
        with far:
            assert sender[:2] == (POOL[family], 40000)
            exchange(near, far)
    with udp_socket(shared.peer, family) as far, udp_socket(shared.client, family) as near:
        far.bind(("", 7001))
        far.settimeout(PATIENCE)
        near.settimeout(PATIENCE)
        near.sendto(b"question", (PEER[family], 7001))
        data, sender = far.recvfrom(64)
        assert data == b"question" and sender[0] == POOL[family]
        far.sendto(b"answer", sender)
        data, sender = near.recvfrom(64)
        assert data == b"answer" and sender[0] == PEER[family]
    assert ping(shared.client, FAR[family], 3) == (3, 3)
    flows = [flow for flow in ctl_lines(daemon, "flows") if flow["original"]["dport"] == 7000]
    assert flows[0]["translated"] and flows[0]["rule"] == "share"
    assert flows[0]["original"]["src"] == CLIENT[family]
    assert flows[0]["reply"]["dst"] == POOL[family]


def test_events_of_flows(shared, daemons, family):
    """From the first packet to the end, with both tuples, and what no filter asked for is not told."""
    daemon = daemons(shared.host)
    daemon.start(snat(family) + "[flows]\nudp = 1s\n")
    with watch(daemon, "-j", "monitor", "--flows", f"src={CLIENT[family]}") as every, \
            watch(daemon, "monitor", "--flows", "--event", "end", "dport=7006") as text, \
            watch(daemon, "-j", "monitor", "--flows", "proto=sctp") as none, \
            watch(daemon, "-j", "monitor", "--flows", "proto=udp", "-c", "1") as first:
        with listen(shared.peer, family, 7006) as listener, \
                tcp_socket(shared.client, family) as near:
            near.connect((PEER[family], 7006))
            far, _ = listener.accept()
            with far:
                exchange(near, far)
        of = lambda proto, count: [event for event in every.events(count, "flow")
                                   if event["proto"] == proto]
        assert [(event["change"], event["state"]) for event in of("tcp", 5)] == \
            [("new", "SYN_SENT"), ("update", "SYN_RECV"), ("update", "ESTABLISHED"),
             ("update", "FIN_WAIT"), ("update", "TIME_WAIT")]
        with udp_socket(shared.client, family) as near:
            near.sendto(b"anybody?", (FAR[family], 7007))
        begun, ended = of("udp", 7)  # nobody sends anything meanwhile
        assert (begun["change"], ended["change"], ended["reason"]) == ("new", "end", "timeout")
        assert ended["age_seconds"] >= 1 and ended["original"]["packets"] == 1
        assert 0.9e9 < ended["time_ns"] - begun["time_ns"] < 60e9
        assert ctl_json(daemon, "flows", "--flush", "dport=7006")["flushed"] == 1
        last = of("tcp", 8)[-1]
        assert (last["change"], last["reason"]) == ("end", "flushed")
        for event in of("tcp", 8):
            assert event["translated"] and event["rule"] == "share" and event["schema"] == 1
            assert event["original"]["src"] == CLIENT[family]
            assert event["reply"]["dst"] == POOL[family]
        assert last["original"]["packets"] >= 4 and last["reply"]["packets"] >= 3
        assert re.match(r"\d\d:\d\d:\d\d\.\d{6}    \[END\] tcp     reason=flushed age=\S+ TIME_WAIT "
                        rf"rule=share src={CLIENT[family]} dst={PEER[family]} sport=\d+ dport=7006 "
                        rf"packets=\d+ bytes=\d+ src={PEER[family]} dst={POOL[family]} .*"
                        r"\[TRANSLATED\]$", text.lines(1)[0])
        assert none.events(0, "flow") == [] and first.process.wait(5 * SLOW) == 0


def test_another_destination(routed, daemons, family):
    """Clients ask an address that nobody has, and a server at another one and port answers."""
    daemons(routed.host).start(
        f"[divert]\ndirection = forward\n[rule web]\nproto = tcp\ndst = {NOBODY[family]}\n"
        f"dport = 80\ndnat = {bracket(PEER[family], 7002)}\n")
    with listen(routed.peer, family, 7002) as listener, tcp_socket(routed.client, family) as near:
        near.settimeout(PATIENCE)
        near.connect((NOBODY[family], 80))
        far, sender = listener.accept()
        with far:
            assert sender[0] == CLIENT[family]
            exchange(near, far)


def test_errors_find_their_way(shared, daemons, family):
    """The peer's port is closed: its error speaks of the pool, and the client's socket hears of it."""
    daemons(shared.host).start(snat(family, ""))
    with udp_socket(shared.client, family) as near:
        near.settimeout(PATIENCE)
        near.connect((PEER[family], 7003))
        near.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            near.recv(64)


def refusal(near, address):
    """What a datagram to ADDRESS tells the socket NEAR, other than an answer or nothing."""
    near.settimeout(PATIENCE)
    near.connect(address)
    near.send(b"question")
    with pytest.raises(OSError) as refused:
        near.recv(64)
    assert not isinstance(refused.value, TimeoutError)


def test_no_port_left(shared, daemons, family):
    """Two ports for three sockets: the third is refused by ICMP, the first two go on."""
    daemon = daemons(shared.host)
    address = f"[{POOL[family]}]" if family == 6 else POOL[family]
    daemon.start(snat(family).replace(POOL[family], f"{address}:5000-5001"))
    with udp_socket(shared.peer, family) as far:
        far.bind(("", 7004))
        far.settimeout(PATIENCE)
        sockets = [udp_socket(shared.client, family) for _ in range(3)]
        senders = []
        for near in sockets[:2]:
            near.settimeout(PATIENCE)
            near.connect((PEER[family], 7004))
            near.send(b"question")
            senders.append(far.recvfrom(64)[1])
        assert {sender[1] for sender in senders} == {5000, 5001}
        refusal(sockets[2], (PEER[family], 7004))
        for near, sender in zip(sockets, senders):
            far.sendto(b"answer", sender)
            assert near.recv(64) == b"answer"
            near.close()
        sockets[2].close()
    assert daemon.statistics().drops["nat-exhausted"] == 1


def test_rfc6888_req_4_limit_of_ports(shared, daemons, family):
    """Two ports for a client, of whatever protocol: the third socket is refused by ICMP, the first
    two go on, to others as well, and the limit is taken back by a reload."""
    daemon = daemons(shared.host)
    daemon.start(snat(family) + "[flows]\nnat-ports = 2\n")
    with contextlib.ExitStack() as stack:
        far, near, other, last = (stack.enter_context(udp_socket(space, family)) for space in
                                  (shared.peer, shared.client, shared.client, shared.client))
        listener = stack.enter_context(listen(shared.peer, family, 7000))
        stream = stack.enter_context(tcp_socket(shared.client, family))
        far.bind(("", 7004))
        far.settimeout(PATIENCE)
        near.settimeout(PATIENCE)
        near.sendto(b"question", (PEER[family], 7004))
        sender = far.recvfrom(64)[1]
        assert sender[0] == POOL[family]
        stream.settimeout(PATIENCE)
        stream.connect((PEER[family], 7000))
        accepted = stack.enter_context(listener.accept()[0])
        refusal(other, (PEER[family], 7004))
        assert daemon.statistics().drops["nat-limit"] == 1
        far.sendto(b"answer", sender)
        assert near.recv(64) == b"answer"
        near.sendto(b"more", (PEER[family], 7004))
        assert far.recvfrom(64) == (b"more", sender)
        exchange(stream, accepted)
        daemon.reload(snat(family))
        last.sendto(b"late", (PEER[family], 7004))
        data, sender = far.recvfrom(64)
        assert data == b"late" and sender[0] == POOL[family]
    assert "nat-exhausted" not in daemon.statistics().drops


def test_many_ports(shared, daemons, family):
    """Two hundred flows in a range of ports, answered again and again, through reloads and whichever
    queue the answers take; with several queues some take another than their flow's in time, since the
    kernel forgets within seconds which one wrote to it."""
    count = 200
    queues = int(os.environ.get("IPMODD_QUEUES", "1"))
    daemon = daemons(shared.host)
    rules = (f"[divert]\ndirection = forward\n[rule share]\nsrc = {CLIENT_NET[family]}\n"
             f"snat = {bracket(POOL[family], '2000-2399')}\n")
    daemon.start(rules)
    with contextlib.ExitStack() as stack:
        far = stack.enter_context(udp_socket(shared.peer, family))
        far.bind(("", 7001))
        near = [stack.enter_context(udp_socket(shared.client, family)) for _ in range(count)]
        seen_from = []
        for number, socket_ in enumerate(near):
            socket_.sendto(number.to_bytes(2, "big"), (PEER[family], 7001))
            data, sender = far.recvfrom(64)
            assert int.from_bytes(data, "big") == number
            seen_from.append(sender)
        assert len(set(seen_from)) == count
        assert all(sender[0] == POOL[family] and 2000 <= sender[1] < 2400 for sender in seen_from)
        end = time.monotonic() + 10 * SLOW
        rounds = 0
        while True:
            for number, sender in enumerate(seen_from):
                far.sendto(number.to_bytes(2, "big"), sender)
            for number, socket_ in enumerate(near):
                assert int.from_bytes(socket_.recv(64), "big") == number
            rounds += 1
            handed_over = ctl_json(daemon, "status")["packets"]["handed_over"]
            if queues == 1 or handed_over > 0:
                break
            assert time.monotonic() < end, "no answer came by another queue"
            daemon.reload(rules + f"[rule round-{rounds}]\ndport = 9\nset-dscp = cs1\n")
            time.sleep(0.3)
    assert queues > 1 or handed_over == 0
    flows = ctl_lines(daemon, "flows")
    assert len(flows) == count and all(flow["rule"] == "share" for flow in flows)
