# SPDX-License-Identifier: GPL-2.0-or-later
"""What is addressed to this host comes through the tun device: `direction = in`.

Each thing that this could break has a test of its own: neighbours, DHCP, loopback, strangers, TTL,
the kernel's own rule for table local, and what a crash leaves.
"""
import re
import socket
import struct
import time

import pytest

import state
from packets import Capture, has_payload, ip, parse, send, tcp, udp
from space import PATIENCE, wait_until, wire as join
from topology import CLIENT, FAR, GATE, HOST, PEER
from traffic import every_kind, ping, tun_packets, udp_socket, web_server

IN = "[divert]\ndirection = in\n"
BOTH = "[divert]\ndirection = out, forward, in\n"
COUNT = "".join(f"[rule {way}]\ndirection = {way}\n" for way in ("out", "forward", "in"))
IP_RECVTTL, IPV6_RECVHOPLIMIT, SO_BINDTODEVICE = 12, 51, 25
LOCAL = "0:\tfrom all lookup local"
NEW_ADDRESS = {4: "192.0.2.77", 6: "2001:db8:1::77"}
EARLY = ("net.ipv4.tcp_early_demux", "net.ipv4.udp_early_demux")


def local_rules(space, family):
    """The rules by which any packet for this host finds table local."""
    return [line for line in space.ip(f"-{family} rule").splitlines()
            if re.fullmatch(r"\d+:\tfrom all lookup local( proto \d+)?", line)]


def diverted(space, act, count):
    """Does ACT(); COUNT packets must have gone into the tun device meanwhile."""
    before = tun_packets(space)
    result = act()
    wait_until(lambda: tun_packets(space) - before >= count,
               lambda: f"{tun_packets(space) - before} packets diverted, not {count}")
    assert tun_packets(space) - before == count
    return result


def echo(space, family, port=9000):
    """A UDP socket of SPACE on PORT that receives TTLs too."""
    with space:
        made = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    made.settimeout(PATIENCE)
    made.bind(("" if family == 4 else "::", port))
    made.setsockopt(*((socket.IPPROTO_IP, IP_RECVTTL) if family == 4 else
                      (socket.IPPROTO_IPV6, IPV6_RECVHOPLIMIT)), 1)
    return made


def test_packets_arrive_byte_for_byte(wire, daemons, captures, family):
    """Of every kind, TTL and wrong checksums included; what is not diverted does not pass."""
    daemon = daemons(wire.host)
    daemon.start(IN)
    sent = every_kind(family, PEER[family], HOST[family])
    seen = captures(wire.host, "tun0")
    come = captures(wire.host, "eth0")
    send(wire.peer, *sent)
    protos = (1, 6, 17, 132) if family == 4 else (6, 17, 132)
    wanted = []
    for data in come.wait(len(sent)):
        packet = parse(data)
        layer = packet
        while family == 6 and layer.name != "Raw" and hasattr(layer, "nh") and \
                layer.nh in (0, 43, 44, 60):
            layer = layer.payload
        proto = packet.proto if family == 4 else layer.nh
        if proto in protos and (packet.ttl if family == 4 else packet.hlim) > 1:
            wanted.append(data)
    assert len(wanted) > 20
    assert sorted(seen.wait(len(wanted))) == sorted(wanted)
    statistics = daemon.statistics()
    assert statistics.totals["in"] == statistics.totals["out"] == len(wanted)


def test_programs_talk(wire, daemons, tmp_path, family):
    """TCP both ways with the direction of each packet right, ICMP, UDP with the TTL of the wire."""
    daemon = daemons(wire.host)
    daemon.start(BOTH + COUNT)
    (tmp_path / "file").write_bytes(bytes(range(256)) * 8000)
    with web_server(wire.host, tmp_path, family) as url:
        done = wire.peer.run(["curl", "-s", "-S", "--noproxy", "*", "-o", str(tmp_path / "got"),
                              url.format(HOST[family]) + "file"])
        assert done.returncode == 0
    assert (tmp_path / "got").read_bytes() == (tmp_path / "file").read_bytes()
    assert ping(wire.peer, HOST[family], 3) == (3, 3)
    assert ping(wire.host, FAR[family], 3) == (3, 3)
    rules = daemon.statistics().rules
    assert rules["out"][0] > 10 and rules["in"][0] > 10 and rules["forward"][0] == 0
    with echo(wire.host, family) as server:
        for ttl in (2, 3, 64, 254, 255):
            send(wire.peer, ip(family, PEER[family], HOST[family], ttl=ttl) / udp(7, 9000, b"t"))
            _, extra, _, _ = server.recvmsg(64, 64)
            assert struct.unpack("=i", extra[0][2])[0] == ttl


