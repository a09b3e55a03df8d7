# SPDX-License-Identifier: GPL-2.0-or-later
"""Each netlink request of a start, a stop and a reload with `in` fails once.

After each failure this host finds its own addresses, and in the end all is as before.
"""
import re

from faults import WORDS, choose, difference, everything, run_once
from space import PATIENCE, wait_until
from topology import HOST
from traffic import ping

IN = "[divert]\ndirection = in\n"
OUT = "[divert]\nexclude-port = udp/53\n"
LIMIT = 250


def finds_itself(space):
    """Whether packets for this host find table local, by the kernel's rule or its stand-in."""
    return all(re.search(r"^[01]:\tfrom all lookup local( proto 213)?$",
                         space.ip(f"-{family} rule"), re.MULTILINE) for family in (4, 6))


def test_every_request_fails_once(wire, faulty):
    """One kind of failure after the other, from request to request."""
    made = faulty(wire.host)
    before = everything(wire.host)
    code, healthy, _ = run_once(made, IN)
    assert code == 0 and healthy is not None and "blackhole" in healthy
    refused = 0
    for number in range(1, LIMIT):
        kind = ("eexist", "timeout", "unstable")[number % 3]
        hit = choose(made, kind, number)
        code, running, said = run_once(made, IN)
        where = f"{kind} at request {number}: exit {code}\n{said}"
        if not hit.exists():
            break
        assert finds_itself(wire.host), where
        if running is None:
            refused += 1
            assert code == 1 and re.search(rf"\w+ .*: {WORDS[kind]}", said), where
        elif code != 0:
            assert "not everything could be taken back" in said, where
        else:
            assert running == healthy, f"{where}\n{difference(healthy, running)}"
        if everything(wire.host) != before:
            assert code != 0 and "not everything could be taken back" in said, \
                f"{where}\n{difference(before, everything(wire.host))}"
            assert made.once("--cleanup").returncode == 0, where
            assert everything(wire.host) == before, where
    assert 60 <= number < LIMIT and refused >= 40, f"{number} requests, {refused} refused"


def test_every_request_of_a_reload_fails_once(wire, faulty):
    """From `out` to `in` and back: the one or the other as a whole."""
    made = faulty(wire.host)
    made.start(IN)
    new = everything(wire.host)
    made.reload(OUT)
    old = everything(wire.host)
    missed = number = 0
    while missed < 4:
        number += 1
        kind = ("einval", "enobufs")[number % 2]
        since = len(made.log())
        hit = choose(made, kind, number)
        status = made.reload(IN)
        where = f"{kind} at request {number}: {status}\n{made.log()[since:]}"
        missed = 0 if hit.exists() else missed + 1
        choose(made, kind, 0)
        assert finds_itself(wire.host), where
        wanted = old if "refused" in status else new
        wait_until(lambda: everything(wire.host) == wanted,  # pylint: disable=cell-var-from-loop
                   lambda: f"{where}\n{difference(wanted, everything(wire.host))}", PATIENCE)
        assert "refused" not in made.reload(OUT), where
        assert everything(wire.host) == old, f"{where}\n{difference(old, everything(wire.host))}"
    assert number >= 40, f"{number} requests"
    assert ping(wire.peer, HOST[4]) == ping(wire.peer, HOST[6]) == (1, 1)
    assert made.stop() == 0
