# SPDX-License-Identifier: GPL-2.0-or-later
"""A firewall with a memory, on a router: who began a conversation decides who may speak."""
import socket

import pytest

from control import ctl, ctl_json, ctl_lines
from space import PATIENCE, wait_until
from topology import CLIENT, FAR, PEER
from traffic import exchange, ping, tcp_socket, udp_socket

PREFIX = {4: "203.0.113.0/26", 6: "2001:db8:3::/64"}


def rules(family, last="reject admin-prohibited"):
    """conf/examples/stateful.conf for the client's network."""
    return f"""
[divert]
direction = out, forward
[rule answers]
state = established, related
verdict = accept
[rule from-inside]
src = {PREFIX[family]}
state = new
verdict = accept
[rule the-rest]
direction = forward
verdict = {last}
"""


def talk(server, client, family, address, port):
    """A TCP connection from CLIENT to ADDRESS, and a line each way."""
    with tcp_socket(server, family) as listener, tcp_socket(client, family) as near:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        listener.listen()
        near.settimeout(PATIENCE)
        near.connect((address, port))
        far, _ = listener.accept()
        with far:
            exchange(near, far)


def test_only_inside_begins(routed, daemons, family):
    daemon = daemons(routed.host)
    daemon.start(rules(family))
    talk(routed.peer, routed.client, family, PEER[family], 7000)
    assert ping(routed.client, FAR[family], 3) == (3, 3)
    with pytest.raises(OSError):
        talk(routed.client, routed.peer, family, CLIENT[family], 7001)
    assert ping(routed.peer, CLIENT[family], 2)[1] == 0
    seen = daemon.statistics().rules
    assert seen["answers"][0] > 0 and seen["from-inside"][0] > 0 and seen["the-rest"][0] > 0


def test_errors_about_what_was_sent_pass(routed, daemons, family):
    """The port is closed: the peer's ICMP error reaches the client's socket."""
    daemons(routed.host).start(rules(family, "drop"))
    with udp_socket(routed.client, family) as near:
        near.settimeout(PATIENCE)
        near.connect((PEER[family], 7002))
        near.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            near.recv(64)


def test_answers_outlive_a_reload(routed, daemons, family):
    """The flow is known from before; without it the answer would be dropped."""
    daemon = daemons(routed.host)
    daemon.start(rules(family, "drop"))
    with udp_socket(routed.peer, family) as far, udp_socket(routed.client, family) as near:
        far.bind(("", 7003))
        far.settimeout(PATIENCE)
        near.settimeout(PATIENCE)
        near.sendto(b"question", (PEER[family], 7003))
        data, sender = far.recvfrom(64)
        assert data == b"question"
        daemon.reload(rules(family, "drop").replace("from-inside", "another-name"))
        far.sendto(b"answer", sender)
        assert near.recv(64) == b"answer"


def test_first_packets_of_a_flow(routed, daemons, captures, family):
    """flow-packets counts wire packets, also of a super-packet that the sender made."""
    daemon = daemons(routed.host)
    daemon.start("[divert]\ndirection = out, forward\n"
                 "[rule first]\nproto = udp\nflow-packets = 1-3\n"
                 "[rule rest]\nproto = udp\nflow-packets = 4-\nverdict = drop\n")
    with udp_socket(routed.peer, family) as far, udp_socket(routed.client, family) as near:
        far.bind(("", 7004))
        near.connect((PEER[family], 7004))
        near.setsockopt(socket.IPPROTO_UDP, 103, 100)  # UDP_SEGMENT
        near.send(bytes(1000))
        assert [len(far.recv(2000)) for _ in range(3)] == [100] * 3
        wait_until(lambda: daemon.statistics().rules["rest"][0] == 7, daemon.log)
        assert daemon.statistics().rules["first"][0] == 3
        far.setblocking(False)
        with pytest.raises(BlockingIOError):
            far.recv(2000)


def test_list_of_flows(routed, daemons, family):
    """Both tuples, what went each way, and who has not answered; then nothing is left."""
    daemon = daemons(routed.host)
    daemon.start(rules(family))
    talk(routed.peer, routed.client, family, PEER[family], 7005)
    with udp_socket(routed.client, family) as near:
        near.sendto(b"anybody?", (PEER[family], 9))

    def ended_and_begun():
        flows = {flow["proto"]: flow for flow in ctl_lines(daemon, "flows")
                 if flow["original"]["dport"] in (7005, 9)}
        ended = "tcp" in flows and flows["tcp"]["state"] in ("TIME_WAIT", "CLOSE")
        return (flows["tcp"], flows["udp"]) if ended and "udp" in flows else None

    tcp, udp = wait_until(ended_and_begun, lambda: ctl(daemon, "flows").stdout)
    assert tcp["answered"]
    for flow in (tcp, udp):
        original, reply = flow["original"], flow["reply"]
        assert (original["src"], original["dst"]) == (CLIENT[family], PEER[family])
        assert (reply["src"], reply["dst"]) == (original["dst"], original["src"])
        assert (reply["sport"], reply["dport"]) == (original["dport"], original["sport"])
        assert not flow["translated"] and flow["timeout_seconds"] > 0
    assert tcp["original"]["packets"] >= 3 and tcp["reply"]["packets"] >= 2
    assert udp["original"] | {"packets": 1} == udp["original"] and udp["reply"]["packets"] == 0
    assert "[UNREPLIED]" in ctl(daemon, "flows").stdout
    assert ctl_json(daemon, "flows", "--flush")["flushed"] >= 2
    assert [flow for flow in ctl_lines(daemon, "flows") if flow["proto"] == "tcp"] == []
    said = ctl(daemon, "flows", "proto=tcp")
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "ipmodctl: no flow fits\n")
    daemon.reload("[main]\npolicy = accept\n")
    assert ctl(daemon, "flows").stderr == \
        "ipmodctl: no flows are followed, because no rule asks for them\n"
