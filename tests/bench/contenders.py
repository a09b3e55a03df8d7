# SPDX-License-Identifier: GPL-2.0-or-later
"""Who competes. One entry in CONTENDERS each: a text and a context manager that sets it up.

A contender yields a Running: the process whose CPU time and memory count, and functions that read
how many packets it handled and how many were lost in front of it. It leaves the host as it was.
"""
import contextlib
import dataclasses
import functools
import json
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import typing

from network import HOST, HOST_ADDRESSES, HOST_ROUTES, BenchError, Process, wait_until

TUN = "tun0"
TTL = 63  # what the editing contenders set
QUEUE = 7
QUEUES = 4
POLLS = 10  # a second
BAD_CONFIGURATION = "[rule bench]\nno-such-key = 1\n"


@dataclasses.dataclass
class Running:
    """A contender at work."""
    process: Process | None = None
    handled: typing.Callable[[], int] | None = None
    dropped: typing.Callable[[], int] | None = None
    control: pathlib.Path | None = None  # ipmodd's socket


@contextlib.contextmanager
def no_tun(_network):
    """Nothing in the way."""
    yield Running()


def _tun_running(network, process):
    def counter(name):
        return network.device_counters(TUN)["tx"][name]

    return Running(process, functools.partial(counter, "packets"),
                   functools.partial(counter, "dropped"))


@contextlib.contextmanager
def echo(network, mode):
    """The echo loop behind a tun device; routes and rules as ipmodd lays them."""
    with network.bench_process(HOST, "echo", TUN, mode) as process:
        process.wait_ready()
        network.sysctl(HOST, f"net.ipv4.conf.{TUN}.accept_local=1")
        network.ip(HOST, f"link set {TUN} addrgenmode none", f"link set {TUN} up",
                   *(f"address add {each} dev {TUN} noprefixroute" for each in HOST_ADDRESSES),
                   *(f"route add {prefix} dev {TUN} table 100" + (f" src {src}" if src else "")
                     for prefix, src in HOST_ROUTES))
        rules = [f"{family} rule %s priority {priority} {rule}" for family in ("-4", "-6")
                 for priority, rule in ((99, f"iif {TUN} lookup main"), (32765, "lookup 100"))]
        try:
            for rule in rules:
                network.run(HOST, ["ip", *(rule % "add").split()])
            yield _tun_running(network, process)
        finally:
            for rule in rules:
                network.run(HOST, ["ip", *(rule % "del").split()])


def configuration(rules, directions):
    """Of ipmodd: RULES rules, the last of which edits every packet; the others never match."""
    lines = ["[divert]", f"direction = {directions}", "family = ipv4, ipv6"]
    for index in range(1, rules):
        lines += [f"[rule other-{index}]", f"proto = {'tcp' if index % 2 else 'udp'}",
                  f"dport = {20000 + index}", "verdict = drop"]
    if rules > 0:
        lines += ["[rule edit]", f"set-ttl = {TTL}"]
    return "\n".join(lines) + "\n"


def _ipmodd_command(network, directory, *arguments):
    """With a /run of its own, which holds the daemon's lock and state file."""
    script = 'mount --bind "$1" /run && shift && exec "$@"'
    return ["sh", "-c", script, "sh", directory, network.programs.parent.parent / "src" / "ipmodd",
            *arguments]


def _require_ipmodd(network, directory, config):
    """A program that cannot tell a good configuration from a bad one is no ipmodd yet."""
    bad = directory / "bad.conf"
    bad.write_text(BAD_CONFIGURATION, encoding="utf-8")
    network.run(HOST, _ipmodd_command(network, directory, "-c", config, "--check"))
    try:
        network.run(HOST, _ipmodd_command(network, directory, "-c", bad, "--check"))
    except BenchError:
        return
    raise BenchError("src/ipmodd does not check configurations")


def _diverts(network, process):
    process.require_running()
    return all("lookup 100" in network.run(HOST, ["ip", family, "rule"]) and
               prefix in network.run(HOST, ["ip", family, "route", "show", "table", "100"])
               for family, prefix in (("-4", HOST_ROUTES[1][0]), ("-6", HOST_ROUTES[-1][0])))


# Only the payload of each packet of the wire tells that the rule does not match.
SPLIT = '[rule split]\npayload = "not what is sent" @ 0\nverdict = drop\n'


