# SPDX-License-Identifier: GPL-2.0-or-later
"""More than the daemon can treat: packets, malformed ones, reloads. It stays whole and answers."""
import contextlib
import os
import re
import signal
import statistics
import sys
import threading
import time

import pytest

import state
from daemon import SLOW
from space import BUILD_FACTOR, wait_until
from topology import FAR, NOBODY
from traffic import Pings, answered, iperf_server, lost, ping

MARK = "[rule mark]\nset-dscp = cs1\n"
UDP_SEND = os.environ.get("UDP_SEND", "")
OTHER = "[rule other]\nset-dscp = cs2\n"
RULES_OF_A_SLOW_DAEMON = 1
MALFORMED = 100_000
ENDLESS = 600  # seconds of a flood: who begins it ends it
# Sends to the device itself, past routing, one malformed packet after the other.
MALFORMED_FLOOD = """
import socket
kinds = [bytes([0x45]) + bytes(10), bytes([0x15]) * 30, bytes([0x44]) + bytes(30),
         bytes.fromhex("4500ffff000000004011000001020304050607080000"),
         bytes.fromhex("45000018000000004011000001020304050607080000ffff"),
         bytes.fromhex("450000280000000040060000010203040506070800500050000000000000000010"
                       "02000000000000"), bytes([0x60]) + bytes(20)]
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
while True:
    for kind in kinds:
        try:
            s.sendto(kind, ("tun0", 0x86DD if kind[0] >> 4 == 6 else 0x0800))
        except OSError:
            pass
"""


def flood(space, address, seconds, rate=0, nice=19):
    """Starts sending small datagrams, RATE a second or as many as possible.

    What is measured is the daemon, not who gets a processor.
    """
    return space.popen(["nice", "-n", str(nice), UDP_SEND, address, "9", "18",
                        str(int(seconds * 1000)), str(rate)])


@contextlib.contextmanager
def malformed_flood(space):
    """MALFORMED_FLOOD meanwhile, likewise."""
    sender = space.popen(["nice", "-n", "19", sys.executable, "-c", MALFORMED_FLOOD])
    yield
    sender.kill()
    sender.wait()


def device_counters(space):
    """(packets that the daemon was given, packets for which the queue had no room)"""
    sent = space.ip_json("-s link show tun0")[0]["stats64"]["tx"]
    return sent["packets"], sent["dropped"]


def offered(space):
    """Packets that were sent towards the daemon, whether it got them or not."""
    return sum(device_counters(space))


def resources(daemon):
    """(KiB in memory, open descriptors but for those that are open for a moment)"""
    pid = daemon.process.pid
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        size = int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1))
    return size, min(len(os.listdir(f"/proc/{pid}/fd")) for _ in range(20))


def warm(daemon):
    """Lets every page be touched once."""
    flood(daemon.space, FAR[4], 0.2).wait()
    daemon.reload(MARK)
    daemon.statistics()


def assert_no_growth(daemon, before, kib):
    """The same descriptors, and no more than KIB of memory in addition."""
    # A look at netfilter that goes on has one more.
    wait_until(lambda: resources(daemon)[1] <= before[1],
               lambda: f"{before[1]} to {resources(daemon)[1]} descriptors", 4.0 * SLOW)
    after = resources(daemon)
    if BUILD_FACTOR == 1:  # the address sanitizer keeps what was freed
        assert after[0] - before[0] <= kib, f"{before[0]} to {after[0]} KiB"


def slow_rules(word):
    """Rules whose expression takes its time over a payload, some thousand packets a second."""
    return "".join(f'[rule {word}-{number}]\npayload-regex = "(.+.+){{2}}[{word}]"\n'
                   "set-dscp = ef\n" for number in range(RULES_OF_A_SLOW_DAEMON))


def rate_of(daemon, total, seconds):
    """How much a total grows, a second."""
    first, since = daemon.statistics().totals[total], time.monotonic()
    time.sleep(seconds)
    return (daemon.statistics().totals[total] - first) / (time.monotonic() - since)


