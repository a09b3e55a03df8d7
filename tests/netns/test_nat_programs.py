# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs and real TCP behind an address that is shared: a client, the host, a peer outside."""
import re
import socket
import threading
import time

import pytest
from scapy.layers.inet import TCP

from control import ctl_json, ctl_lines
from daemon import SLOW
from packets import parse
from space import PATIENCE, wait_until
from topology import CLIENT, FAR, GATE, HOST, PEER
from traffic import iperf, name_server, ping, tcp_socket, udp_socket, web_server

CLIENT_NET = {4: "203.0.113.0/26", 6: "2001:db8:3::/64"}
NEIGHBOUR = {4: "203.0.113.3", 6: "2001:db8:3::3"}
POOL = {4: "203.0.113.200", 6: "2001:db8:9::200"}
POOL_NET = {4: "203.0.113.192/26", 6: "2001:db8:9::/64"}


class Shared:
    """The network, the family, and the address that the clients share."""

    def __init__(self, net, family, outside):
        self.client, self.host, self.peer = net.client, net.host, net.peer
        self.family, self.outside, self.daemon = family, outside, None

    def tcp(self, space, port=0, address=None):
        """A TCP socket of SPACE bound to a port."""
        made = tcp_socket(space, self.family)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address or "", port))
        return made

    def listen(self, port):
        """A listener of the peer."""
        made = self.tcp(self.peer, port)
        made.listen()
        return made

    def connect(self, listener, port=0, address=None):
        """A connection of the client to the listener; both ends, and whom the peer sees."""
        near = self.tcp(self.client, port, address)
        near.connect((PEER[self.family], listener.getsockname()[1]))
        far, sender = listener.accept()
        far.settimeout(PATIENCE)
        return near, far, sender[:2]

    def flow(self, port):
        """The one flow to that port of the peer."""
        found, = [flow for flow in ctl_lines(self.daemon, "flows")
                  if flow["original"]["dport"] == port]
        return found

    def wait_for(self, port, state):
        """Until the connection to that port is in STATE; its flow."""
        wait_until(lambda: self.flow(port)["state"] == state,
                   lambda: f"{state}, but {self.flow(port)}")
        return self.flow(port)

    def is_new(self, port, before):
        """Whether the connection to that port is open, for two hours, and another than BEFORE."""
        flow = self.wait_for(port, "ESTABLISHED")
        return flow["timeout_seconds"] > 7000 and \
            (before is None or flow["original"]["packets"] < before["original"]["packets"])


RULES = {
    "snat": lambda family: ("[divert]\ndirection = forward\n"
                            f"[rule share]\nsrc = {CLIENT_NET[family]}\nsnat = {POOL[family]}\n"),
    "masquerade": lambda family: ("[divert]\ndirection = forward, in\n"
                                  f"[rule share]\nsrc = {CLIENT_NET[family]}\nmasquerade = yes\n"),
}


@pytest.fixture(name="shared", params=["snat", "masquerade"])
def shared_fixture(request, routed, family, daemons):
    """The peer knows the way to the shared address, and none to the clients."""
    routed.peer.ip_batch([f"route del {CLIENT_NET[family]}",
                          f"route add {POOL_NET[family]} via {HOST[family]}"])
    made = Shared(routed, family, POOL[family] if request.param == "snat" else HOST[family])
    made.daemon = daemons(routed.host)
    made.daemon.start(RULES[request.param](family))
    return made


def exchange(one, other, size=20000):
    """Data each way."""
    for sender, receiver in ((one, other), (other, one)):
        sender.sendall(b"x" * size)
        got = 0
        while got < size:
            data = receiver.recv(65536)
            assert data, "the connection ended"
            got += len(data)


def test_curl(shared, tmp_path):
    """A page of 300 KB; the server sees the shared address."""
    body = bytes(range(256)) * 1200
    (tmp_path / "page").write_bytes(body)
    with web_server(shared.peer, tmp_path, shared.family) as url:
        shared.client.run(["curl", "-sS", "--max-time", "10", "-o", str(tmp_path / "copy"),
                           url.format(FAR[shared.family]) + "page"])
    assert (tmp_path / "copy").read_bytes() == body


def test_dig(shared):
    with name_server(shared.peer, {"host.example": "192.0.2.77"}):
        for more in ([], ["+tcp"]):
            done = shared.client.run(["dig", "+short", "+tries=2", *more, f"@{FAR[shared.family]}",
                                      "host.example"])
            assert done.stdout.split() == ["192.0.2.77"]


