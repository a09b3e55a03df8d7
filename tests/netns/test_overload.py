# SPDX-License-Identifier: GPL-2.0-or-later
"""More than the daemon can treat: packets, malformed ones, reloads. It stays whole and answers."""
import os
import re
import signal
import sys
import threading
import time

import pytest

import state
from daemon import SLOW
from space import wait_until
from topology import FAR
from traffic import answered, iperf_server, lost, ping

MARK = "[rule mark]\nset-dscp = cs1\n"
OTHER = "[rule other]\nset-dscp = cs2\n"
SECONDS = 2
# Sends as fast as it can: argv = address, seconds.
UDP_FLOOD = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 9))
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    for _ in range(200):
        try:
            s.send(b"x" * 18)
        except OSError:
            pass
"""
# The same on the device itself, past routing, with one malformed packet after the other.
MALFORMED_FLOOD = """
import socket, sys, time
kinds = [bytes([0x45]) + bytes(10), bytes([0x15]) * 30, bytes([0x44]) + bytes(30),
         bytes.fromhex("4500ffff000000004011000001020304050607080000"),
         bytes.fromhex("45000018000000004011000001020304050607080000ffff"),
         bytes.fromhex("450000280000000040060000010203040506070800500050000000000000000010"
                       "02000000000000"), bytes([0x60]) + bytes(20)]
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for _ in range(30):
        for kind in kinds:
            try:
                s.sendto(kind, ("tun0", 0x86DD if kind[0] >> 4 == 6 else 0x0800))
            except OSError:
                pass
"""


def flood(space, script, *arguments):
    """Starts one of the scripts above; what is measured is the daemon, not who gets a processor."""
    return space.popen(["nice", "-n", "19", sys.executable, "-c", script, *map(str, arguments)])


def offered(space):
    """Packets that were sent towards the daemon, whether it got them or not."""
    sent = space.ip_json("-s link show tun0")[0]["stats64"]["tx"]
    return sent["packets"] + sent["dropped"]


def resources(daemon):
    """(KiB in memory, open descriptors but for those that are open for a moment)"""
    pid = daemon.process.pid
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        size = int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1))
    return size, min(len(os.listdir(f"/proc/{pid}/fd")) for _ in range(20))


def warm(daemon):
    """Lets every page be touched once."""
    flood(daemon.space, UDP_FLOOD, FAR[4], 0.2).wait()
    daemon.reload(MARK)
    daemon.statistics()


def assert_no_growth(before, after, kib):
    """The same descriptors, and no more than KIB of memory in addition."""
    assert after[1] <= before[1], f"{before[1]} to {after[1]} descriptors"
    if SLOW == 1:  # the address sanitizer keeps what was freed
        assert after[0] - before[0] <= kib, f"{before[0]} to {after[0]} KiB"


def test_overload(wire, daemons):
    """Signals are answered at once, memory is bounded, what is lost is counted and told once."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    warm(daemon)
    before = resources(daemon)
    lines = len(daemon.log_lines("lost because the queue"))
    floods = [flood(wire.host, UDP_FLOOD, FAR[4], SECONDS) for _ in range(8)]
    time.sleep(0.5)
    waits = []
    for _ in range(5):
        begin = time.monotonic()
        assert "refused" not in daemon.reload(OTHER)
        waits.append(time.monotonic() - begin)
        time.sleep(0.1)
    for process in floods:
        process.wait(10)
    totals = daemon.statistics()
    after = resources(daemon)
    assert sorted(waits)[2] <= 0.1 * SLOW, f"reloads took {waits}"
    assert_no_growth(before, after, 1024)
    assert totals.balance()[0] == totals.balance()[1]
    if totals.totals["tx-dropped"] > 0:
        wait_until(lambda: len(daemon.log_lines("lost because the queue")) == 1, daemon.log)
    assert len(daemon.log_lines("lost because the queue")) - lines <= 1
    assert ping(wire.host, FAR[4]) == (1, 1)


def test_stop_under_load(wire, daemons):
    """SIGTERM at 100,000 packets a second, if the machine sends as many: gone within 1 s."""
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start(MARK)
    floods = [flood(wire.host, UDP_FLOOD, FAR[4], SECONDS) for _ in range(4)]
    wait_until(lambda: offered(wire.host) > 1000, "packets")
    count, since = offered(wire.host), time.monotonic()
    time.sleep(0.5)
    rate = (offered(wire.host) - count) / (time.monotonic() - since)
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin <= 1.0 * SLOW
    for process in floods:
        process.kill()
        process.wait()
    assert state.compare(before, state.snapshot(wire.host)) == ""
    assert rate >= 20_000 / SLOW, f"only {rate:.0f} packets a second"


def test_queue_overrun_is_told(wire, daemons):
    """One line, with the number, though it goes on growing."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    for _ in range(3):
        daemon.signal(signal.SIGSTOP)
        flood(wire.host, UDP_FLOOD, FAR[4], 0.1).wait()
        daemon.signal(signal.SIGCONT)
        time.sleep(0.3)
    daemon.wait_log(r"\d+ packets were lost because the queue of tun0 was full")
    time.sleep(0.7)
    flood(wire.host, UDP_FLOOD, FAR[4], 0.1).wait()
    assert len(daemon.log_lines("lost because the queue")) == 1
    assert daemon.statistics().totals["tx-dropped"] > 500


def test_malformed_packets_at_full_rate(wire, daemons):
    """Counted by reason; one entry a reason that says how many there were besides; no growth."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    warm(daemon)
    before, lines = resources(daemon), len(daemon.log().splitlines())
    flood(wire.host, MALFORMED_FLOOD, 5).wait()
    said = daemon.log().splitlines()[lines:]
    statistics = daemon.statistics()
    malformed = {reason: count for reason, count in statistics.drops.items() if count > 1000}
    assert sum(malformed.values()) >= 50_000 / SLOW, statistics.drops
    assert len(malformed) >= 4, statistics.drops
    for reason in malformed:
        entries = [line for line in said if f"dropped: {reason}" in line]
        assert 1 <= len(entries) <= 10, said
        assert re.search(r"and \d+ more since the last entry", entries[0]), entries
    assert len(said) <= 10 + len(malformed), said
    assert_no_growth(before, resources(daemon), 256)


def test_reloads_under_load(wire, daemons):
    """A hundred, twenty a second: no ping lost, no connection broken, nothing grows."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    warm(daemon)
    wire.host.sysctl("net.ipv4.tcp_fin_timeout", 1)
    with iperf_server(wire.peer):
        load = wire.host.popen(f"iperf3 -c {FAR[4]} -t 7 -b 50M")
        pings = wire.host.popen(f"ping -n -i 0.01 -W 1 {FAR[4]}")
        time.sleep(0.5)  # the largest packets have been there
        for number in range(20):
            daemon.reload(OTHER if number % 2 else MARK)
        before = resources(daemon)
        for number in range(100):
            assert "refused" not in daemon.reload(OTHER if number % 2 else MARK)
            time.sleep(0.04)
        after = resources(daemon)
        pings.send_signal(signal.SIGINT)
        said, _ = pings.communicate(timeout=5)
        loaded, _ = load.communicate(timeout=20)
        assert load.returncode == 0, loaded
    assert lost(said) == []
    assert len(answered(said)) >= 100
    assert_no_growth(before, after, 256)


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