def capacity(daemon):
    """Packets a second that the daemon can treat with its rules, in its best moments."""
    sender = flood(daemon.space, NOBODY[4], ENDLESS, 50_000, nice=0)
    wait_until(lambda: offered(daemon.space) > 1000, "packets")
    rate = max(rate_of(daemon, "in", 0.2) for _ in range(4))
    sender.kill()
    sender.wait()
    return rate


def test_overload(wire, daemons):
    """Ten times what can be treated: answers to signals, bounded memory, losses counted and told."""
    daemon = daemons(wire.host)
    daemon.start(slow_rules("ab"))
    rate = max(int(20 * capacity(daemon)), 60_000)  # not all of it does the sender get sent
    daemon.reload(slow_rules("cd"))
    before, first = resources(daemon), daemon.statistics().totals
    sender = flood(wire.host, NOBODY[4], ENDLESS, rate, nice=0)
    wait_until(lambda: daemon.statistics().totals["tx-dropped"] > first["tx-dropped"] + rate / 4,
               "losses", 10 * SLOW)
    waits = []
    for number in range(20):
        daemon.config.write_text(slow_rules("ab" if number % 2 else "cd"), encoding="utf-8")
        begin = time.monotonic()
        assert "refused" not in daemon.reload()
        waits.append(time.monotonic() - begin)
        time.sleep(0.05)
    assert sender.poll() is None
    sender.kill()
    last = daemon.statistics()
    treated, lost_ones = (last.totals[name] - first[name] for name in ("in", "tx-dropped"))
    print(f"{rate} packets a second, treated {treated}, lost {lost_ones}, reloads took "
          f"{[round(wait * 1000) for wait in sorted(waits)]} ms")
    assert lost_ones >= 9 * treated / SLOW
    assert statistics.median(waits) <= 0.1 * SLOW and max(waits) <= 1.0 * SLOW, waits
    assert_no_growth(daemon, before, 1024)
    assert last.balance()[0] == last.balance()[1]
    wait_until(lambda: len(daemon.log_lines("lost because the queue")) == 1, daemon.log)
    assert ping(wire.host, FAR[4]) == (1, 1)


def test_stop_under_load(wire, daemons):
    """SIGTERM while as many packets go through as can: gone within 1 s, without a trace."""
    # What costs most is else to take merged datagrams apart for the wire.
    wire.host.run("ethtool -K eth0 tx on gso on tx-udp-segmentation on")
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start(MARK)
    sender = flood(wire.host, NOBODY[4], ENDLESS, nice=0)
    wait_until(lambda: offered(wire.host) > 1000, "packets")
    rates = []

    def fast_enough():
        rates.append(rate_of(daemon, "out", 0.2))
        return rates[-1] >= 20_000 / SLOW

    wait_until(fast_enough, lambda: f"20,000 packets a second: {rates}", 10 * SLOW)
    begin = time.monotonic()
    assert daemon.stop() == 0
    took = time.monotonic() - begin
    print(f"{rates[-1]:.0f} packets a second, stopped in {took * 1000:.0f} ms")
    assert sender.poll() is None
    sender.kill()
    sender.wait()
    assert took <= 1.0 * SLOW
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_queue_overrun_is_told(wire, daemons):
    """One line, with the number, though it goes on growing."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    for wanted in (1000, 2000, 3000):
        daemon.signal(signal.SIGSTOP)
        while device_counters(wire.host)[1] < wanted:
            flood(wire.host, FAR[4], 0.1).wait()
        daemon.signal(signal.SIGCONT)
        time.sleep(0.3)
    daemon.wait_log(r"\d+ packets were lost because the queue of tun0 was full")
    time.sleep(0.7)
    flood(wire.host, FAR[4], 0.1).wait()
    assert len(daemon.log_lines("lost because the queue")) == 1
    assert daemon.statistics().totals["tx-dropped"] >= 3000


def test_malformed_packets_at_full_rate(wire, daemons):
    """Counted by reason; one entry a reason that says how many there were besides; no growth."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    warm(daemon)
    before, begin = resources(daemon), time.monotonic()
    with malformed_flood(wire.host):
        wait_until(lambda: sum(daemon.statistics().drops.values()) >= MALFORMED,
                   lambda: daemon.statistics().drops, 30 * SLOW, interval=0.5)
    malformed = {reason: count for reason, count in daemon.statistics().drops.items()
                 if count > 1000}
    assert len(malformed) >= 4, malformed
    for reason in malformed:
        # One entry in ten seconds, of which the first may have come with the first packet.
        daemon.wait_log(rf"dropped: {reason}, and \d+ more since the last entry", timeout=15 * SLOW)
        entries = daemon.log_lines(f"a malformed packet was dropped: {reason}")
        assert len(entries) <= 2 + (time.monotonic() - begin) / 10, entries
    assert_no_growth(daemon, before, 256)