def test_ping_and_traceroute(shared):
    """Queries, and errors that quote what was translated: the way is that of a host without NAT."""
    family = shared.family
    if shared.outside == HOST[6]:
        assert ping(shared.client, FAR[6], 1, patience=1) == (1, 0)
        pytest.xfail("ICMPv6 to the host itself is never diverted")
    assert ping(shared.client, FAR[family], 3) == (3, 3)
    for method in ([], ["-I"], ["-T", "-p", "81"]):
        done = shared.client.run(["traceroute", f"-{family}", "-n", "-q", "1", "-w", "2", "-m", "4",
                                  *method, FAR[family]])
        hops = re.findall(r"^ *\d+  (\S+)", done.stdout, re.MULTILINE)
        assert hops == [GATE[family], FAR[family]], done.stdout


def test_iperf3(shared):
    """Bulk TCP both ways, and a stream of datagrams."""
    for options in ("-n 20M", "-n 20M -R", "-u -b 20M -n 1M -l 1200"):
        said = iperf(shared.peer, shared.client, PEER[shared.family], options)
        assert re.search(r"receiver$", said, re.MULTILINE), said


def test_refused(shared):
    """A port that is closed: the reset comes to the client."""
    with shared.tcp(shared.client) as near, pytest.raises(ConnectionRefusedError):
        near.connect((PEER[shared.family], 7009))


def test_half_closed(shared):
    """The client has said all; the server still talks, for as long as in an open connection."""
    with shared.listen(7001) as listener:
        near, far, sender = shared.connect(listener)
        with near, far:
            assert sender[0] == shared.outside
            near.sendall(b"all")
            near.shutdown(socket.SHUT_WR)
            assert far.recv(10) == b"all" and far.recv(10) == b""
            assert shared.wait_for(7001, "FIN_WAIT")["timeout_seconds"] > 7000
            for _ in range(3):
                far.sendall(b"more")
                assert near.recv(10) == b"more"
            far.close()
            assert near.recv(10) == b""
            assert shared.wait_for(7001, "TIME_WAIT")["timeout_seconds"] <= 240


def test_reset(shared):
    """A reset ends the connection for the other side, and the same ports work again at once, as
    another connection."""
    before = None
    with shared.listen(7002) as listener:
        for _ in range(3):
            near, far, sender = shared.connect(listener, 40002)
            assert sender == (shared.outside, 40002)
            assert shared.is_new(7002, before)
            exchange(near, far, 100)
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            near.close()
            with pytest.raises(ConnectionResetError):
                far.recv(10)
            before = shared.wait_for(7002, "CLOSE")
            assert before["timeout_seconds"] <= 240
            far.close()


def test_time_wait_reuse(shared):
    """The server is in TIME-WAIT when a new connection with the same ports comes; it is new to us."""
    before = None
    with shared.listen(7003) as listener:
        for _ in range(3):
            near, far, sender = shared.connect(listener, 40003)
            assert sender == (shared.outside, 40003)
            assert shared.is_new(7003, before)
            exchange(near, far, 100)
            far.close()
            assert near.recv(10) == b""
            near.close()
            wait_until(lambda: ":40003" not in shared.client.run(["ss", "-Htan"]).stdout,
                       "the last ACK")
            assert "TIME-WAIT" in shared.peer.run(["ss", "-Htan"]).stdout
            before = shared.wait_for(7003, "TIME_WAIT")


def test_port_clash(shared):
    """Two hosts with one source port, to one server and port."""
    shared.client.ip(f"addr add {NEIGHBOUR[shared.family]}/{26 if shared.family == 4 else 64} "
                     f"dev eth0{' nodad' if shared.family == 6 else ''}")
    with shared.listen(7004) as listener:
        ends = [shared.connect(listener, 40004, address)
                for address in (CLIENT[shared.family], NEIGHBOUR[shared.family])]
        assert {sender[0] for _, _, sender in ends} == {shared.outside}
        assert len({sender[1] for _, _, sender in ends}) == 2
        for near, far, _ in ends + ends[::-1]:
            exchange(near, far)
        for near, far, _ in ends:
            near.close()
            far.close()


def nft(space, *commands):
    """Commands for nft in SPACE."""
    space.run(["nft", "; ".join(commands)])


def is_first_syn(data):
    """Of a connection, whoever begins it."""
    packet = parse(data)
    return TCP in packet and packet[TCP].flags == "S"