@contextlib.contextmanager
def ipmodd(network, rules, more="", directions="out, forward", queues=1, rps="off"):
    """The daemon of this build; MORE: text behind its rules."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ipmodd-bench-"))
    config = directory / "ipmodd.conf"
    config.write_text(f"[tun]\nqueues = {queues}\nrps = {rps}\n"
                      + configuration(rules, directions) + more, encoding="utf-8")
    try:
        _require_ipmodd(network, directory, config)
        with network.process(HOST, _ipmodd_command(network, directory, "-c", config)) as process:
            try:
                wait_until(lambda: _diverts(network, process), "ipmodd's rules and routes")
                running = _tun_running(network, process)
                running.control = directory / "ipmodd" / "control"
                yield running
            finally:
                process.close()
                network.run(HOST, _ipmodd_command(network, directory, "-c", config, "--cleanup"))
    finally:
        shutil.rmtree(directory)


def _over_one_socket(_network, place):
    """Who keeps a connection open, as a collector does: a function that asks once."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(str(place))
    answers = connection.makefile("rb")

    def ask():
        connection.sendall(b"status\n")
        return json.loads(answers.readline())

    return ask


def _by_process(network, place):
    """A script: a process for each question."""
    program = network.programs.parent.parent / "src" / "ipmodctl"

    def ask():
        return json.loads(subprocess.run([program, "-s", place, "-j", "status"], check=True,
                                         timeout=5, capture_output=True).stdout)

    return ask


class Poller(threading.Thread):
    """Calls ask() POLLS times a second until it is told to stop."""

    def __init__(self, ask):
        super().__init__()
        self._ask, self._stop_asking, self._error, self._answers = ask, threading.Event(), None, 0
        self._since = time.monotonic()

    def run(self):
        try:
            while not self._stop_asking.wait(1 / POLLS):
                self._answers += self._ask()["schema"]
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._error = error

    def finish(self):
        """Stops; fails unless it was answered about as often as it was to ask."""
        took = time.monotonic() - self._since
        self._stop_asking.set()
        self.join()
        if self._error or self._answers < 0.7 * POLLS * took - 2:
            raise BenchError(f"{self._answers} answers in {took:.1f} s, {self._error}")


@contextlib.contextmanager
def polled(network, way):
    """ipmodd with the rule that edits, whose status somebody asks for all the time."""
    with ipmodd(network, rules=1) as running:
        poller = Poller(way(network, running.control))
        poller.start()
        try:
            yield running
        finally:
            poller.finish()


def _many_rules(count):
    """Rules on addresses that nobody here has, the same in every run."""
    dice = random.Random(7)
    lines = []
    for index in range(count):
        lines += [f"[rule many-{index}]",
                  f"src = 10.{dice.randrange(256)}.{dice.randrange(256)}.0/24",
                  f"proto = {dice.choice(('tcp', 'udp'))}",
                  f"dport = {dice.randrange(1024, 65536)}", "verdict = drop"]
    return "\n".join(lines) + "\n"


# What comes from the client leaves with the host's address, and answers come to that.
MASQUERADE = "[rule nat]\ndirection = forward\nmasquerade = yes\n"


def _queue_column(network, column):
    """Of /proc/net/netfilter/nfnetlink_queue: 5 and 6 are drops, 7 the last packet's number."""
    for line in network.run(HOST, ["cat", "/proc/net/netfilter/nfnetlink_queue"]).splitlines():
        columns = line.split()
        if int(columns[0]) == QUEUE:
            return int(columns[column])
    raise BenchError(f"queue {QUEUE} is gone")


@contextlib.contextmanager
def nfqueue(network, mode):
    """iptables hands every packet that leaves to a libnetfilter_queue program."""
    if not (network.programs / "bench_nfqueue").exists():
        raise BenchError("built without libnetfilter_queue and libmnl")
    with network.bench_process(HOST, "nfqueue", QUEUE, mode) as process:
        process.wait_ready()
        rule = f"POSTROUTING ! -o lo -j NFQUEUE --queue-num {QUEUE}".split()
        tools = ("iptables", "ip6tables")
        try:
            for tool in tools:
                network.run(HOST, [tool, "-t", "mangle", "-A", *rule])
            yield Running(process, lambda: _queue_column(network, 7),
                          lambda: _queue_column(network, 5) + _queue_column(network, 6))
        finally:
            for tool in tools:
                network.run(HOST, [tool, "-t", "mangle", "-F"])