def test_reloads_under_load(wire, daemons):
    """Six hundred in a third of the minute that they may take: no ping lost, no connection broken."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    warm(daemon)
    wire.host.sysctl("net.ipv4.tcp_fin_timeout", 1)
    with iperf_server(wire.peer):
        load = wire.host.popen(f"iperf3 -c {FAR[4]} -t {int(90 * SLOW)} --forceflush")
        pings = Pings(wire.host, FAR[4], 0.01)
        time.sleep(0.5)  # the largest packets have been there
        for number in range(20):
            daemon.reload(OTHER if number % 2 else MARK)
        before, begin = resources(daemon), time.monotonic()
        for number in range(600):
            assert "refused" not in daemon.reload(OTHER if number % 2 else MARK)
            time.sleep(max(0.0, begin + 0.02 * (number + 1) - time.monotonic()))
        took = time.monotonic() - begin
        said = pings.finish()
        load.send_signal(signal.SIGINT)
        loaded, _ = load.communicate(timeout=20 * SLOW)
    print(f"600 reloads in {took:.1f} s, {len(answered(said))} pings, {loaded[-700:]}")
    assert took <= 60 * SLOW
    assert lost(said) == []
    assert len(answered(said)) >= 20 * took / SLOW
    rates = [float(rate) for rate in re.findall(r"([0-9.]+) [MG]bits/sec +\d+ +\d", loaded)]
    assert len(rates) >= 5 and min(rates) > 0, f"the connection stood still: {loaded}"
    # A batch that is fuller than any before touches more of its buffers.
    assert_no_growth(daemon, before, 1024)


def rules(count, dscp):
    """A configuration of so many rules."""
    return "".join(f"[rule {dscp}-{number}]\nproto = udp\ndport = {number + 1}\n"
                   f"set-dscp = {dscp}\n" for number in range(count))


@pytest.mark.parametrize("how", ["written in place", "replaced"])
def test_configuration_changes_while_it_is_read(wire, daemons, how):
    """What is in force is always one whole version; a half one is refused."""
    daemon = daemons(wire.host)
    versions = [rules(1500, "cs1"), rules(1000, "cs2")]
    daemon.start(versions[0])
    stop = threading.Event()

    def rewrite():
        fresh = daemon.directory / "fresh"
        number = 0
        while not stop.is_set():
            number += 1
            if how == "replaced":
                fresh.write_text(versions[number % 2], encoding="utf-8")
                fresh.rename(daemon.config)
            else:
                daemon.config.write_text(versions[number % 2], encoding="utf-8")

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        statuses = [daemon.reload() for _ in range(30)]
    finally:
        stop.set()
        writer.join()
    found = {int(count) for status in statuses
             for count in re.findall(r"(\d+) rules?$", status)}
    assert found <= {1000, 1500}, statuses
    if how == "replaced":
        assert not [status for status in statuses if "refused" in status]
    assert "refused" not in daemon.reload(versions[1])