def test_simultaneous_open(shared, captures):
    """Both ends connect; neither listens (RFC 9293 3.5); the peer's SYN gets through, though the
    client's second one would do."""
    seen = captures(shared.client)
    nft(shared.peer, "add table inet mute",
        "add chain inet mute out { type filter hook output priority 0; }",
        "add rule inet mute out tcp flags & rst == rst drop")
    near = shared.tcp(shared.client, 40005)
    far = shared.tcp(shared.peer, 7005)
    near.settimeout(PATIENCE)
    opening = threading.Thread(target=near.connect, args=((PEER[shared.family], 7005),))
    opening.start()
    wait_until(lambda: any(flow["original"]["dport"] == 7005
                           for flow in ctl_lines(shared.daemon, "flows")), "the first SYN")
    far.connect((shared.outside, 40005))
    opening.join(PATIENCE)
    assert seen.one(is_first_syn).src == PEER[shared.family]
    assert shared.wait_for(7005, "ESTABLISHED")["timeout_seconds"] > 7000
    exchange(near, far)
    near.close()
    far.close()


@pytest.fixture(name="own")
def own_fixture(routed, family, daemons):
    """As with masquerade, and the host's own packets are diverted too."""
    routed.peer.ip_batch([f"route del {CLIENT_NET[family]}"])
    made = Shared(routed, family, HOST[family])
    made.daemon = daemons(routed.host)
    return made


def start(own, flows=""):
    """Its daemon."""
    rules = RULES["masquerade"](own.family).replace("forward, in", "out, forward, in")
    own.daemon.start(flows + rules)


def held(own):
    """How many resets of the host were held back."""
    return ctl_json(own.daemon, "status")["drops"].get("nat-reset-held", 0)


def test_rfc5382_req_4_simultaneous_open_that_begins_outside(own):
    """The peer's SYN comes first, and the host has nobody at that port: it is not refused, and the
    client's own SYN makes one connection of the two, in time also on a busy machine."""
    start(own, "[flows]\nnat-refuse-after = 1min\n")
    far = own.tcp(own.peer, 7008)
    far.settimeout(30 * SLOW)
    opening = threading.Thread(target=far.connect, args=((own.outside, 40008),))
    opening.start()
    wait_until(lambda: held(own) > 0, "the host's reset")
    near = own.tcp(own.client, 40008)
    near.settimeout(30 * SLOW)
    near.connect((PEER[own.family], 7008))
    opening.join(30 * SLOW)
    assert far.getpeername()[:2] == (own.outside, 40008)
    exchange(near, far)
    near.close()
    far.close()


def test_rfc5382_req_4_refused_after_six_seconds(own):
    """Nobody inside wants the connection: it is refused, though not before."""
    start(own)
    begin = time.monotonic()
    with own.tcp(own.peer, 7009) as far, pytest.raises(ConnectionRefusedError):
        far.settimeout(60 * SLOW)
        far.connect((own.outside, 40009))
    assert time.monotonic() - begin >= 6 and held(own) >= 1


def test_retransmitted_syn(shared):
    """The first SYN is lost behind the host: the second is of the same flow, with its mapping."""
    nft(shared.peer, "add table inet loss",
        "add chain inet loss in { type filter hook input priority 0; }",
        "add rule inet loss in tcp dport 7006 tcp flags & syn == syn drop")
    with shared.listen(7006) as listener:
        near = shared.tcp(shared.client, 40006)
        opening = threading.Thread(target=near.connect, args=((PEER[shared.family], 7006),))
        opening.start()
        wait_until(lambda: any(flow["original"]["dport"] == 7006
                               for flow in ctl_lines(shared.daemon, "flows")), "the first SYN")
        nft(shared.peer, "delete table inet loss")
        far, sender = listener.accept()
        opening.join(5)
        assert sender[:2] == (shared.outside, 40006)
        assert shared.wait_for(7006, "ESTABLISHED")["original"]["packets"] >= 3
        far.settimeout(PATIENCE)
        exchange(near, far)
        near.close()
        far.close()


def test_datagrams_of_many_ports(shared):
    """Each of 200 sockets gets its own answers."""
    with udp_socket(shared.peer, shared.family) as far:
        far.bind(("", 7007))
        far.settimeout(PATIENCE)
        sockets = [udp_socket(shared.client, shared.family) for _ in range(200)]
        for number, near in enumerate(sockets):
            near.connect((PEER[shared.family], 7007))
            near.send(b"%d" % number)
            data, sender = far.recvfrom(64)
            assert sender[0] == shared.outside
            far.sendto(b"re " + data, sender)
        for number, near in enumerate(sockets):
            assert near.recv(64) == b"re %d" % number
            near.close()
