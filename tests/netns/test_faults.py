# SPDX-License-Identifier: GPL-2.0-or-later
"""Others take away what the daemon needs: how soon the path is back, at what cost, in how many words.

The path is watched by pings to an address of nobody that only the daemon answers: an answer is
proof that packets go through it.
"""
import contextlib
import itertools
import os
import re
import resource
import signal
import socket
import struct
import time

import pytest

import state
from control import Client
from daemon import SLOW
from space import wait_until
from topology import FAR, HOST, PEER
from traffic import Pings, ping, tcp_socket

FAKE = """\
[rule fake]
proto = icmp
icmp-type = echo-request
dst = 203.0.113.0/24, 2001:db8:203::/48
reply = echo
"""
NOBODYS = {4: "203.0.113.7", 6: "2001:db8:203::7"}
BACK_WITHIN = 1.0 * SLOW
WATCHED = 1.2
PATH = ("rule 4", "rule 6", "route 4", "route 6", "addr")
PROCESSOR_TIME = 0.05 * WATCHED * SLOW
RTM_DELRULE, FRA_PRIORITY = 33, 6
NLM_F_REQUEST, NLM_F_ACK = 1, 4
FEWEST = 5  # descriptors with which a program can be loaded


# Behind the router for the client of that topology too.
BEYOND = {4: "203.0.113.200", 6: NOBODYS[6]}


class Watch:
    """Pings at 50 a second through a daemon, with the time of each answer."""

    def __init__(self, daemon, address, space=None):
        self._daemon = daemon
        self._pings = Pings(space or daemon.space, address, 0.02, "-D")
        self._cpu = daemon.cpu_seconds()
        self.begin = time.time()

    def attacked(self):
        """From now on it counts."""
        self._cpu = self._daemon.cpu_seconds()
        self.begin = time.time()

    def finish(self):
        """(the longest time without an answer, the share of a processor that the daemon used)"""
        end = time.time()
        share = (self._daemon.cpu_seconds() - self._cpu) / (end - self.begin)
        said = self._pings.finish()
        times = [float(stamp) for stamp in re.findall(r"^\[([0-9.]+)\].* ttl=", said, re.MULTILINE)]
        times = [self.begin, *[stamp for stamp in times if self.begin < stamp < end], end]
        assert len(times) > 2, f"no answer since the attack:\n{said[-500:]}"
        return max(after - before for before, after in zip(times, times[1:])), share


RULES = [f"rule del pref {pref}" for pref in (99, 100, 32765)]
# name: (commands by family of `ip`, how soon the path has to be back)
ATTACKS = {
    "device deleted": ({4: ["link del tun0"]}, 2.0 * SLOW),
    "device renamed": ({4: ["link set tun0 down", "link set tun0 name tun9", "link set tun9 up"]},
                       2.0 * SLOW),
    "device without a queue": ({4: ["link set tun0 txqueuelen 0"]}, BACK_WITHIN),
    "device down": ({4: ["link set tun0 down"]}, BACK_WITHIN),
    "device down and up": ({4: ["link set tun0 down", "link set tun0 up"]}, BACK_WITHIN),
    "addresses": ({4: ["addr flush dev tun0"]}, BACK_WITHIN),
    "IPv6 addresses": ({6: ["addr flush dev tun0"]}, BACK_WITHIN),
    "IPv4 routes": ({4: ["route flush table 100"]}, BACK_WITHIN),
    "IPv6 routes": ({6: ["route flush table 100"]}, BACK_WITHIN),
    "one rule": ({4: ["rule del pref 32765"]}, BACK_WITHIN),
    "a guard": ({4: ["rule del pref 99"]}, BACK_WITHIN),
    "all rules": ({4: RULES, 6: RULES}, BACK_WITHIN),
    "all IPv6 rules": ({6: ["rule flush", "rule add pref 32766 lookup main protocol kernel"]},
                       BACK_WITHIN),
    "everything": ({6: [*RULES, "route flush table 100"],
                    4: [*RULES, "route flush table 100", "link del tun0"]}, 2.0 * SLOW),
    "the uplink down and up": ({
        4: ["link set eth0 down", "link set eth0 up", f"route replace default via {PEER[4]}"],
        6: [f"addr replace {HOST[6]}/64 dev eth0 nodad", f"route replace default via {PEER[6]}"],
    }, BACK_WITHIN),
}


def attack(space, name):
    """Does it, both families in a row."""
    for family, commands in ATTACKS[name][0].items():
        space.ip_batch(commands, options=(f"-{family}",))


def differ(wanted, space):
    """What of the path is not as it was."""
    left = state.snapshot(space)
    return state.compare(*({part: each[part] for part in PATH} for each in (wanted, left)))