def test_rules_act_on_what_comes_in(wire, daemons, captures, family):
    daemon = daemons(wire.host)
    daemon.start(IN + "[rule no]\ndirection = in\nproto = tcp\ndport = 81\nverdict = reject\n"
                 "[rule gone]\nproto = udp\ndport = 9001\nverdict = drop\n"
                 "[rule moved]\nproto = udp\ndport = 9002\nset-dport = 9000\nset-ttl = 9\n")
    seen = captures(wire.peer)
    send(wire.peer, ip(family, PEER[family], HOST[family]) / tcp(4000, 81, "S"))
    refusal = seen.one(lambda data: parse(data).haslayer("TCP"))
    assert refusal["TCP"].flags == "RA" and refusal.src == HOST[family]
    with echo(wire.host, family) as server:
        for port, body in ((9001, b"lost"), (9002, b"moved")):
            send(wire.peer, ip(family, PEER[family], HOST[family]) / udp(7, port, body))
        data, extra, _, _ = server.recvmsg(64, 64)
        assert data == b"moved" and struct.unpack("=i", extra[0][2])[0] == 9
    assert daemon.statistics().drops == {"rejected": 1, "rule": 1}


STATEFUL = """table inet f {
    chain in {
        type filter hook input priority 0; policy drop;
        ct state invalid drop
        ct state established,related accept
        tcp dport 8000 ct state new accept
        meta l4proto ipv6-icmp accept
    }
}"""


def test_stateful_firewall(wire, daemons, tmp_path, family):
    """Seen twice by connection tracking, a packet is still of the same connection."""
    wire.host.run(["nft", STATEFUL])
    daemon = daemons(wire.host)
    daemon.start(BOTH)
    (tmp_path / "file").write_bytes(bytes(300000))
    curl = ["curl", "-s", "--noproxy", "*", "-o", str(tmp_path / "got"), "-m"]
    with web_server(wire.host, tmp_path, family) as url:
        wire.peer.run([*curl, "5", url.format(HOST[family]) + "file"])
        refused = url.format(HOST[family]).replace("8000", "8001")
        assert wire.peer.run([*curl, "0.3", refused], check=False).returncode == 28
    assert (tmp_path / "got").read_bytes() == bytes(300000)
    assert ping(wire.host, PEER[family], 2) == (2, 2)


def test_ttl_of_1_is_answered(wire, daemons, captures, family):
    """It cannot be diverted, and its sender is told."""
    daemon = daemons(wire.host)
    daemon.start(IN)
    seen = captures(wire.peer)
    with echo(wire.host, family):
        send(wire.peer, ip(family, PEER[family], HOST[family], ttl=1) / udp(7, 9000, b"one"))
        answer = seen.one(has_payload("one"))
    assert (answer["ICMP"].type == 11) if family == 4 else answer.haslayer("ICMPv6TimeExceeded")
    # Not so from who is excluded.
    daemon.reload(IN + f"exclude = {PEER[family]}\n")
    with echo(wire.host, family) as server:
        send(wire.peer, ip(family, PEER[family], HOST[family], ttl=1) / udp(7, 9000, b"one"))
        assert server.recv(64) == b"one"


def test_neighbours_and_what_has_no_route(wire, daemons, family):
    """ARP and neighbour discovery, both ways; multicast, broadcast, link-local; loopback."""
    daemon = daemons(wire.host)
    daemon.start(IN)
    for space in (wire.host, wire.peer):
        space.ip("neigh flush all")
    diverted(wire.host, lambda: ping(wire.peer, HOST[family], 2), 2 if family == 4 else 0)
    wire.host.ip("neigh flush all")
    assert ping(wire.host, PEER[family]) == (1, 1)
    before = tun_packets(wire.host)
    assert ping(wire.host, HOST[family]) == ping(wire.host, "127.0.0.1") == (1, 1)
    assert tun_packets(wire.host) == before, "what this host sends to itself is its own business"
    with echo(wire.host, family) as server:
        if family == 4:
            targets = ["192.0.2.255", "255.255.255.255"]
        else:
            link = [address["local"] for each in wire.host.ip_json("addr show dev eth0")
                    for address in each["addr_info"] if address["local"].startswith("fe80")]
            targets = ["ff02::1", link[0]]
        for target in targets:
            with udp_socket(wire.peer, family) as sender:
                sender.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"eth0")
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sender.sendto(target.encode(), (target, 9000))
            assert server.recv(64) == target.encode()
        assert tun_packets(wire.host) == before
        # From a link-local address to a global one: a forwarding host would refuse it.
        source = "169.254.7.7" if family == 4 else "fe80::7777"
        wire.host.ip(f"neigh replace {source} lladdr 02:00:00:00:00:07 dev eth0")
        send(wire.peer, ip(family, source, HOST[family]) / udp(7, 9000, b"near"))
        assert server.recv(64) == b"near"
    assert tun_packets(wire.host) == before


