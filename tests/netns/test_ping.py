# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl ping: requests out of the tun device, answers back to it, and why there are none.

The host forwards, translates the tun device's network on its uplink, and the peer knows nothing of
that network; each test takes one condition away.
"""
import json
import re
import threading

import pytest

from control import Client, ctl
from packets import parse
from space import wait_until
from topology import FAR, HOST, NOBODY

OWN = {4: "192.168.69.100/24", 6: "fd00:69::100/64"}
SOURCE = {4: "192.168.69.1", 6: "fd00:69::1"}
OTHER = {4: "192.168.69.7", 6: "fd00:69::7"}
ECHO = bytes(range(56))  # the data of a request
NET = {4: "192.168.69.0/24", 6: "fd00:69::/64"}
CONFIG = f"[tun]\naddress = {OWN[4]}, {OWN[6]}\n"


def sysctl_forwarding(space, on):
    space.sysctl("net.ipv4.ip_forward", on)
    space.sysctl("net.ipv6.conf.all.forwarding", on)


def tool(family):
    return "iptables" if family == 4 else "ip6tables"


@pytest.fixture
def pinger(wire, daemons):
    """pinger(config) starts the daemon of a host in which a ping works."""
    def start(config=CONFIG):
        sysctl_forwarding(wire.host, 1)
        for family in (4, 6):
            wire.host.run(f"{tool(family)} -t nat -A POSTROUTING -s {NET[family]} -o eth0 "
                          "-j MASQUERADE")
        daemon = daemons(wire.host)
        daemon.start(config)
        return daemon
    return start


def ask(daemon, *arguments, code=0):
    """The events of a ping."""
    with daemon.space:
        done = ctl(daemon, "-j", "ping", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


FAST = ("-i", "0.02", "-W", "5")  # an answer ends the waiting
SILENT = ("-i", "0.02", "-W", "0.3")


def test_answers(pinger, wire, captures, family):
    """On the wire the source is the uplink's; the answer is told with its TTL and time."""
    daemon = pinger()
    capture = captures(wire.peer)
    events = ask(daemon, "-c", "3", *FAST, FAR[family])
    assert events[0]["src"] == SOURCE[family] and events[0]["dst"] == FAR[family]
    replies = [event for event in events if event["event"] == "reply"]
    assert [event["seq"] for event in replies] == [0, 1, 2]
    # The peer's 64, less one for being forwarded to the tun device.
    assert all(event["from"] == FAR[family] and event["ttl"] == 63 and 0 < event["rtt_ms"] < 5000
               for event in replies)
    assert events[-1] == {"schema": 1, "event": "end", "sent": 3, "received": 3}
    seen = capture.all(lambda packet: ECHO in packet)
    assert len(seen) == 3
    assert all(parse(packet).src != SOURCE[family] for packet in seen)
    assert daemon.statistics().drops["own-prefix"] == 3
    with daemon.space:
        text = ctl(daemon, "ping", "-c", "1", "-s", OTHER[family], FAR[family]).stdout
    assert f"from {OTHER[family]}" in text and "1 sent, 1 answered" in text and "ttl 63" in text
    took = re.search("^seq 0 from .*, ([0-9.]+) ms$", text, re.MULTILINE).group(1)
    assert text.splitlines()[-1] == f"rtt min/avg/max {took}/{took}/{took} ms"


def test_errors_and_silence(pinger, wire, family):
    """An error that quotes the request ends the waiting for it; silence does with the timeout."""
    daemon = pinger()
    wire.host.ip(f"route add unreachable {NOBODY[family]}")
    events = ask(daemon, "-c", "1", *FAST, NOBODY[family], code=1)  # the kernel tells few errors
    kinds = [event["event"] for event in events]
    assert kinds[-2:] == ["end", "diagnosis"] and kinds.count("error") == 1
    assert all("type" in event for event in events if event["event"] == "error")
    with daemon.space:
        text = ctl(daemon, "ping", "-c", "1", *FAST, NOBODY[family]).stdout
    assert re.search(r"^seq 0 from .*: ICMP (?!error)[a-z-]+ \(type \d+ code \d+\)$", text,
                     re.MULTILINE), text
    wire.peer.run(f"{tool(family)} -I INPUT -d {FAR[family]} -j DROP")
    events = ask(daemon, "-c", "2", *SILENT, FAR[family], code=1)
    assert [event["event"] for event in events] == ["start", "timeout", "timeout", "end",
                                                    "diagnosis"]
    assert events[-1]["findings"] == []
    with daemon.space:
        done = ctl(daemon, "ping", "-c", "1", "-W", "0.1", FAR[family])
    assert "no answer" in done.stdout and "nothing on this host keeps an answer away" in done.stdout


def mends(daemon, check, family, mend=None):
    """No answer for that reason, and for no other; with the mend there is one."""
    events = ask(daemon, "-c", "1", "-W", "0.15", FAR[family], code=1)
    [finding] = events[-1]["findings"]
    assert finding["check"] == check, finding
    daemon.space.run(["sh", "-ec", finding["mend"]])
    assert mend is None or finding["mend"] == mend
    assert ask(daemon, "-c", "1", "-W", "5", FAR[family])[-1]["received"] == 1