def assert_path_comes_back(daemon, name, watches):
    """Within the time, at less than 5 % of a processor and with no more than five lines."""
    space = daemon.space
    time.sleep(0.2)
    wanted = state.snapshot(space)
    lines = len(daemon.log().splitlines())
    for watch in watches:
        watch.attacked()
    attack(space, name)
    time.sleep(WATCHED)
    wait_until(lambda: differ(wanted, space) == "", lambda: differ(wanted, space), BACK_WITHIN)
    for watch in watches:
        gap, share = watch.finish()
        print(f"{name}: longest gap {gap * 1000:.0f} ms, {share:.1%} of a processor")
        assert gap <= ATTACKS[name][1], f"no answers for {gap:.2f} s"
        assert share < 0.05 * SLOW, f"{share:.1%} of a processor"
    said = daemon.log().splitlines()[lines:]
    assert len(said) <= 5, said


@pytest.mark.parametrize("name", ATTACKS)
def test_path_is_back(wire, daemons, name):
    daemon = daemons(wire.host)
    daemon.start(FAKE)
    assert_path_comes_back(daemon, name, [Watch(daemon, NOBODYS[family]) for family in (4, 6)])


@pytest.mark.parametrize("name", ["device deleted", "device renamed", "all rules", "everything"])
def test_path_is_back_for_a_client(routed, daemons, name):
    daemon = daemons(routed.host)
    daemon.start("[divert]\ndirection = out, forward\n" + FAKE)
    assert_path_comes_back(daemon, name, [Watch(daemon, BEYOND[family], routed.client)
                                          for family in (4, 6)])


def delete_rules(space, seconds):
    """Deletes rules of the daemon by priority, 100 times a second, the families in turn."""
    with space:
        kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    rules = [(number, pref) for number in (socket.AF_INET, socket.AF_INET6)
             for pref in (99, 100, 32765)]
    deleted = 0
    with kernel:
        for turn in range(seconds * 100):
            number, pref = rules[turn % len(rules)]
            rule = struct.pack("=8BIHHI", number, *[0] * 7, 0, 8, FRA_PRIORITY, pref)
            kernel.send(struct.pack("=IHHII", 16 + len(rule), RTM_DELRULE,
                                    NLM_F_REQUEST | NLM_F_ACK, turn, 0) + rule)
            deleted += struct.unpack_from("=i", kernel.recv(4096), 16)[0] == 0
            time.sleep(0.01)
    return deleted


def test_rules_deleted_a_hundred_times_a_second(wire, daemons):
    """For 10 s: back within 1 s after the end, fewer than 20 lines, less than 10 % of a processor."""
    daemon = daemons(wire.host)
    daemon.start(FAKE)
    wanted = {part: state.rules(wire.host, part) for part in (4, 6)}
    lines, used = len(daemon.log().splitlines()), daemon.cpu_seconds()
    assert delete_rules(wire.host, 10) >= 100, "nothing was put back meanwhile"
    share = (daemon.cpu_seconds() - used) / 10
    wait_until(lambda: {part: state.rules(wire.host, part) for part in (4, 6)} == wanted,
               daemon.log, BACK_WITHIN)
    assert share < 0.10 * SLOW, f"{share:.1%} of a processor"
    assert 1 <= len(daemon.log().splitlines()) - lines <= 20
    assert ping(wire.host, NOBODYS[4]) == (1, 1)


def test_resume_from_sleep(wire, daemons, family):
    """Stopped for a while; meanwhile links went down and came up and rules and routes were flushed."""
    daemon = daemons(wire.host)
    daemon.start(FAKE)
    wanted = state.snapshot(wire.host)
    lines, used = len(daemon.log().splitlines()), daemon.cpu_seconds()
    daemon.signal(signal.SIGSTOP)
    rules = [f"rule del pref {pref}" for pref in (99, 100, 32765)]
    wire.host.ip_batch(["link set eth0 down", "route flush table 100", *rules], options=("-4",))
    wire.host.ip_batch(["route flush table 100", *rules, "link set eth0 up",
                        f"addr replace {HOST[6]}/64 dev eth0 nodad",
                        f"route replace default via {PEER[6]}"], options=("-6",))
    wire.host.ip(f"route replace default via {PEER[4]}")
    time.sleep(0.3)
    daemon.signal(signal.SIGCONT)
    wait_until(lambda: ping(wire.host, NOBODYS[family], patience=1) == (1, 1), daemon.log,
               BACK_WITHIN)
    wait_until(lambda: state.compare({"rule": wanted["rule 4"] + wanted["rule 6"]},
                                     {"rule": state.rules(wire.host, 4) +
                                      state.rules(wire.host, 6)}) == "", daemon.log, BACK_WITHIN)
    assert ping(wire.host, FAR[family]) == (1, 1)
    assert daemon.cpu_seconds() - used <= PROCESSOR_TIME
    assert len(daemon.log().splitlines()) - lines <= 5


