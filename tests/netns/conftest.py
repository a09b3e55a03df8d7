# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: a network for each test, daemons in its hosts, and nothing left afterwards."""
import pathlib
import signal
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1]))
import lean_scapy  # pylint: disable=unused-import

import daemon
import faults
import topology
from daemon import Daemon
from driver import Driver
from packets import Capture
from space import reap


def _interrupt(*_):
    raise KeyboardInterrupt


def pytest_sessionstart(session):
    """Cleans up after runs that were killed, and after this one when it is told to end."""
    del session
    signal.signal(signal.SIGTERM, _interrupt)
    reap()


def _network(builder):
    net = topology.Network()
    try:
        builder(net)
    except BaseException:
        net.delete()
        raise
    return net


def _network_fixture(builder, name):
    @pytest.fixture(name=name)
    def fixture():
        net = _network(builder)
        yield net
        net.delete()

    fixture.__doc__ = builder.__doc__
    return fixture


wire = _network_fixture(topology.wire_topology, "wire")
routed = _network_fixture(topology.routed_topology, "routed")
chain = _network_fixture(topology.chain_topology, "chain")
uplinks = _network_fixture(topology.uplinks_topology, "uplinks")
sources = _network_fixture(topology.sources_topology, "sources")


@pytest.fixture
def daemons():
    """daemons(space) makes a Daemon there that is gone, with its log shown, after the test."""
    made = []

    def make(space):
        made.append(Daemon(space))
        return made[-1]

    yield make
    crashed = []
    for daemon in made:
        if daemon.process is not None:
            print(f"--- log of ipmodd in {daemon.space.name}\n{daemon.log()}")
            crashed += daemon.crash()
        daemon.close()
    assert crashed == []


@pytest.fixture
def faulty(daemons, monkeypatch):
    """faulty(space) makes a Daemon whose netlink fails as faults.choose() says."""
    monkeypatch.setattr(daemon, "BINARY", faults.FAULTY)

    def make(space):
        made = daemons(space)
        faults.choose(made, "none", 0)
        monkeypatch.setenv("IPMODD_FAULT", str(made.directory / "fault"))
        monkeypatch.setenv("IPMODD_FAULT_HIT", str(made.directory / "hit"))
        return made

    return make


@pytest.fixture
def drivers():
    """drivers(space, *options) starts a Driver that is gone after the test."""
    made = []

    def make(space, *options):
        made.append(Driver(space, *options))
        return made[-1]

    yield make
    for driver in made:
        driver.close()


@pytest.fixture
def captures():
    """captures(space, device) gives a Capture that is closed after the test."""
    made = []

    def make(space, device="eth0", **options):
        made.append(Capture(space, device, **options))
        return made[-1]

    yield make
    for capture in made:
        capture.close()


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def family(request):
    """Runs a test once for each address family."""
    return request.param
