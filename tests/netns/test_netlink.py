# SPDX-License-Identifier: GPL-2.0-or-later
"""Each netlink request of a start and a stop fails once: whole or nothing, and said what failed.

ipmodd_faulty is ipmodd with a netlink that fails on demand (faulty.c).
"""
import os
import re
import signal

import pytest

import daemon

FAULTY = os.environ.get("IPMODD_FAULTY", "")
ALL = ("ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; ip -o addr;"
       "ip -o link; cat /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv6/conf/all/forwarding")
# What the text of a failed start must end with.
WORDS = {"eexist": "File exists", "enobufs": "No buffer space available",
         "timeout": "Connection timed out", "unstable": "Resource temporarily unavailable"}
HARMLESS = ("eintr", "interrupted")
# Every request is refused once and loses its answer once; the rest take each third or fourth.
STRIDES = {"eexist": 1, "enobufs": 1, "timeout": 3, "unstable": 4, "eintr": 4, "interrupted": 3}
LIMIT = 200


def everything(space):
    """All that the daemon may touch, as text; quicker than a snapshot."""
    said = space.run(["sh", "-c", ALL]).stdout
    # Numbers of devices and what a device that comes late does to flags.
    return re.sub(r"^\d+: tun0.*\n", "", re.sub(r" expires \d+sec", "", said), flags=re.MULTILINE)


@pytest.fixture
def faulty(monkeypatch):
    """Daemons are ipmodd_faulty; faulty(kind, number) chooses, and says where a hit is marked."""
    monkeypatch.setattr(daemon, "BINARY", FAULTY)

    def choose(made, kind, number):
        hit = made.directory / "hit"
        hit.unlink(missing_ok=True)
        monkeypatch.setenv("IPMODD_FAULT", f"{kind}:{number}")
        monkeypatch.setenv("IPMODD_FAULT_HIT", str(hit))
        return hit

    return choose


def run_once(made):
    """Starts; if it gets so far stops again. (exit code, what was there while it ran, its log)"""
    since = len(made.log()) if made.process else 0
    running = None
    try:
        made.start("[divert]\ndirection = out, forward\n")
        running = everything(made.space)
        made.signal(signal.SIGTERM)
    except AssertionError:
        if made.process.poll() is None:
            raise
    return made.wait(), running, made.log()[since:]


@pytest.mark.parametrize("kind", [*WORDS, *HARMLESS])
def test_every_request_fails_once(wire, daemons, faulty, kind):
    """In a start: exit 1, a sentence about the step, all undone; or no harm at all."""
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    made = daemons(wire.host)
    before = everything(wire.host)
    faulty(made, kind, 0)
    code, healthy, _ = run_once(made)
    assert code == 0 and healthy is not None
    refused = incomplete = 0
    for number in range(1, LIMIT, STRIDES[kind]):
        hit = faulty(made, kind, number)
        code, running, said = run_once(made)
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
        assert refused >= 15 // STRIDES[kind]
        assert incomplete == 0 or kind == "unstable", "a stop tries again what failed once"


def test_full_disk(wire, daemons):
    """No room for the original settings: nothing is changed, the file is named."""
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    before = everything(wire.host)
    made = daemons(wire.host)
    script = ("mount -t tmpfs -o size=8k none /run && mkdir /run/ipmodd && "
              "! dd if=/dev/zero of=/run/full bs=4k 2>/dev/null; exec \"$@\"")
    done = made.once(config=daemon.NO_RULES, prefix=("sh", "-c", script, "sh"))
    assert done.returncode == 1, done.stderr
    assert "/run/ipmodd" in done.stderr and "No space left" in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert everything(wire.host) == before
    assert wire.host.sysctl("net.ipv4.conf.eth0.rp_filter") == "1"