def test_dhcp(wire, daemons):
    """Sockets bound to a device get what is for them, unicast as well."""
    daemon = daemons(wire.host)
    daemon.start(IN)
    before = tun_packets(wire.host)
    for family, port in ((4, 67), (4, 68), (6, 546), (6, 547)):
        with wire.host:
            bound = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6,
                                  socket.SOCK_DGRAM)
        with bound:
            bound.settimeout(PATIENCE)
            bound.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"eth0")
            bound.bind(("", port))
            send(wire.peer, ip(family, PEER[family], HOST[family]) / udp(port, port, b"unicast"))
            assert bound.recv(64) == b"unicast"
            if family == 4:
                packet = ip(4, "0.0.0.0", "255.255.255.255") / udp(port, port, b"discover")
                mac = bytes.fromhex("ffffffffffff020000000001")
                with wire.peer, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
                    raw.sendto(mac + b"\x08\x00" + bytes(packet), ("eth0", 0))
                assert bound.recv(64) == b"discover"
    assert tun_packets(wire.host) == before


def test_strangers_are_not_routed(routed, daemons, family):
    """Not while it runs, not after a crash, not after a stop; a host that routed goes on."""
    host, client = routed.host, routed.client
    assert ping(client, FAR[family]) == (1, 1)
    daemon = daemons(host)
    daemon.start(IN)
    assert "blackhole" not in host.ip(f"-{family} rule")
    assert ping(client, FAR[family]) == (1, 1)
    assert daemon.stop() == 0
    host.sysctl("net.ipv4.ip_forward", 0)
    host.sysctl("net.ipv6.conf.all.forwarding", 0)
    before = state.snapshot(host)
    for end in ("stop", "kill"):
        daemon.start(IN)
        assert host.sysctl("net.ipv4.conf.lan.forwarding") == "1"
        with Capture(routed.peer, "eth0") as seen:
            send(client, ip(family, CLIENT[family], FAR[family]) / udp(1, 2, b"stranger"))
            assert ping(client, GATE[family]) == ping(client, HOST[family]) == (1, 1)
            getattr(daemon, end)()
            send(client, ip(family, CLIENT[family], FAR[family]) / udp(1, 2, b"stranger"))
            assert ping(client, HOST[family]) == (1, 1)
            assert seen.all(has_payload("stranger")) == []
    assert daemon.once("--cleanup", config=IN).returncode == 0
    assert state.compare(before, state.snapshot(host)) == ""


def test_addresses_come_and_go(wire, daemons, family):
    """Each has its route at once, whatever the device; a foreign flush is made good."""
    daemon = daemons(wire.host)
    daemon.start(IN)
    new = NEW_ADDRESS[family]
    table = lambda: wire.host.ip(f"-{family} route show table 101")
    assert new not in table()
    wire.host.ip(f"addr add {new}/{32 if family == 4 else 128} dev lo")
    wait_until(lambda: new in table(), "a route for the new address")
    wire.peer.ip(f"route add {new} via {HOST[family]}")
    with echo(wire.host, family) as server:

        def one_after_the_other():
            send(wire.peer, ip(family, PEER[family], new) / udp(7, 9000, b"a"))
            assert server.recv(64)
            send(wire.peer, ip(family, PEER[family], new) / udp(7, 9000, b"b"))

        diverted(wire.host, one_after_the_other, 2)
    wire.host.ip(f"-{family} route flush table 101")
    wait_until(lambda: new in table() and HOST[family] in table(), "the routes again")
    wire.host.ip(f"addr del {new}/{32 if family == 4 else 128} dev lo")
    wait_until(lambda: new not in table(), "no route for what is not ours")
    assert "default" not in table()
    assert daemon.stop() == 0


def turns(text):
    """How few rules for table local there were at any time, by what `ip monitor` told."""
    there, fewest = 1, 1
    for line in text.splitlines():
        if re.search(r"\d+:\s+from all lookup local( proto \d+)?\s*$", line):
            there += -1 if line.startswith("Deleted") else 1
            fewest = min(fewest, there)
    return there, fewest


