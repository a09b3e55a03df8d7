# SPDX-License-Identifier: GPL-2.0-or-later
"""Four queues under live traffic: what the daemon is asked for meanwhile loses and mixes nothing.

Numbered datagrams go through many flows at once; each end keeps the numbers of each flow in the
order in which they came.
"""
import contextlib
import ctypes
import itertools
import os
import select
import socket
import threading
import time

import pytest

from control import ctl, ctl_lines
from packets import SO_RCVBUFFORCE
from space import PATIENCE, wait_until
from topology import FAR, HOST, PEER
from traffic import udp_socket

FLOWS = 32
PORT = 5000
PAUSE, AHEAD = 0.004, 4  # between two rounds of all flows, and how many may be on their way
POOL = {4: "203.0.113.200", 6: "2001:db8:9::200"}
POOL_NET = {4: "203.0.113.192/26", 6: "2001:db8:9::/64"}
CLIENT_NET = {4: "203.0.113.0/26", 6: "2001:db8:3::/64"}
LARGE, FRAGMENTS = 3000, 3  # bytes, in so many packets
ROUNDS = 200  # of those: a quarter is more than the rings from three threads hold, 1 MiB each
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # of waitpid(): threads as well


def data_of(flow, number, size=8):
    """What datagram NUMBER of FLOW holds."""
    return flow.to_bytes(4, "big") + number.to_bytes(4, "big") + bytes(size - 8)


class Ends:
    """Sockets that are read, and sent from where somebody answers, by a thread of their own."""

    def __init__(self, sockets, answers=False):
        self.sockets = sockets
        self.came = {}  # the numbers that came, by flow
        self.sources = {}  # where they came from
        self._answers = answers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
            each.setblocking(False)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            for each in select.select(self.sockets, [], [], 0.02)[0]:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        self._take(each, *each.recvfrom(1 << 16))

    def _take(self, end, data, source):
        flow, number = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
        self.came.setdefault(flow, []).append(number)
        self.sources.setdefault(flow, set()).add(source[:2])
        if self._answers:
            end.sendto(data, source)

    def count(self):
        """How many have come."""
        return sum(map(len, list(self.came.values())))

    def close(self):
        """Ends the thread; the sockets stay."""
        self._stop.set()
        self._thread.join()


@contextlib.contextmanager
def reading(sockets, answers=False):
    """Ends that are closed afterwards."""
    ends = Ends(sockets, answers)
    try:
        yield ends
    finally:
        ends.close()


class Sender:
    """Rounds of one datagram in each flow, until it is ended; not far ahead of what FAR has got, so
    that no queue overflows on a busy machine."""

    def __init__(self, sockets, destinations, far):
        self.rounds = 0
        self._sockets, self._destinations, self._far = sockets, destinations, far
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.end()

    def _run(self):
        before = self._far.count()
        while not self._stop.is_set():
            if self._far.count() - before >= (self.rounds - AHEAD) * len(self._sockets):
                self._round()
            time.sleep(PAUSE)

    def _round(self):
        for flow, (each, to) in enumerate(zip(self._sockets, self._destinations)):
            each.sendto(data_of(flow, self.rounds), to)
        self.rounds += 1

    def end(self):
        """Ends the rounds; how many there were."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        return self.rounds

    def wait(self, rounds):
        """Until so many more have been sent."""
        goal = self.rounds + rounds
        wait_until(lambda: self.rounds >= goal, "the sender")


@contextlib.contextmanager
def sockets_of(space, family, count=FLOWS):
    """UDP sockets with ports of their own."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(udp_socket(space, family, bind="")) for _ in range(count)]


def rules(family, more=""):
    """A translation of what the client sends."""
    return ("[tun]\nqueues = 4\n[divert]\ndirection = out, forward\n"
            f"[rule share]\nsrc = {CLIENT_NET[family]}\nsnat = {POOL[family]}\n{more}")


@pytest.fixture(name="shared")
def shared_fixture(routed, family):
    """Nobody outside knows the client's network; the pool leads to the host."""
    routed.peer.ip_batch([f"route del {CLIENT_NET[family]}",
                          f"route add {POOL_NET[family]} via {HOST[family]}"])
    return routed


@contextlib.contextmanager
def conversation(net, family):
    """The client sends to the peer, which answers: (sender, what the peer got, what came back)."""
    with udp_socket(net.peer, family) as server, sockets_of(net.client, family) as sockets:
        server.bind(("", PORT))
        with reading([server], answers=True) as far, reading(sockets) as near, \
                Sender(sockets, [(PEER[family], PORT)] * FLOWS, far) as sender:
            sender.wait(3)
            yield sender, far, near


