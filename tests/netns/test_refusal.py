# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels that do not take a kind of super-packets, or do so no more.

ipmodd_faulty is ipmodd with a tun device that refuses on demand (faulty_tun.c).
"""
import os
import signal

import pytest

import daemon
from packets import assert_checksums, ip, send, udp
from space import wait_until
from test_offload import send_datagrams, transfer, upper
from topology import FAR, HOST
from traffic import errors, tun_packets

FAULTY = os.environ.get("IPMODD_FAULTY", "")
RULE = "[rule mark]\nset-ttl = 33\n"
# gso_type of the virtio-net header, and the class's name in the log.
TCP = {4: (1, "TCP over IPv4"), 6: (4, "TCP over IPv6")}
UDP = (5, "UDP")
REFUSALS_MAX = 3  # before a class is given up


@pytest.fixture
def refusing(monkeypatch):
    """Daemons are ipmodd_faulty; refusing(type, number) says which write is the first refused."""
    monkeypatch.setattr(daemon, "BINARY", FAULTY)

    def choose(gso_type, number):
        monkeypatch.setenv("IPMODD_REFUSED_GSO", f"{gso_type}:{number}")

    return choose


def start(net, daemons):
    """A daemon that edits everything."""
    made = daemons(net.host)
    made.start(RULE)
    return made


def given_up(made):
    """What the log says of it."""
    return made.log_lines("refuses super-packets")


def refused(made):
    """How many super-packets were."""
    return made.statistics().totals["gso-refused"]


def test_tcp_goes_on_in_segments(wire, daemons, refusing, family):
    gso_type, name = TCP[family]
    refusing(gso_type, 2)
    made = start(wire, daemons)
    before = errors(wire)
    transfer(wire, family, 300_000)
    made.wait_log(rf"refuses super-packets of {name}; going on without")
    # Those that were on their way are refused as well; later ones do not come.
    first = refused(made)
    assert first >= REFUSALS_MAX
    handed = tun_packets(wire.host)
    transfer(wire, family, 300_000)
    assert tun_packets(wire.host) - handed >= 200
    assert refused(made) == first
    assert len(given_up(made)) == 1
    assert errors(wire) == before
    statistics = made.statistics()
    assert statistics.balance()[0] == statistics.balance()[1]
    assert "write-failed" not in statistics.drops


def test_other_classes_go_on_whole(wire, daemons, captures, refusing, family):
    refusing(TCP[family][0], 2)
    made = start(wire, daemons)
    transfer(wire, family, 300_000)
    made.wait_log("refuses super-packets")

    def is_udp(data):
        return data[9 if family == 4 else 6] == 17  # the connection may not be at its end

    with captures(wire.peer) as seen, captures(wire.host, "tun0", outgoing=True) as handed:
        send_datagrams(wire, family, "auto", 1000, 7, 333)
        assert_checksums(seen.wait(8, is_udp))
        assert len(handed.all(is_udp)) == 1


def test_datagrams_are_merged_no_more(wire, daemons, captures, refusing, family):
    refusing(UDP[0], 2)
    made = start(wire, daemons)
    packets = [bytes(ip(family, HOST[family], FAR[family], id=1 + number) /
                     udp(2000, 9, number.to_bytes(2, "big"))) for number in range(300)]
    counts = []
    for _ in range(2):
        with captures(wire.peer) as seen:
            made.signal(signal.SIGSTOP)
            send(wire.host, *packets)
            made.signal(signal.SIGCONT)
            arrived = seen.wait(len(packets))
        assert_checksums(arrived)
        assert [upper(data)[8:] for data in arrived] == [n.to_bytes(2, "big") for n in range(300)]
        made.wait_log(rf"refuses super-packets of {UDP[1]}; going on without")
        counts.append(refused(made))
    assert counts[0] == counts[1] >= REFUSALS_MAX
    assert made.statistics().totals["merged"] == 0
    assert len(given_up(made)) == 1


@pytest.mark.parametrize("gso_type", [1, 4, 0x81, 5])
def test_a_kernel_without_the_class(wire, daemons, captures, refusing, family, gso_type):
    """Found by the trial at the start: it is never asked for, so nothing is refused later."""
    refusing(gso_type, 1)
    made = start(wire, daemons)
    before, handed = errors(wire), tun_packets(wire.host)
    with captures(wire.peer) as seen:
        transfer(wire, family, 300_000)
        send_datagrams(wire, family, "auto", 1000, 7, 333)
        wait_until(lambda: len([data for data in seen.all() if data[9 if family == 4 else 6] == 17])
                   == 8, "eight datagrams")
    assert errors(wire) == before
    assert refused(made) == 0 and not given_up(made)
    handed = tun_packets(wire.host) - handed
    if gso_type == TCP[family][0]:
        assert handed >= 200
    elif gso_type == UDP[0]:
        assert 8 <= handed < 200
    else:
        assert handed < 200
