# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads: a queue of the device each, the main one for all else, and one that loads."""
import contextlib
import ctypes
import os
import re
import signal
import socket
import sys
import threading
import time

import state
from daemon import EXIT_CONFIG, SLOW
from packets import SO_RCVBUFFORCE
from space import BUILD_FACTOR, wait_until
from topology import FAR
from traffic import Pings, answered, lost, ping, udp_socket

QUEUES = 4
CONFIG = f"[tun]\nqueues = {QUEUES}\n[rule flows]\nproto = udp\ndport = 5000\nset-dscp = cs1\n"
FLOWS = 48
EACH = 60
LARGE = 10_000
NUMBER = 4  # bytes
# Sends to port 5000 from so many sockets as fast as it can: argv = address, sockets, seconds.
FLOOD = """
import socket, sys, time
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(int(sys.argv[2]))]
for s in sockets:
    s.connect((sys.argv[1], 5000))
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    for s in sockets:
        try:
            s.send(b"x" * 18)
        except OSError:
            pass
"""
# Becomes nobody and tries to have a queue of tun0: argv = flags of the device; says why not.
STRANGER = """
import fcntl, os, struct, sys
fd = os.open("/dev/net/tun", os.O_RDWR)  # which is everybody's on most hosts
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"tun0", int(sys.argv[1])))
except OSError as error:
    print(error.strerror)
"""
IFF_TUN, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 1, 0x100, 0x1000, 0x4000
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # of waitpid(): threads as well


class Receiver:
    """Who gets the flows: the numbers of each, in the order of their arrival."""

    def __init__(self, space):
        self._socket = udp_socket(space, 4)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
        self._socket.bind((FAR[4], 5000))
        self._socket.setblocking(False)
        self.flows = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def read(self):
        """Takes what has come."""
        while True:
            try:
                data, (_, port) = self._socket.recvfrom(64)
            except BlockingIOError:
                return self.flows
            self.flows.setdefault(port, []).append(int.from_bytes(data[:NUMBER], "big"))

    def count(self):
        """How many have come."""
        return sum(map(len, self.read().values()))


def send_flows(space, each=EACH, pause=0.002, until=lambda: False):
    """EACH numbered datagrams in FLOWS flows, taking turns; how many a flow had in the end."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(udp_socket(space, 4)) for _ in range(FLOWS)]
        for number in range(each):
            for flow in sockets:
                flow.sendto(number.to_bytes(NUMBER, "big"), (FAR[4], 5000))
            if until():
                return number + 1
            time.sleep(pause)
    return each


def run_time_ns(task):
    """Processor time of a thread."""
    return int((task / "schedstat").read_text(encoding="ascii").split()[0])


def queue_threads(daemon):
    """The threads that move packets, in the order of their queues."""
    return [task for name, task in sorted(daemon.threads().items()) if "queue" in name]


def test_queues_are_nobody_elses(wire, daemons):
    """A local user who attached one would get a share of the packets of all."""
    daemons(wire.host).start(CONFIG)
    flags = IFF_TUN | IFF_MULTI_QUEUE | IFF_NO_PI | IFF_VNET_HDR
    said = wire.host.run([sys.executable, "-c", STRANGER, str(flags)]).stdout
    assert said == "Operation not permitted\n"


def test_flows_are_spread_and_keep_their_order(wire, daemons):
    """Every thread gets some; nothing is lost, doubled or late; the counters add up exactly."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    threads = queue_threads(daemon)
    assert len(threads) == QUEUES
    before = [run_time_ns(task) for task in threads]
    with Receiver(wire.peer) as receiver:
        send_flows(wire.host)
        wait_until(lambda: receiver.count() == FLOWS * EACH, lambda: f"{receiver.count()} came")
        assert set(map(tuple, receiver.flows.values())) == {tuple(range(EACH))}
        assert len(receiver.flows) == FLOWS
    used = [run_time_ns(task) - then for task, then in zip(threads, before)]
    assert min(used) > 0, used
    statistics = daemon.statistics()
    assert statistics.rules["flows"] == (FLOWS * EACH, FLOWS * EACH * (28 + NUMBER))
    assert statistics.balance()[0] == statistics.balance()[1]
    assert statistics.totals["edited"] == FLOWS * EACH