def test_forwarding_is_missing(pinger, wire, family):
    daemon = pinger()
    sysctl_forwarding(wire.host, 0)
    # What the daemon has of its own is not what is taken away.
    wait_until(lambda: wire.host.sysctl("net.ipv4.conf.tun0.forwarding") == "1", "tun0's forwarding")
    mends(daemon, "forwarding", family)


def test_masquerade_is_missing(pinger, wire, family):
    daemon = pinger()
    wire.host.run(f"{tool(family)} -t nat -F POSTROUTING")
    mends(daemon, "masquerade", family, f"{tool(family)} -t nat -A POSTROUTING -s {NET[family]} "
                                        "-o eth0 -j MASQUERADE")


def test_forward_chain_drops(pinger, wire, family):
    """Both ways have to be let through, and each is said."""
    daemon = pinger()
    wire.host.run(f"{tool(family)} -P FORWARD DROP")
    events = ask(daemon, "-c", "1", "-W", "0.15", FAR[family], code=1)
    findings = events[-1]["findings"]
    assert [finding["check"] for finding in findings] == ["forward-chains"] * 2
    for finding in findings:
        wire.host.run(finding["mend"])
    assert ask(daemon, "-c", "1", FAR[family])[-1]["received"] == 1


def test_rp_filter_is_strict(pinger, wire):
    """The daemon loosens it again, and answers come; what it would say is the doctor's to test."""
    daemon = pinger()
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    wait_until(lambda: wire.host.sysctl("net.ipv4.conf.eth0.rp_filter") == "2", "the loose filter")
    assert ask(daemon, "-c", "1", FAR[4])[-1]["received"] == 1


def test_sources_that_get_no_answer(pinger):
    """Refused before anything is sent, with what would be right."""
    daemon = pinger()
    for source, text in ((HOST[4], "not in the network of tun0"), ("203.0.113.9", "not in the"),
                         ("192.168.69.100", "an address of this host"), (SOURCE[6], "not in the")):
        with daemon.space:
            done = ctl(daemon, "ping", "-s", source, FAR[4])
        assert done.returncode == 2 and text in done.stderr, done.stderr
    for destination in ("127.0.0.1", HOST[4], "192.168.69.5", "224.0.0.1", "ff02::1"):
        with daemon.space:
            done = ctl(daemon, "ping", destination)
        assert done.returncode == 2 and "not the address of another host" in done.stderr
    assert daemon.stop() == 0
    daemon.start()
    with daemon.space:
        done = ctl(daemon, "ping", FAR[4])
    assert done.returncode == 1 and "[tun] address = 192.168.69.100/24" in done.stderr


def test_command_lines(pinger):
    daemon = pinger()
    for arguments in ((), ("-c",), ("-x", FAR[4]), (FAR[4], FAR[6]), ("-i", "fast", FAR[4])):
        assert ctl(daemon, "ping", *arguments).returncode == 2
    for arguments in (("-c", "0", FAR[4]), ("-c", "10001", FAR[4]), ("-i", "0.001", FAR[4]),
                      ("-W", "100", FAR[4]), ("-s", "here", FAR[4]), ("there",)):
        done = ctl(daemon, "ping", *arguments)
        assert done.returncode == 2 and done.stderr.startswith("ipmodctl: '"), done.stderr


def test_many_at_once(pinger):
    """Each hears of its own; the 33rd is refused, one that hangs up is forgotten."""
    daemon = pinger()
    clients = [Client(daemon) for _ in range(33)]
    for client in clients:
        client.say(f"ping {FAR[4]} count=2 interval-ms=300 timeout-ms=10000")
    firsts = [client.hear() for client in clients]
    refused = next(i for i, first in enumerate(firsts) if "error" in first)  # the last as a rule
    assert firsts.pop(refused)["error"]["code"] == "busy"
    clients.append(clients.pop(refused))
    assert [first["event"] for first in firsts] == ["start"] * 32
    clients[0].socket.close()
    clients[0].file.close()

    def rest(client, into):
        events = [client.hear() for _ in range(3)]
        into.append([event["event"] for event in events])

    heard = []
    threads = [threading.Thread(target=rest, args=(client, heard)) for client in clients[1:32]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [["reply", "reply", "end"]] * 31
    wait_until(lambda: ask(daemon, "-c", "1", FAR[4])[-1]["received"] == 1, "room for another")
    # Nobody listens any more: what comes to the prefix is dropped as ever.
    assert daemon.statistics().drops["own-prefix"] >= 63
    for client in clients[1:]:
        client.socket.close()


def test_with_several_queues_and_a_stop(pinger):
    """A stop while one pings ends the stream."""
    daemon = pinger(CONFIG + "queues = 3\n")
    assert ask(daemon, "-c", "5", *FAST, FAR[4])[-1]["received"] == 5
    with Client(daemon) as client:
        client.say(f"ping {FAR[6]} count=100")
        assert client.hear()["event"] == "start" and client.hear()["event"] == "reply"
        assert daemon.stop() == 0
        assert client.file.readline() == b""