def test_clock_jumps(wire, faulty, monkeypatch):
    """A day forward and two back: nothing waits for a time that was, and nothing spins."""
    daemon = faulty(wire.host)
    jump = daemon.directory / "jump"
    monkeypatch.setenv("IPMODD_CLOCK_JUMP", str(jump))
    daemon.start(FAKE)
    wanted = state.rules(wire.host, 4)
    for seconds in (86400, -86400):
        jump.write_text(str(seconds), encoding="ascii")
        used = daemon.cpu_seconds()
        wire.host.ip_batch(RULES)
        wait_until(lambda: state.rules(wire.host, 4) == wanted, daemon.log, BACK_WITHIN)
        assert ping(wire.host, NOBODYS[4], 3) == (3, 3)
        daemon.reload(FAKE)
        assert ping(wire.host, FAR[6]) == (1, 1)
        time.sleep(0.5)
        assert daemon.cpu_seconds() - used <= PROCESSOR_TIME
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin <= 1.0 * SLOW


@contextlib.contextmanager
def no_descriptors(daemon):
    """The daemon can open nothing."""
    pid = daemon.process.pid
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    first_free = next(number for number in itertools.count() if number not in used)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_without_descriptors(wire, daemons):
    """A host that cannot be looked at for want of descriptors is not taken for one without IPv6."""
    daemon = daemons(wire.host)
    daemon.start(FAKE)
    wanted = {family: state.rules(wire.host, family) for family in (4, 6)}
    with no_descriptors(daemon):
        wire.host.ip("address add 192.0.2.77/32 dev eth0")
        daemon.wait_log("Too many open files")
        assert {family: state.rules(wire.host, family) for family in (4, 6)} == wanted
        assert ping(wire.host, NOBODYS[6]) == (1, 1)
    wait_until(lambda: "192.0.2.77" in wire.host.ip("address show dev tun0"), daemon.log)


def test_clients_without_descriptors(wire, daemons):
    """Who asks then waits without costing anything, and is answered when there are some again."""
    daemon = daemons(wire.host)
    daemon.start("[main]\nmetrics = 127.0.0.1:9469\n" + FAKE)
    with contextlib.ExitStack() as stack:
        with no_descriptors(daemon):
            web = stack.enter_context(tcp_socket(wire.host, 4))
            web.connect(("127.0.0.1", 9469))
            web.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            client = stack.enter_context(Client(daemon))
            client.say("status")
            used = daemon.cpu_seconds()
            time.sleep(1)
            used = daemon.cpu_seconds() - used
        assert client.hear()["version"] is not None
        assert b"200 OK" in web.recv(4096)
        assert used <= PROCESSOR_TIME
    assert len(daemon.log().splitlines()) <= 3


def test_start_with_few_descriptors(wire, daemons):
    """With one more each time, up to the last step: it says why not, and leaves nothing behind."""
    daemon = daemons(wire.host)
    before = state.snapshot(wire.host)
    said, limit = "", FEWEST
    while "cannot make the event loop" not in said:
        done = daemon.once(config=FAKE, prefix=("prlimit", f"--nofile={limit}"))
        said = done.stderr
        assert done.returncode == 1, said
        # The C library looks for the number of a device by a socket, and does not say more.
        assert re.search("error: .+: Too many open files|tun0 vanished", said), said
        assert state.compare(before, state.snapshot(wire.host)) == "", said
        limit += 1
    assert limit > FEWEST + 9


def netlink_drops(space):
    """How many messages the kernel could not hand to the netlink sockets of a space."""
    return sum(int(line.split()[8]) for line in space.read("/proc/net/netlink").splitlines()[1:])


def test_overrun_monitor_reads_everything_again(wire, daemons):
    """More news than the socket holds, among them the loss of all rules: right within 1 s."""
    daemon = daemons(wire.host)
    daemon.start(FAKE)
    wanted = state.rules(wire.host, 4)
    daemon.signal(signal.SIGSTOP)
    for _ in range(2):
        wire.host.ip_batch([f"route add 10.{n >> 8}.{n & 255}.0/24 via {PEER[4]}"
                            for n in range(15000)])
        wire.host.ip("route flush root 10.0.0.0/8")
    wire.host.ip_batch(["rule del pref 99", "rule del pref 32765", "rule del pref 100",
                        f"route add 10.200.0.0/16 via {PEER[4]}"])
    assert netlink_drops(wire.host) > 0, "the socket was large enough"
    daemon.signal(signal.SIGCONT)
    wait_until(lambda: state.rules(wire.host, 4) == wanted, daemon.log, BACK_WITHIN)
    wait_until(lambda: "10.200.0.0/16" in wire.host.ip("route show table 100"), daemon.log,
               BACK_WITHIN)
    assert ping(wire.host, NOBODYS[4]) == (1, 1)
    wait_until(lambda: "10.1." not in wire.host.ip("route show table 100"), daemon.log,
               BACK_WITHIN)
