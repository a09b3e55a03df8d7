# SPDX-License-Identifier: GPL-2.0-or-later
"""Each netlink request of a start and a stop fails once: whole or nothing, and said what failed.

ipmodd_faulty is ipmodd with a netlink that fails on demand (faulty.c).
"""
import re

import pytest

from faults import HARMLESS, WORDS, choose, everything, run_once

LIMIT = 200
CONFIG = "[divert]\ndirection = out, forward\n"


@pytest.mark.parametrize("kind", ["eexist", "enodev", "enomem", "enobufs", "timeout", "unstable",
                                  "cut", *HARMLESS])
def test_every_request_fails_once(wire, faulty, kind):
    """In a start: exit 1, a sentence about the step, all undone; or no harm at all."""
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    made = faulty(wire.host)
    before = everything(wire.host)
    code, healthy, _ = run_once(made, CONFIG)
    assert code == 0 and healthy is not None
    refused = incomplete = 0
    for number in range(1, LIMIT):
        hit = choose(made, kind, number)
        code, running, said = run_once(made, CONFIG)
        where = f"{kind} at request {number}: exit {code}\n{said}"
        if not hit.exists():
            break
        if running is None:
            refused += 1
            assert code == 1, where
            assert len(said.splitlines()) == 1, where
            assert re.search(rf"\w+ .*: {WORDS[kind]}", said), where
        elif code != 0:
            incomplete += 1
            assert code == 1, where
            assert "not everything could be taken back" in said and WORDS[kind] in said, where
            assert made.once("--cleanup").returncode == 0, where
        else:
            assert running == healthy, where
        assert everything(wire.host) == before, where
    assert 20 <= number < LIMIT, f"{number} requests"
    if kind in HARMLESS:
        assert refused == incomplete == 0
    else:
        assert refused >= (8 if kind == "cut" else 15), f"{refused} refused"
        assert incomplete == 0 or kind == "unstable", "a stop tries again what failed once"
