# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with a large main table, and one that does nothing."""
import time

import pytest

import state
from daemon import SLOW
from space import wait_until
from topology import FAR, PEER
from traffic import ping

COUNT = 100_000
START_SECONDS = 3.0 * SLOW
FOLLOWS = 1.0


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
    took = daemon.start(timeout=30)
    copied = len(large.host.ip("-4 route show table 100").splitlines())
    assert copied >= COUNT, f"{copied} routes in table 100"
    assert took <= START_SECONDS, f"start took {took:.2f} s"
    assert ping(large.host, FAR[4]) == (1, 1)

    before = daemon.cpu_seconds()
    for number in range(20):
        large.host.ip(f"route add 10.200.0.{number} via {PEER[4]}")
    begin = time.monotonic()
    wait_until(lambda: is_mirrored(large.host, "10.200.0.19"), "the last new route", FOLLOWS)
    follow = time.monotonic() - begin
    for number in range(20):
        large.host.ip(f"route del 10.200.0.{number}")
    wait_until(lambda: not is_mirrored(large.host, "10.200.0.19"), "the route gone", FOLLOWS)
    # One dump of the table alone costs more than this.
    used = daemon.cpu_seconds() - before
    assert used <= 0.2 * SLOW, f"40 changes cost {used:.2f} s of processor time"
    assert follow <= FOLLOWS

    begin = time.monotonic()
    assert daemon.stop(timeout=15) == 0
    stopped = time.monotonic() - begin
    assert large.host.ip("-4 route show table 100") == ""
    assert stopped <= START_SECONDS, f"stop took {stopped:.2f} s"


def test_mirror_default_needs_no_copy(large, daemons):
    took = daemons(large.host).start("[divert]\nmirror = default\n", timeout=30)
    assert len(state.routes(large.host, 4, 100)) < 20
    assert took <= 1.0 * SLOW, f"start took {took:.2f} s"
    assert ping(large.host, FAR[4]) == (1, 1)


def test_idle_daemon_uses_no_processor(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start()
    assert ping(wire.host, FAR[4]) == (1, 1)
    time.sleep(1.5)  # what a start leaves to do, and the look for losses behind the last packet
    cpu, wakeups = daemon.cpu_seconds(), daemon.wakeups()
    time.sleep(3)
    assert daemon.cpu_seconds() - cpu == 0
    assert daemon.wakeups() - wakeups <= 1
