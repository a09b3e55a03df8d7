# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with a large main table, and one that does nothing."""
import resource
import time

import pytest

import state
from daemon import SLOW
from space import BUILD_FACTOR, wait_until
from topology import FAR, PEER
from traffic import ping

COUNT = 100_000
START_SECONDS = 3.0 * BUILD_FACTOR  # of processor time, and to stop
FOLLOWS = 1.0 * SLOW


def ended_children_seconds():
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def activity(daemon):
    """(nanoseconds that it ran, how often it woke up)"""
    tasks = daemon.threads().values()
    return (sum(int((task / "schedstat").read_text(encoding="ascii").split()[0])
                for task in tasks), daemon.wakeups())


def is_silent(daemon, seconds):
    """Whether it does nothing for so long."""
    before = activity(daemon)
    time.sleep(seconds)
    return activity(daemon) == before


def many_routes():
    """100,000 IPv4 routes inside 10.0.0.0/8; nothing is ever sent there."""
    for number in range(COUNT):
        yield f"route add 10.{number >> 16}.{number >> 8 & 255}.{number & 255} via {PEER[4]}"


@pytest.fixture(name="large")
def fixture_large(wire):
    """A wire whose host has 100,000 more routes."""
    wire.host.ip_batch(many_routes())
    return wire


def is_mirrored(space, address):
    """Whether a packet to ADDRESS takes a route of its own over tun0, asked without a dump."""
    found = space.ip_json(f"route get fibmatch {address}")[0]
    return found["dst"] == address and found["dev"] == "tun0"


def test_large_main_table(large, daemons):
    daemon = daemons(large.host)
    daemon.start(timeout=30 * SLOW)
    took = daemon.cpu_seconds()
    copied = len(large.host.ip("-4 route show table 100").splitlines())
    assert copied >= COUNT, f"{copied} routes in table 100"
    assert took <= START_SECONDS, f"start took {took:.2f} s"
    assert ping(large.host, FAR[4]) == (1, 1)

    before = daemon.cpu_seconds()
    for number in range(20):
        large.host.ip(f"route add 10.200.0.{number} via {PEER[4]}")
    wait_until(lambda: is_mirrored(large.host, "10.200.0.19"), "the last new route", FOLLOWS)
    for number in range(20):
        large.host.ip(f"route del 10.200.0.{number}")
    wait_until(lambda: not is_mirrored(large.host, "10.200.0.19"), "the route gone", FOLLOWS)
    # One dump of the table alone costs more than this.
    used = daemon.cpu_seconds() - before
    assert used <= 0.2 * SLOW, f"40 changes cost {used:.2f} s of processor time"

    before = daemon.cpu_seconds() + ended_children_seconds()
    assert daemon.stop(timeout=30 * SLOW) == 0
    stopped = ended_children_seconds() - before
    assert large.host.ip("-4 route show table 100") == ""
    assert stopped <= START_SECONDS, f"stop took {stopped:.2f} s"


def test_mirror_default_needs_no_copy(large, daemons):
    daemon = daemons(large.host)
    daemon.start("[divert]\nmirror = default\n", timeout=30 * SLOW)
    took = daemon.cpu_seconds()
    assert len(state.routes(large.host, 4, 100)) < 20
    assert took <= 1.0 * BUILD_FACTOR, f"start took {took:.2f} s"
    assert ping(large.host, FAR[4]) == (1, 1)


def test_idle_daemon_uses_no_processor(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start()
    assert ping(wire.host, FAR[4]) == (1, 1)
    # What a start leaves to do, and the look for losses behind the last packet.
    wait_until(lambda: is_silent(daemon, 1.5), "silence", 10 * SLOW)
    before = activity(daemon)
    time.sleep(3)
    run_ns, wakeups = (after - then for after, then in zip(activity(daemon), before))
    assert run_ns <= 2_000_000 * BUILD_FACTOR and wakeups <= 1, (run_ns, wakeups)