def assert_all_came(ends, rounds, what):
    """Every number of every flow once, and in order."""
    wait_until(lambda: ends.count() >= FLOWS * rounds,
               lambda: f"{what}: {ends.count()} of {FLOWS * rounds} came")
    assert ends.count() == FLOWS * rounds, what
    assert set(map(tuple, ends.came.values())) == {tuple(range(rounds))}, what


def settled(daemon, timeout=PATIENCE):
    """The statistics once nothing waits and the counters add up. The threads count on while theirs
    are read, so a packet that moves meanwhile may be seen twice or not at all."""
    last = []

    def is_settled():
        last[:] = [daemon.statistics()]
        entered, gone = last[0].balance()
        return entered == gone and last[0].totals["parked"] == 0

    wait_until(is_settled, lambda: f"a balance of {last[0].totals}, {last[0].drops}", timeout)
    return last[0]


def test_reloads_of_translated_flows(shared, daemons, family):
    """Both ways; every flow keeps its external port, and the rule's counter goes on."""
    daemon = daemons(shared.host)
    daemon.start(rules(family))
    with conversation(shared, family) as (sender, far, near):
        for number in range(12):
            more = "[rule mark]\nproto = udp\nset-dscp = ef\n" if number % 2 == 0 else ""
            assert "refused" not in daemon.reload(rules(family, more))
            sender.wait(1)
        rounds = sender.end()
        assert_all_came(far, rounds, "there")
        assert_all_came(near, rounds, "back")
        assert {len(sources) for sources in far.sources.values()} == {1}
    statistics = settled(daemon)
    assert statistics.drops == {}
    assert statistics.rules["share"][0] == FLOWS * rounds


def test_flushes_of_translated_flows(shared, daemons, family):
    """What goes out is complete and in order, whatever port it has then; in the end all have
    flows again, and no tuple is anybody's who is gone."""
    daemon = daemons(shared.host)
    daemon.start(rules(family))
    with conversation(shared, family) as (sender, far, near):
        flushed = 0
        for _ in range(10):
            done = ctl(daemon, "flows", "--flush")
            assert done.returncode == 0
            flushed += int(done.stdout.split()[0])
            sender.wait(1)
        sender.wait(2)
        rounds = sender.end()
        assert_all_came(far, rounds, "there")
        wait_until(lambda: all(numbers[-1] == rounds - 1 for numbers in near.came.values()),
                   "the last answers")
        for numbers in near.came.values():
            assert numbers == sorted(set(numbers)), "doubled or mixed"
    assert flushed >= FLOWS
    statistics = settled(daemon)
    assert statistics.drops == {}
    live = {(flow["original"]["src"], flow["original"]["sport"])
            for flow in ctl_lines(daemon, "flows") if flow["translated"]}
    assert len(live) == FLOWS
    wait_until(lambda: ctl(daemon, "flows", "--flush").returncode == 0 and
               ctl_lines(daemon, "flows") == [], "an end of what is still on its way")


def test_hairpins(shared, daemons, family):
    """Two sockets inside speak by their external addresses, from whatever queues: RFC 4787 REQ-9."""
    daemon = daemons(shared.host)
    daemon.start(rules(family))
    with udp_socket(shared.peer, family) as server, sockets_of(shared.client, family) as asking, \
            sockets_of(shared.client, family) as asked:
        server.bind(("", PORT))
        with reading([server]) as far:
            for flow, each in enumerate(asked):  # makes the mappings
                each.sendto(data_of(flow, 0), (PEER[family], PORT))
            wait_until(lambda: far.count() == FLOWS, lambda: f"{far.count()} mappings")
        places = [next(iter(far.sources[flow])) for flow in range(FLOWS)]
        assert {address for address, _ in places} == {POOL[family]}
        with reading(asked, answers=True) as there, reading(asking) as back, \
                Sender(asking, places, there) as sender:
            for number in range(6):
                sender.wait(5)
                more = "[rule mark]\nproto = udp\nset-dscp = ef\n" if number % 2 == 0 else ""
                daemon.reload(rules(family, more))
            rounds = sender.end()
            assert_all_came(there, rounds, "there")
            assert_all_came(back, rounds, "back")
            assert {address for sources in there.sources.values() for address, _ in sources} == \
                {POOL[family]}
            assert [back.sources[flow] for flow in range(FLOWS)] == [{place} for place in places]
    assert settled(daemon).drops == {}