def test_reloads_lose_nothing_and_keep_order(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    other = CONFIG.replace("cs1", "cs2") + "[rule one-more]\nproto = tcp\n"
    stop = threading.Event()
    sent = []
    with Receiver(wire.peer) as receiver:
        sender = threading.Thread(target=lambda: sent.append(
            send_flows(wire.host, 10_000, 0.01, until=stop.is_set)))
        sender.start()
        try:
            for number in range(30):
                assert "refused" not in daemon.reload(CONFIG if number % 2 else other)
                receiver.read()
        finally:
            stop.set()
            sender.join()
        wait_until(lambda: receiver.count() == FLOWS * sent[0],
                   lambda: f"{receiver.count()} of {FLOWS * sent[0]} came")
        assert set(map(tuple, receiver.flows.values())) == {tuple(range(sent[0]))}
    assert daemon.statistics().rules["flows"][0] == FLOWS * sent[0]


def passes_the_daemon(space):
    """Whether a ping goes through tun0; while there is none, it passes without."""
    assert ping(space, FAR[4], patience=1) == (1, 1)
    links = [link for link in space.ip_json("-s link show") if link["ifname"] == "tun0"]
    return links != [] and links[0]["stats64"]["tx"]["packets"] > 0


def test_all_queues_come_back_with_the_device(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    used = daemon.cpu_seconds()
    for _ in range(5):
        wire.host.run("ip link del tun0", check=False)
        time.sleep(0.05)
    wait_until(lambda: passes_the_daemon(wire.host), daemon.log, 3.0 * SLOW)
    threads = queue_threads(daemon)
    before = [run_time_ns(task) for task in threads]
    with Receiver(wire.peer) as receiver:
        send_flows(wire.host)
        wait_until(lambda: receiver.count() == FLOWS * EACH, lambda: f"{receiver.count()} came")
    assert min(run_time_ns(task) - then for task, then in zip(threads, before)) > 0
    assert daemon.cpu_seconds() - used <= 1.0 * SLOW
    assert daemon.stop() == 0


def test_stop_under_load(wire, daemons):
    """Within a second, all threads and what they had; memory of four queues under a flood."""
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start(CONFIG, prefix=("env", "-u", "MALLOC_PERTURB_"))  # which touches all memory
    floods = [wire.host.popen(["nice", "-n", "19", sys.executable, "-c", FLOOD, FAR[4],
                               str(FLOWS), "30"]) for _ in range(3)]
    wait_until(lambda: daemon.statistics().totals["in"] > 10_000 / SLOW, "packets", 10 * SLOW)
    statistics = daemon.statistics()
    assert statistics.balance()[0] == statistics.balance()[1]
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        size = int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1))
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin <= 1.0 * SLOW
    for process in floods:
        process.kill()
        process.wait()
    assert state.compare(before, state.snapshot(wire.host)) == ""
    if BUILD_FACTOR == 1:
        assert size <= 48 * 1024, f"{size} KiB"


def device_queues(space):
    """The queues of tun0 that somebody holds."""
    data = space.ip_json("-d link show tun0")[0]["linkinfo"]["info_data"]
    return data["numqueues"] if data["multi_queue"] else 1


def test_number_of_queues(wire, daemons):
    """Out of range it is an error at the start; another one at a reload is refused."""
    daemon = daemons(wire.host)
    for number in ("0", "17", "auto"):
        done = daemon.once("--check", config=f"[tun]\nqueues = {number}\n")
        assert done.returncode == EXIT_CONFIG and "1 to 16" in done.stderr, done.stderr
    daemon.start(CONFIG)
    assert device_queues(wire.host) == QUEUES
    status = daemon.reload(CONFIG.replace(f"queues = {QUEUES}", "queues = 2"))
    assert "refused" in status and "[tun] queues" in status, status
    assert daemon.stop() == 0
    daemon.start("[main]\n")
    assert device_queues(wire.host) == 1
    assert len(queue_threads(daemon)) == 1