def test_the_local_rule_is_never_away(wire, daemons, family):
    """Start, a device more, a reload, a foreign deletion, and stop, as the kernel tells of them."""
    host = wire.host
    before = state.snapshot(host)
    monitor = host.popen(f"ip -{family} monitor rule", stdout=-1)
    time.sleep(0.1)
    daemon = daemons(host)
    daemon.start(IN)
    text = lambda: host.ip(f"-{family} rule")
    lines = text().splitlines()
    assert not any(line.startswith("0:") for line in lines[lines.index(LOCAL) + 1:]), text()
    join(host, "eth1", wire.peer, "eth1")
    wait_until(lambda: "iif eth1 ipproto tcp lookup 101" in text(), text)
    daemon.reload(IN + f"exclude = {FAR[4]}, {FAR[6]}\nexclude-port = tcp/22\n")
    lines = text().splitlines()
    assert lines.index(LOCAL) > [number for number, line in enumerate(lines)
                                 if "iif eth1 ipproto tcp" in line][0] > \
        [number for number, line in enumerate(lines) if FAR[family] in line][0], text()
    for rule in ("iif eth0 ipproto tcp lookup 101", "iif eth1 ipproto udp lookup 101"):
        host.ip(f"-{family} rule del pref 0 {rule}")
        wait_until(lambda: rule in text(), text)  # pylint: disable=cell-var-from-loop
    host.ip(f"-{family} rule flush")
    assert LOCAL in text()
    host.ip(f"-{family} rule add pref 32766 lookup main protocol kernel")
    if family == 4:
        host.ip("-4 rule add pref 32767 lookup default protocol kernel")
    wait_until(lambda: "iif eth1 blackhole" in text(), text)
    assert ping(wire.peer, HOST[family]) == (1, 1)
    assert daemon.stop() == 0
    host.ip("link del eth1")
    time.sleep(0.1)
    monitor.terminate()
    assert turns(monitor.communicate()[0]) == (1, 1)
    assert state.compare(before, state.snapshot(host)) == ""


def test_killed_at_every_moment(wire, daemons):
    """Of the start and of the stop: the host works, and the next start or --cleanup makes it whole."""
    host = wire.host
    before = state.snapshot(host)
    early = [host.sysctl(name) for name in EARLY]
    daemon = daemons(host)
    took = daemon.start(BOTH)
    running = state.snapshot(host)
    assert daemon.stop() == 0
    for step in range(16):
        process = host.popen(daemon.command("-c", str(daemon.config)))
        time.sleep(took * (step + 0.5) / 14)
        process.kill()
        process.wait()
        wait_until(lambda: "tun0" not in str(host.ip_json("link show")), "tun0 gone")
        assert local_rules(host, 4) and local_rules(host, 6)
        assert ping(wire.peer, HOST[4]) == ping(wire.peer, HOST[6]) == (1, 1), f"step {step}"
        if step % 2:
            daemon.start(BOTH)
            assert state.compare(running, state.snapshot(host)) == "", f"step {step}"
            assert daemon.stop() == 0
        else:
            assert daemon.once("--cleanup").returncode == 0
        assert state.compare(before, state.snapshot(host)) == "", f"step {step}"
        assert [host.sysctl(name) for name in EARLY] == early, f"step {step}"


@pytest.mark.parametrize("stage", ["stand-in added", "rule deleted", "rules added", "rule back"])
def test_killed_in_the_middle_of_a_turn(wire, daemons, stage):
    """Each state of the turn, made by hand as a killed daemon would leave it."""
    host = wire.host
    before = state.snapshot(host)
    daemon = daemons(host)
    stages = ["stand-in added", "rule deleted", "rules added", "rule back"]
    for family in (4, 6):
        steps = ["rule add pref 1 lookup local protocol 213",
                 "rule del pref 0 lookup local protocol kernel",
                 "rule add pref 0 iif eth0 ipproto tcp lookup 101 protocol 213",
                 "rule add pref 0 lookup local protocol kernel"]
        for line in steps[:stages.index(stage) + 1]:
            host.ip(f"-{family} {line}")
    assert ping(wire.peer, HOST[4]) == ping(wire.peer, HOST[6]) == (1, 1)
    # A start without `in` puts right what is left as well.
    daemon.start("[main]\n")
    assert [len(local_rules(host, family)) for family in (4, 6)] == [1, 1]
    assert "101" not in host.ip("-4 rule") + host.ip("-6 rule")
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(host)) == ""


