# SPDX-License-Identifier: GPL-2.0-or-later
"""Live packets as they are told to those who watch: ipmodctl monitor and the stream behind it."""
import contextlib
import os
import pathlib
import re
import socket
import time

import pytest

from control import Client, ctl
from daemon import SLOW
from packets import ip, send, tcp, udp
from space import PATIENCE
from topology import FAR, HOST, PEER
from traffic import iperf, ping, udp_socket
from watching import watch

RULES = """[rule dns]
proto = udp
dport = 53
set-dscp = ef
set-ttl = 9
[rule web]
proto = tcp
dport = 80
verdict = drop
[rule refused]
proto = udp
dport = 99
verdict = reject
"""


def datagram(family, dport=53, payload=b"question", **fields):
    """From the host to the world."""
    return ip(family, HOST[family], FAR[family], **fields) / udp(4000, dport, payload)


def address_space(daemon):
    """Bytes of address space that the daemon has."""
    text = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmSize:\s+(\d+) kB", text, re.M).group(1)) << 10


def resident(daemon):
    """Bytes of memory that the daemon has in use."""
    text = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.M).group(1)) << 10


def test_a_line_for_each_packet(wire, daemons, family):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    name = "IP" if family == 4 else "IP6"
    with watch(daemon, "monitor") as monitor:
        send(wire.host, datagram(family, ttl=33),
             ip(family, HOST[family], FAR[family]) / tcp(4001, 80, "S", seq=7),
             datagram(family, 99))
        lines = monitor.lines(4)
        ping(wire.host, FAR[family])
        lines = monitor.lines(5)
        assert monitor.end() == 0
    time_of_day = r"^\d\d:\d\d:\d\d\.\d{6} out "
    assert all(re.match(time_of_day, line) for line in lines), lines
    lines = [re.sub(time_of_day, "", line) for line in lines]
    ends = f"{HOST[family]}.4000 > {FAR[family]}"
    extra = 20 if family == 6 else 0
    assert lines[0] == f"{name} {ends}.53: udp, ttl 33, length {36 + extra} | dns | out, " \
                       "ttl 33 -> 9, dscp cs0 -> ef"
    assert lines[1].startswith(f"{name} {HOST[family]}.4001 > {FAR[family]}.80: Flags [S], seq 7, ")
    assert lines[1].endswith(f"length {40 + extra} | web | drop (rule)")
    assert lines[2] == f"{name} {ends}.99: udp, ttl 64, length {36 + extra} | refused | " \
                       "drop (rejected)"
    assert lines[3].startswith(f"{name} {FAR[family]} > {HOST[family]}: icmp")
    assert lines[3].endswith("| - | answer")
    assert "echo-request" in lines[4] and lines[4].endswith("| - | out")


