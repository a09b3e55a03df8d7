# SPDX-License-Identifier: GPL-2.0-or-later
"""Each netlink request of a reload or a repair fails once: whole or nothing, and said what failed.

Of a repair every fourth one, or with IPMODD_EVERY_STEP=1 each (`sh tests/run.sh steps`).
"""
import os
import re
import signal
import time

import pytest

from daemon import SLOW
from faults import HARMLESS, WORDS, choose, difference, everything
from space import PATIENCE, wait_until
from topology import FAR, PEER
from traffic import ping, udp_socket

# From one failing request of a repair to the next.
STRIDE = 1 if os.environ.get("IPMODD_EVERY_STEP") == "1" else 4
CONFIG = "[divert]\ndirection = out, forward\n"
OTHER = ("[divert]\ntable = 4711\ndivert-priority = 30000\nexclude-port = udp/53\n"
         "exclude = 198.51.100.128/25\n")


@pytest.mark.parametrize("kind", ["eexist", "enobufs", "timeout", "unstable", *HARMLESS])
def test_every_request_of_a_reload_fails_once(wire, faulty, kind):
    """The new configuration as a whole, or the old one and a sentence about the step."""
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    made = faulty(wire.host)
    made.start(OTHER)
    new = everything(wire.host)
    made.reload(CONFIG)
    old = everything(wire.host)
    assert new != old
    refused = missed = number = 0
    while missed < 4:  # what news from the last one come in between is not always the same
        number += 1
        since = len(made.log())
        hit = choose(made, kind, number)
        status = made.reload(OTHER)
        where = f"{kind} at request {number}: {status}\n{made.log()[since:]}"
        missed = 0 if hit.exists() else missed + 1
        if "refused" in status:
            refused += 1
            assert re.search(rf"\w+ .*: {WORDS[kind]}", status), where
            choose(made, kind, 0)
            wait_until(lambda: everything(wire.host) == old,
                       lambda: f"{where}\n{difference(old, everything(wire.host))}",
                       PATIENCE)
        else:
            assert everything(wire.host) == new, where
        choose(made, kind, 0)
        assert "refused" not in made.reload(CONFIG), where
        assert everything(wire.host) == old, where
    assert number >= 30, f"{number} requests"
    assert (refused == 0) == (kind in HARMLESS), f"{refused} refused"
    assert made.stop() == 0


def reload_unasked(made):
    """Loads new rules, with a wrong setting, until nothing is asked of the kernel meanwhile.

    Gives the file that tells of the next request.
    News that came late, of the start above all, may be looked at in the middle of one reload or
    another, not of all.
    """
    for number in range(10):
        made.space.sysctl("net.ipv4.conf.tun0.accept_local", 0)  # no event tells of this one
        hit = choose(made, "einval", 1)
        assert "refused" not in made.reload(CONFIG + f"[rule r{number}]\nset-dscp = cs2\n")
        if not hit.exists():
            assert f"r{number}" in made.statistics().rules
            return hit
    raise AssertionError("each reload asked the kernel")


def test_new_rules_wait_for_no_answer(wire, faulty):
    """What they ask of the kernel is there already: it is looked at behind them, and made right."""
    made = faulty(wire.host)
    made.start(CONFIG + "[rule one]\nset-dscp = cs1\n")
    healthy = everything(wire.host)
    hit = reload_unasked(made)
    wait_until(hit.exists, "the look behind the reload")
    wait_until(lambda: wire.host.sysctl("net.ipv4.conf.tun0.accept_local") == "1",
               "the setting that was changed")
    assert everything(wire.host) == healthy
    assert made.stop() == 0


def test_a_look_that_fails_stops_no_repair(wire, faulty):
    """What others have here cannot be listed for some time; what is ours is put back meanwhile."""
    made = faulty(wire.host)
    made.start(CONFIG)
    healthy = everything(wire.host)
    reload_unasked(made)
    choose(made, "unstable", 1)
    made.wait_log("reading the list of rules: Resource temporarily unavailable")
    wire.host.ip("-4 route del default table 100")
    wait_until(lambda: "default" in wire.host.ip("-4 route show table 100"), made.log)
    choose(made, "unstable", 0)
    wait_until(lambda: wire.host.sysctl("net.ipv4.conf.tun0.accept_local") == "1", made.log)
    assert everything(wire.host) == healthy
    assert made.stop() == 0


def test_dropped_packets_stay_counted(wire, faulty):
    """A counter that the kernel does not tell for once has not gone back to 0."""
    made = faulty(wire.host)
    made.start(CONFIG)
    wire.host.ip("link set tun0 txqueuelen 1")
    with udp_socket(wire.host, 4) as sender:
        made.signal(signal.SIGSTOP)
        for _ in range(20):
            sender.sendto(b"", (FAR[4], 5000))
        made.signal(signal.SIGCONT)
    dropped = made.statistics().totals["tx-dropped"]
    assert dropped > 0
    hit = choose(made, "enobufs", 1)
    assert made.statistics().totals["tx-dropped"] == dropped
    assert hit.exists()


def test_device_that_a_reload_makes_again(wire, faulty, monkeypatch):
    """Whatever brings the deleted device back, its queues are read again."""
    made = faulty(wire.host)
    refused = made.directory / "refused"
    monkeypatch.setenv("IPMODD_REFUSED_TUN", str(refused))
    made.start(CONFIG)
    refused.touch()
    wire.host.ip("link del tun0")
    made.wait_log("there is a link named tun0 already", 4)  # the next try is more than 1 s away
    refused.unlink()
    assert "refused" not in made.reload(OTHER)
    made.wait_log("tun0 is back")
    assert ping(wire.host, PEER[4], 3) == (3, 3)
    assert made.stop() == 0


def take_away(space):
    """Some of everything that is ours."""
    space.ip_batch(["rule del pref 100", "route flush table 100"], options=("-6",))
    space.ip_batch(["rule del pref 99", "rule del pref 32765", "route flush table 100",
                    "addr flush dev tun0", "link set tun0 mtu 1400"], options=("-4",))


@pytest.mark.parametrize("kind", ["einval", "enobufs", "unstable"])
def test_requests_of_a_repair_fail_once(wire, faulty, kind):
    """Others take away what is ours, and the kernel refuses a part of what puts it back."""
    made = faulty(wire.host)
    made.start(CONFIG)
    healthy = everything(wire.host)
    number = 1
    while True:
        hit = choose(made, kind, number)
        take_away(wire.host)
        begin = time.monotonic()
        # The last requests look at what is there already.
        while not hit.exists() and (everything(wire.host) != healthy or
                                    time.monotonic() < begin + 0.4 * SLOW):
            assert time.monotonic() < begin + PATIENCE, f"{kind} at request {number}"
            time.sleep(0.01)
        is_over = not hit.exists()
        choose(made, kind, 0)  # what is unstable would stay so
        wait_until(lambda: everything(wire.host) == healthy,
                   lambda: f"{kind} at request {number}:\n"
                           f"{difference(healthy, everything(wire.host))}\n{made.log()[-2000:]}",
                   PATIENCE)
        if is_over:
            break
        number += STRIDE
    assert number > 16, f"{number} requests"
    assert made.stop() == 0