@contextlib.contextmanager
def nft(network):
    """The kernel edits by itself."""
    script = ("add table inet bench; add counter inet bench handled;"
              "add chain inet bench edit { type filter hook postrouting priority mangle; };"
              f"add rule inet bench edit oifname != lo counter name handled ip ttl set {TTL};"
              f"add rule inet bench edit oifname != lo counter name handled ip6 hoplimit set {TTL}")

    network.run(HOST, ["nft", script])
    try:
        yield Running(None, lambda: network.nft_packets(HOST, "bench", "handled"))
    finally:
        network.run(HOST, ["nft", "delete table inet bench"])


@contextlib.contextmanager
def nft_masquerade(network):
    """The kernel's connection tracking and MASQUERADE."""
    script = ("add table inet bench;"
              "add chain inet bench nat { type nat hook postrouting priority srcnat; };"
              "add rule inet bench nat oifname wan masquerade")

    network.run(HOST, ["nft", script])
    try:
        yield Running(None, lambda: network.device_counters("wan")["tx"]["packets"])
    finally:
        network.run(HOST, ["nft", "delete table inet bench"])


@dataclasses.dataclass(frozen=True)
class Contender:
    """One line of every table. TTL: what its packets arrive with."""
    text: str
    start: typing.Callable
    ttl: int = 64


CONTENDERS = {
    "none": Contender("no tun: the limit", no_tun),
    "echo-plain": Contender("echo loop behind a tun, no offloads",
                            functools.partial(echo, mode="plain")),
    "echo": Contender("echo loop behind a tun, all offloads",
                      functools.partial(echo, mode="offload")),
    "ipmodd-0": Contender("ipmodd without rules", functools.partial(ipmodd, rules=0)),
    "ipmodd-1": Contender("ipmodd, one rule that edits", functools.partial(ipmodd, rules=1), TTL),
    "ipmodd-status": Contender(f"the same, its status asked for {POLLS} times a second",
                               functools.partial(polled, way=_over_one_socket), TTL),
    "ipmodd-status-process": Contender(f"the same by {POLLS} runs of ipmodctl a second",
                                       functools.partial(polled, way=_by_process), TTL),
    "ipmodd-100": Contender("ipmodd, 99 rules that never match and the one that edits",
                            functools.partial(ipmodd, rules=100), TTL),
    "ipmodd-10000": Contender("ipmodd, the rule that edits and 9,999 that never match",
                              functools.partial(ipmodd, rules=1, more=_many_rules(9999)), TTL),
    "ipmodd-split": Contender("ipmodd, an edit and a rule that has super-packets cut up",
                              functools.partial(ipmodd, rules=1, more=SPLIT), TTL),
    "nfqueue": Contender("NFQUEUE program that edits", functools.partial(nfqueue, mode="plain"),
                         TTL),
    "nfqueue-gso": Contender("the same with super-packets whole (F_GSO)",
                             functools.partial(nfqueue, mode="gso"), TTL),
    "nft": Contender("nft edits in the kernel", nft, TTL),
    "ipmodd-masquerade": Contender("ipmodd masquerades what is forwarded",
                                   functools.partial(ipmodd, rules=0, more=MASQUERADE,
                                                     directions="out, forward, in")),
    "ipmodd-4-queues": Contender("ipmodd-1 with four queues",
                                 functools.partial(ipmodd, rules=1, queues=QUEUES), TTL),
    "ipmodd-rps": Contender("ipmodd-1 with receive packet steering (rps = all)",
                            functools.partial(ipmodd, rules=1, rps="all"), TTL),
    "ipmodd-masquerade-4": Contender("ipmodd-masquerade with four queues",
                                     functools.partial(ipmodd, rules=0, more=MASQUERADE,
                                                       directions="out, forward, in",
                                                       queues=QUEUES)),
    "nft-masquerade": Contender("the kernel masquerades", nft_masquerade),
    # The same as `echo`: what differs between the two is noise.
    "echo-again": Contender("echo once more, for the noise",
                            functools.partial(echo, mode="offload")),
}
TWINS = ("echo", "echo-again")