def test_bytes_before_and_after(wire, daemons, captures, family):
    """What is told of a packet is what was sent, and what left, to the byte."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    seen = captures(wire.peer)
    sent = bytes(datagram(family, ttl=33, payload=bytes(range(256))))
    with watch(daemon, "-j", "monitor", "--snaplen", "65535") as monitor:
        send(wire.host, sent)
        event = monitor.events(1)[0]
    arrived = seen.wait(1)[0]
    after = bytes.fromhex(event["data_after"])
    assert bytes.fromhex(event["data"]) == sent and event["length"] == len(sent)
    assert after == arrived and event["length_after"] == len(arrived)
    assert event["rules"] == [{"name": "dns", "actions": "set-dscp = ef, set-ttl = 9"}]
    assert event["fate"] == "out" and event["direction"] == "out"
    assert abs(event["time_ns"] / 1e9 - time.time()) < 60


def test_filters_samples_and_stages(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with contextlib.ExitStack() as stack:
        begin = lambda *words: stack.enter_context(watch(daemon, "-j", "monitor", *words))
        dns = begin("proto=udp", "dport=53")
        far = begin("dst=198.51.100.0/24, !198.51.100.1")
        words = begin('payload="needle"')
        sample = begin("--sample", "5", "proto=udp", "dport=53")
        dropped = begin("--stage", "drop")
        left = begin("--stage", "out", "proto=tcp")
        two = begin("-c", "2")
        packets = [datagram(4, 53, b"hay") for _ in range(20)]
        packets += [datagram(4, 54, b"a needle in it"), datagram(4, 80, b""),
                    ip(4, HOST[4], FAR[4]) / tcp(1, 80, "S"),
                    ip(4, HOST[4], "198.51.100.7") / tcp(1, 81, "S")]
        send(wire.host, *packets)
        assert len(dns.events(20)) == 20
        assert len(far.events(1)) == 1
        assert [len(bytes.fromhex(event["data"])) for event in words.events(1)] == [42]
        assert len(sample.events(4)) == 4
        assert [event["reason"] for event in dropped.events(1)] == ["rule"]
        assert [event["fate"] for event in left.events(1)] == ["out"]
        assert two.process.wait(PATIENCE) == 0 and len(two.events()) == 2
        numbers = [event["number"] for event in dns.events()]
        assert numbers == list(range(numbers[0], numbers[0] + 20))


@pytest.mark.parametrize("words,text", [
    (["dport=x"], "dport: 'x' is not a port"), (["tcp"], "no KEY=VALUE such as proto=tcp"),
    (["proto=udp", "tcp-flags=syn"], "contradicts proto = udp"), (["prto=tcp"], "mean 'proto'"),
    (["dst=@x"], "a filter has no sets"), (["limit=5/s"], "take a sample instead"),
    (["state=new"], "no flows are followed"), (["verdict=drop"], "is no match"),
    (["log=info"], "is no match"), (["proto=tcp", "proto=udp"], "twice"), (["dport="], "no value"),
    (["--sample", "0"], "--sample: '0' is not a number from 1"),
    (["--snaplen", "5"], "--snaplen: '5' is not a number from 20"),
    (["--stage", "up"], "in, out and drop"), (["-c", "none"], "number of packets"),
    (["payload-regex=("], "payload-regex"), (["dst=" + "9" * 5000], "dst"), (["=1"], "KEY=VALUE"),
    (["dport=1"] * 300, "too many words"), (["probability=50%"], "take a sample")])
def test_wrong_filters(wire, daemons, words, text):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    done = ctl(daemon, "monitor", *words)
    assert done.returncode == 2 and text in done.stderr, done.stderr
    assert ping(wire.host, FAR[4]) == (1, 1)


def test_wrong_watches_of_flows(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    for words, text in (
            (["--event", "old"], "not a list of new, update and end"), (["--event", ""], "not a list"),
            (["--stage", "in"], "--stage is for packets"), (["ttl=3"], "is no filter"),
            (["--sample", "2"], "--sample is for packets"), (["sport=http"], "sport is a port"),
            (["rule=none"], "in force"), (["state=open"], "a state of TCP"),
            (["src=2"], "an address"), (["proto=tcp"] * 300, "too many")):
        done = ctl(daemon, "monitor", "--flows", *words)
        assert done.returncode == 2 and text in done.stderr, done.stderr
    done = ctl(daemon, "monitor", "--event", "new")
    assert done.returncode == 2 and "--event is for --flows" in done.stderr
    with Client(daemon) as client:
        assert not client.ask("monitor-flows proto=tcp")["follows_flows"]
        assert client.ask("status")["pid"] == daemon.process.pid  # another line ends a stream


def test_filters_on_flows(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start("[rule counted]\nflow-packets = 1000-\nset-dscp = ef\n")
    with watch(daemon, "-j", "monitor", "state=established") as old, \
            watch(daemon, "-j", "monitor", "flow-packets=3", "direction=out") as third:
        ping(wire.host, FAR[4], 5)
        assert len(third.events(1)) == 1
        assert old.events() == []  # replies come in another way
    daemon.reload("[rule none]\ndport = 1\nset-dscp = ef\n")
    assert ctl(daemon, "monitor", "state=new").returncode == 2


def test_twenty_watch_at_once(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(daemon)) for _ in range(32)]
        for number, client in enumerate(clients):
            assert client.ask(f"monitor dport={5000 + number}")["event"] == "start"
        with Client(daemon) as one_more:
            assert one_more.ask("monitor")["error"]["code"] == "busy"
        send(wire.host, *[datagram(4, 5000 + number) for number in range(32)])
        for client in clients:
            event = client.hear()
            assert event["event"] == "packet" and event["rules"] == []
        assert len({clients[0].ask("status")["pid"]}) == 1  # a further line ends a stream
        with Client(daemon) as one_more:
            assert one_more.ask("monitor")["event"] == "start"


def pass_datagrams(net, count, burst=50):
    """COUNT datagrams from the host to the peer, some at a time: one that is lost is a timeout.

    No queue on the way is ever filled by so few, however slow a machine is.
    """
    with udp_socket(net.peer, 4, PEER[4]) as receiver, udp_socket(net.host, 4) as sender:
        sender.connect(receiver.getsockname())
        for _ in range(count // burst):
            for _ in range(burst):
                sender.send(bytes(200))
            for _ in range(burst):
                receiver.recv(201)


def test_who_does_not_read_slows_nothing(wire, daemons):
    """Memory is bounded, what is left out is counted, and every packet arrives."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with Client(daemon) as idle, Client(daemon) as reader:
        assert idle.ask("monitor --snaplen 1500")["event"] == "start"
        before = resident(daemon)
        pass_datagrams(wire, 12500)
        assert resident(daemon) - before < 16 << 20
        assert reader.ask("status")["packets"]["in"] > 10000
        packets = lost = 0
        while packets + lost < 10000:
            event = idle.hear()
            packets += event["event"] == "packet"
            lost += event.get("lost", 0)
        assert lost > 0 and packets > 100