def test_connection_lives_through_start_crash_and_stop(wire, daemons, family):
    """And early demultiplexing is off only while it has to be."""
    before = state.snapshot(wire.host)
    early = [wire.host.sysctl(name) for name in EARLY]
    assert early == ["1", "1"]
    with wire.host:
        server = socket.create_server(("" if family == 4 else "::", 9100),
                                      family=socket.AF_INET if family == 4 else socket.AF_INET6)
    with wire.peer:
        made = socket.create_connection((HOST[family], 9100), 5)
    accepted, _ = server.accept()
    accepted.settimeout(PATIENCE)

    def talks():
        made.sendall(b"ping")
        return accepted.recv(64) == b"ping"

    daemon = daemons(wire.host)
    with server, made, accepted:
        assert talks()
        daemon.start(IN)
        assert [wire.host.sysctl(name) for name in EARLY] == ["0", "0"]
        used = tun_packets(wire.host)
        assert talks() and tun_packets(wire.host) > used
        daemon.reload("[main]\n")
        assert [wire.host.sysctl(name) for name in EARLY] == early
        assert talks()
        daemon.reload(IN)
        assert talks()
        daemon.kill()
        assert talks()
        daemon.start(IN)
        assert talks()
        assert daemon.stop() == 0
        assert talks()
    assert [wire.host.sysctl(name) for name in EARLY] == early
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_closed(wire, daemons, family):
    """After a crash nothing comes in but what is never diverted; --cleanup keeps that so."""
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    closed = IN + "on-exit = closed\nexclude-port = udp/9005\n"
    daemon.start(closed)
    with echo(wire.host, family) as server, echo(wire.host, family, 9005) as excluded:
        come = lambda: send(wire.peer, ip(family, PEER[family], HOST[family]) / udp(7, 9000, b"x"),
                            ip(family, PEER[family], HOST[family]) / udp(7, 9005, b"y"))
        come()
        assert server.recv(64) == b"x" and excluded.recv(64) == b"y"
        daemon.kill()
        wait_until(lambda: "tun0" not in str(wire.host.ip_json("link show")), "tun0 gone")
        for again in (False, True):
            if again:
                assert daemon.once("--cleanup", config=closed).returncode == 0
            come()
            assert excluded.recv(64) == b"y"
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.recv(64)
            server.settimeout(PATIENCE)
        assert daemon.once("--cleanup", config=IN).returncode == 0
        come()
        assert server.recv(64) == b"x"
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_one_instance_at_a_time(wire, daemons):
    """And none where somebody has moved the kernel's rule."""
    first, second = daemons(wire.host), daemons(wire.host)
    second.run_directory = first.run_directory
    first.start(IN)
    other = "[tun]\nname = tun1\n[divert]\ndirection = in\ntable = 200\ndivert-priority = 30000\n"
    done = second.once(config=other)
    assert done.returncode == 1 and "is running with this direction (in)" in done.stderr
    second.start(other.replace("direction = in", "direction = out"))
    assert "refused" in second.reload(other)
    for family in (4, 6):
        assert not re.search(r"iif tun1 .*(blackhole|lookup 101)", wire.host.ip(f"-{family} rule"))
    assert ping(wire.peer, HOST[4]) == (1, 1)
    assert first.stop() == 0
    assert "refused" not in second.reload(other)
    assert second.stop() == 0
    for family in (4, 6):
        wire.host.ip(f"-{family} rule add pref 10 lookup local")
        wire.host.ip(f"-{family} rule del pref 0")
    before = state.snapshot(wire.host)
    done = first.once(config=IN)
    assert done.returncode == 1, done.stderr
    assert "needs the ipv4 rule `0: from all lookup local`" in done.stderr
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_translated_answers_are_forwarded(routed, daemons, captures, family):
    """What a rule sends on to another host leaves as a router would send it."""
    daemon = daemons(routed.host)
    daemon.start(BOTH + f"[rule on]\ndirection = in\nproto = udp\ndport = 9000\nfamily = ipv{family}\n"
                 f"set-dst = {CLIENT[family]}\n")
    seen = captures(routed.client)
    send(routed.peer, ip(family, PEER[family], HOST[family], ttl=64) / udp(7, 9000, b"answer"))
    packet = seen.one(has_payload("answer"))
    assert packet.dst == CLIENT[family] and packet.src == PEER[family]
    assert (packet.ttl if family == 4 else packet.hlim) == 63