def trace(request, task):
    """ptrace(2) without address and data, on a thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.ptrace(request, int(task.name), None, None) == 0, ctypes.get_errno()


def test_watchdog_hears_of_every_thread(wire, daemons):
    """It is not fed while one of them stands still, and again when that goes on."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG, prefix=("env", "WATCHDOG_USEC=400000"))

    def fed(seconds):
        daemon.drain_notifications()
        since = len(daemon.notified)
        time.sleep(seconds)
        daemon.drain_notifications()
        return sum("WATCHDOG=1" in message for message in daemon.notified[since:])

    assert fed(1.1) >= 2
    stuck = queue_threads(daemon)[2]
    trace(PTRACE_SEIZE, stuck)
    trace(PTRACE_INTERRUPT, stuck)
    os.waitpid(int(stuck.name), WALL)
    fed(0.3)  # what was on its way
    assert fed(1.5) == 0
    trace(PTRACE_DETACH, stuck)
    assert fed(1.1) >= 2
    assert daemon.stop() == 0


def large_rules(mark):
    """Many rules behind one that decides about all packets, so that packets cost little."""
    return f"[rule all]\nset-dscp = {mark}\nverdict = accept\n" + "".join(
        f"[rule r{number}]\nproto = udp\ndst = 203.0.113.{number % 256}\ndport = {number + 1}\n"
        f"set-ttl = 9\n" for number in range(LARGE))


def test_large_reload_beside_packets(wire, daemons):
    """Ten thousand rules: no packet is lost, and their thread takes a millisecond at most."""
    daemon = daemons(wire.host)
    daemon.start(large_rules("cs1"))
    mover = queue_threads(daemon)[0]
    costs = []
    for mark in ("cs2", "cs3", "cs4"):
        before = run_time_ns(mover)
        assert "refused" not in daemon.reload(large_rules(mark), timeout=10 * SLOW)
        costs.append((run_time_ns(mover) - before) / 1e6)
    assert sorted(costs)[1] <= 1.0 * SLOW, f"{costs} ms"
    pings = Pings(wire.host, FAR[4], 0.002)
    for mark in ("cs1", "cs2", "cs3"):
        assert "refused" not in daemon.reload(large_rules(mark), timeout=10 * SLOW)
    said = pings.finish()
    assert lost(said) == []
    assert len(answered(said)) >= 50


def test_reload_during_a_reload(wire, daemons):
    """What is written after the first signal is in force in the end, and READY=1 comes then."""
    daemon = daemons(wire.host)
    daemon.start("[main]\n")
    since = len(daemon.notified)
    daemon.config.write_text(large_rules("cs1"), encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "ipmodd-loader" in daemon.threads(), "the loader")
    fresh = daemon.directory / "fresh"
    fresh.write_text("[rule last]\nproto = udp\n", encoding="utf-8")
    fresh.rename(daemon.config)
    for _ in range(3):
        daemon.signal(signal.SIGHUP)
        time.sleep(0.001)
    wait_until(lambda: daemon.notification("READY=1", since), "READY=1", 10 * SLOW)
    told = [message for message in daemon.notified[since:] if "STATUS" in message]
    assert len(told) == 1 and "1 rule" in told[0], told
    assert list(daemon.statistics().rules) == ["last"]
    assert len(daemon.log_lines("configuration loaded anew")) == 2


def test_stop_during_a_reload(wire, daemons):
    """The traffic is given back at once."""
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start("[main]\n")
    daemon.config.write_text(large_rules("cs1"), encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "ipmodd-loader" in daemon.threads(), "the loader")
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin <= 1.0 * SLOW
    assert state.compare(before, state.snapshot(wire.host)) == ""