def test_every_packet_is_told_or_counted(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with Client(daemon) as client:
        client.ask("monitor --snaplen 1500 dport=5999")
        packet = datagram(4, 5999, bytes(1400))
        for _ in range(10):
            send(wire.host, *[packet] * 300)
        told = lost = 0
        while told + lost < 3000:
            event = client.hear()
            told += event["event"] == "packet"
            lost += event.get("lost", 0)
        assert told + lost == 3000 and told > 0


def test_who_is_killed_leaves_nothing(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    ping(wire.host, FAR[4])
    sizes = []
    for _ in range(6):
        with watch(daemon, "monitor") as monitor:
            ping(wire.host, FAR[4], 3)
            monitor.process.kill()
            monitor.process.wait()
            assert ping(wire.host, FAR[4], 3) == (3, 3)
        sizes.append(address_space(daemon))
    assert sizes[5] <= sizes[1] + (1 << 20), sizes  # a tap has 4 MiB of it


def test_a_reload_meanwhile(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start("[rule old]\nproto = icmp\nset-dscp = ef\n")
    with watch(daemon, "-j", "monitor", "proto=icmp") as monitor:
        ping(wire.host, FAR[4])
        for number in range(5):
            daemon.reload(f"[rule new{number}]\nproto = icmp\nset-ttl = {number + 5}\n")
            ping(wire.host, FAR[4])
        events = monitor.events(6)
    assert [event["rules"][0]["name"] for event in events] == \
        ["old", "new0", "new1", "new2", "new3", "new4"]
    assert events[5]["rules"][0]["actions"] == "set-ttl = 9"


def test_a_super_packet_that_is_split(wire, daemons):
    """The whole first, then its segments under the same number, each with the rules of both."""
    if os.environ.get("IPMODD_OFFLOAD") == "off":
        pytest.skip("no super-packets")
    daemon = daemons(wire.host)
    daemon.start("[rule whole]\nproto = tcp\ndport = 5201\nset-dscp = ef\n"
                 "[rule single]\nproto = tcp\ndport = 5201\nset-ip-id = 7\n")
    with watch(daemon, "-j", "monitor", "dport=5201") as monitor:
        iperf(wire.peer, wire.host, FAR[4], "-n 300K")
        events = monitor.events(1)
        while not (whole := [event for event in events if event["fate"] == "split"]) or \
                len(parts := [event for event in events if event["number"] == whole[0]["number"]
                              and "segment" in event]) < whole[0]["segments"]:
            events = monitor.events(len(events) + 1)
    assert [part["segment"] for part in parts] == list(range(1, whole[0]["segments"] + 1))
    for part in parts:
        assert part["fate"] == "out"
        assert [rule["name"] for rule in part["rules"]] == ["whole", "single"]
    assert [rule["name"] for rule in whole[0]["rules"]] == ["whole"]
    assert sum(part["length"] - 52 for part in parts) == whole[0]["length"] - 52


def test_malformed_packets_too(wire, daemons, captures):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with watch(daemon, "monitor") as monitor:
        with wire.host:
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        with raw:
            raw.sendto(b"\x45\0\0\x14", ("tun0", 0x0800))
        line = monitor.lines(1)[0]
    assert "malformed" in line and "| - | drop (" in line and "length 4" in line


def test_who_may_watch(wire, daemons):
    """The contents of packets are for root and the daemon's user, not for those who may look."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    daemon.directory.chmod(0o755)
    with Client(daemon) as client:
        commands = {command["command"]: command for command in client.ask("commands")["commands"]}
    assert commands["monitor"]["packets"] and not commands["monitor"]["changes"]
    assert ctl(daemon, "status", user=65534, group=0, extra_groups=[]).returncode == 0
    for words in (["monitor"], ["monitor", "--flows"]):
        done = ctl(daemon, *words, user=65534, group=0, extra_groups=[])
        assert done.returncode == 4 and "root and the daemon's user" in done.stderr


def test_a_reader_that_goes_away(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    reading, writing = os.pipe()
    with watch(daemon, "monitor", stdout=writing) as monitor:
        os.close(writing)
        os.close(reading)
        ping(wire.host, FAR[4], 3)
        assert monitor.process.wait(5 * SLOW) == 0
    with watch(daemon, "monitor") as monitor:
        daemon.stop()
        assert monitor.process.wait(5 * SLOW) == 3 and "hung up" in monitor.errors()


def test_four_queues(wire, daemons):
    """Each has numbers of its own."""
    daemon = daemons(wire.host)
    daemon.start("[tun]\nqueues = 4\n" + RULES if not os.environ.get("IPMODD_QUEUES") else RULES)
    with watch(daemon, "-j", "monitor", "proto=udp", "-c", "64") as monitor:
        send(wire.host, *[ip(4, HOST[4], FAR[4]) / udp(3000 + n, 5000 + n, b"") for n in range(64)])
        assert monitor.process.wait(5 * SLOW) == 0
        events = monitor.events(64)
    assert len({(event["queue"], event["number"]) for event in events}) == 64