def test_stop_under_flows(wire, daemons, family):
    """What the threads have is still moved and handed over, then all goes on without the daemon:
    nothing is lost or doubled. Only what is in the device at that moment may be overtaken."""
    daemon = daemons(wire.host)
    daemon.start("[tun]\nqueues = 4\n[divert]\ndirection = out\n"
                 "[rule counted]\nstate = new, established\nset-dscp = ef\n")
    with udp_socket(wire.peer, family) as server, sockets_of(wire.host, family) as sockets:
        server.bind(("", PORT))
        with reading([server]) as far, \
                Sender(sockets, [(FAR[family], PORT)] * FLOWS, far) as sender:
            sender.wait(20)
            assert daemon.stop() == 0
            sender.wait(20)
            rounds = sender.end()
            wait_until(lambda: far.count() >= FLOWS * rounds,
                       lambda: f"{far.count()} of {FLOWS * rounds} came")
    assert {tuple(sorted(numbers)) for numbers in far.came.values()} == {tuple(range(rounds))}
    assert len(far.came) == FLOWS


def queue_threads(daemon):
    """The threads that move packets, in the order of their queues."""
    return [task for name, task in sorted(daemon.threads().items()) if "queue" in name]


@contextlib.contextmanager
def standing_still(task):
    """A thread that does nothing for a while, by ptrace(2)."""
    def trace(request):
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.ptrace(request, int(task.name), None, None) == 0, ctypes.get_errno()

    trace(PTRACE_SEIZE)
    trace(PTRACE_INTERRUPT)
    os.waitpid(int(task.name), WALL)
    try:
        yield
    finally:
        trace(PTRACE_DETACH)


def device_packets(space):
    """Packets that tun0 has given to the daemon or dropped so far."""
    line = next(line for line in space.read("/proc/net/dev").splitlines() if "tun0:" in line)
    columns = [int(word) for word in line.split(":")[1].split()]
    return columns[9] + columns[11]


def is_read(space, goal):
    """Whether the device has been rid of so many packets before long."""
    try:
        wait_until(lambda: device_packets(space) >= goal, "a reader", PATIENCE / 3)
    except AssertionError:
        return False
    return True


def fill_rings(space, family, sockets, first):
    """Datagrams in fragments, of which all come by the queue of the thread that wrote the last one,
    and one in four belongs to that which stands still. How many rounds; 0: they come to that one."""
    for number in range(first, first + ROUNDS):
        goal = device_packets(space) + len(sockets) * FRAGMENTS
        for flow, each in enumerate(sockets):
            each.sendto(data_of(flow, number, LARGE), (FAR[family], PORT))
        if not is_read(space, goal):
            return 0
    return ROUNDS


@contextlib.contextmanager
def fragmenting(space, family):
    """sockets_of() whose large datagrams are cut."""
    with sockets_of(space, family) as sockets:
        for each in sockets:
            if family == 4:
                each.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER
        yield sockets


def test_full_rings(wire, daemons, family):
    """A thread that stands still: what finds no room on the way to it is dropped and counted, all
    else arrives whole and once, and the counters add up when it goes on."""
    daemon = daemons(wire.host)
    daemon.start("[tun]\nqueues = 4\n[divert]\ndirection = out\n"
                 "[rule counted]\nproto = udp\nstate = new, established\nset-dscp = ef\n")
    sent = 0
    with udp_socket(wire.peer, family) as server, fragmenting(wire.host, family) as sockets:
        server.bind(("", PORT))
        with reading([server]) as far:
            for task in 5 * queue_threads(daemon):
                with standing_still(task):
                    filled = fill_rings(wire.host, family, sockets, sent)
                sent += ROUNDS
                if filled > 0:
                    break
            assert filled > 0
            later = itertools.count(sent)

            def goes_on():
                """One datagram more in each; whether all flows have got one by now. The rings that
                the thread fills in its turn may still be full."""
                number = next(later)
                for flow, each in enumerate(sockets):
                    each.sendto(data_of(flow, number), (FAR[family], PORT))
                return all(max(far.came.get(flow, [0])) >= sent for flow in range(FLOWS))

            wait_until(goes_on, "datagrams of all flows", interval=0.05)
            # A later fragment whose first one found no room waits for it.
            drops = settled(daemon, 5 + PATIENCE).drops
    assert drops["hand-over-full"] > 0
    assert set(drops) <= {"hand-over-full", "fragment-timeout", "fragment-before-first"}, drops
    assert all(len(numbers) == len(set(numbers)) for numbers in far.came.values())
