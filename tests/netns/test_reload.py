# SPDX-License-Identifier: GPL-2.0-or-later
"""Configurations, good and bad: --check, the start, and SIGHUP while packets flow."""
import os
import re
import time

import pytest

import state
from daemon import EXIT_CONFIG
from packets import has_payload, ip, send, tos_of, udp
from space import BUILD_FACTOR
from topology import FAR, HOST
from traffic import UNHURRIED, Pings, answered, lost, ping

MARK = "[rule mark]\nset-dscp = cs1\n"
OTHER = "[rule other]\nset-dscp = cs2\n"

# name: (bytes of the file, line of the error or None, what the text must have)
BAD = {
    "empty": (b"", None, "empty"),
    "unclosed section": (b"[main]\n[rule a\ndport = 1\n", 2, r"\]"),
    "unknown section": (b"[rules]\n", 1, "rules"),
    "unknown key": (b"[rule a]\nd-port = 1\n", 2, "d-port"),
    "unknown key with a near one": (b"[rule a]\ndprt = 1\n", 2, "did you mean.*dport"),
    "unknown main key": (b"[main]\nlog-levl = info\n", 2, "did you mean.*log-level"),
    "key outside a section": (b"dport = 1\n", 1, "section"),
    "duplicate rule": (b"[rule a]\ndport = 1\n[rule a]\ndport = 2\n", 3, "twice|already|duplicate"),
    "duplicate key": (b"[rule a]\ndport = 1\ndport = 2\n", 3, "twice|already|duplicate"),
    "number overflow": (b"[rule a]\nlength = 99999999999999999999\n", 2, "length"),
    "negative number": (b"[rule a]\nttl = -1\n", 2, "ttl"),
    "bad prefix": (b"[rule a]\ndst = 192.0.2.0/33\n", 2, "dst"),
    "host bits": (b"[divert]\nexclude = 192.0.2.0/2x4\n", 2, "exclude"),
    "port 65536": (b"[rule a]\ndport = 65536\n", 2, "dport.*65535"),
    "inverted range": (b"[rule a]\ndport = 20-10\n", 2, "dport"),
    "contradicting matches": (b"[rule a]\nproto = tcp\nicmp-type = echo-request\n", None,
                              "icmp-type"),
    "contradicting families": (b"[rule a]\nsrc = 192.0.2.1\ndst = 2001:db8::1\n", None, "a"),
    "edit that can't apply": (b"[rule a]\nproto = udp\nset-mss = 1000\n", 3, "set-mss"),
    "edit of the other family": (b"[rule a]\nfamily = ipv6\nset-df = yes\n", 3, "set-df"),
    "TTL 255": (b"[rule a]\nset-ttl = 255\n", 2, "set-ttl.*254"),
    "unknown verdict": (b"[rule a]\nverdict = maybe\n", 2, "verdict"),
    "empty value": (b"[rule a]\ndport =\n", 2, "dport"),
    "no equals sign": (b"[rule a]\ndport\n", 2, "dport|="),
    "NUL byte": (b"[rule a]\ndport = 1\0 2\n", 2, "NUL"),
    "garbage": (os.urandom(5_000_000) + b"\n[\n" + bytes(5_000_000), None, ""),
    "key of a later version": (b"[rule a]\ndelay = 10ms\n", 2, "delay"),
}

# Files that are fine, though they look odd. All mark as MARK does.
GOOD = {
    "BOM": b"\xef\xbb\xbf" + MARK.encode(),
    "CRLF": MARK.replace("\n", "\r\n").encode(),
    "500-byte line": (f"[rule long]\ndst = {', '.join(['192.0.2.1'] * 45)}, 0.0.0.0/0, ::/0\n"
                      "set-dscp = cs1\n").encode(),
    "comments": b"; one\n# two\n\n" + MARK.encode() + b"# end",
    "no newline at the end": MARK.encode().rstrip(),
    "spaces": b"  [rule mark]  \n   set-dscp   =   cs1   \n",
}


def mark_at_peer(net, captures, text):
    """The TOS value that a datagram arrives with."""
    with captures(net.peer) as seen:
        send(net.host, ip(4, HOST[4], FAR[4]) / udp(1, 2, text.encode()))
        return tos_of(seen.one(has_payload(text)))


def make_bad(daemon, name):
    """Puts the bad file NAME where the configuration is."""
    daemon.config.write_bytes(BAD[name][0])


def assert_said(daemon, text, name):
    """The error names the file, the line if it has one, and what is wrong."""
    _, line, wanted = BAD[name]
    where = f"{daemon.config}:{line}:" if line is not None else str(daemon.config)
    assert where in text, f"no {where} in:\n{text[:2000]}"
    assert re.search(wanted, text, re.IGNORECASE), f"no {wanted!r} in:\n{text[:2000]}"


@pytest.mark.parametrize("name", BAD)
def test_check_refuses(wire, daemons, name):
    daemon = daemons(wire.host)
    make_bad(daemon, name)
    done = daemon.once("--check")
    assert done.returncode == EXIT_CONFIG, f"exit {done.returncode}: {done.stderr[:2000]}"
    assert_said(daemon, done.stderr, name)
    assert len(done.stderr) < 200_000, f"{len(done.stderr)} bytes of complaints"


@pytest.mark.parametrize("name", GOOD)
def test_good_files_are_accepted(wire, daemons, captures, name):
    daemon = daemons(wire.host)
    daemon.start(OTHER)
    daemon.config.write_bytes(GOOD[name])
    status = daemon.reload()
    assert "refused" not in status, f"{status}\n{daemon.log()}"
    assert mark_at_peer(wire, captures, "good") == 0x20


def test_all_errors_at_once(wire, daemons):
    daemon = daemons(wire.host)
    done = daemon.once("--check", config="[rule a]\ndport = 65536\nttl = x\n[rule b]\n"
                       "proto = udp\nset-mss = 3\n[nonsense]\n[main]\npolicy = maybe\n")
    lines = {int(line) for line in re.findall(rf"{daemon.config}:(\d+):", done.stderr)}
    assert {2, 3, 6, 7, 9} <= lines, done.stderr


def test_dumped_configuration_is_read_again(wire, daemons):
    daemon = daemons(wire.host)
    config = ("[main]\npolicy = drop\n[divert]\ndirection = out, forward\n"
              "exclude = 192.0.2.0/24\n" + MARK +
              "[rule b]\nproto = tcp\ndst = 198.51.100.0/24, !198.51.100.7\ndport = 1-5, !3\n"
              "clamp-mss = 1360\nverdict = reject admin-prohibited\n")
    first = daemon.once("--dump-config", config=config)
    assert first.returncode == 0, first.stderr
    second = daemon.once("--dump-config", config=first.stdout)
    strip = lambda text: [line for line in text.splitlines() if not line.startswith(("#", ";"))]
    assert second.returncode == 0, second.stderr
    assert strip(second.stdout) == strip(first.stdout)
    assert "clamp-mss = 1360" in first.stdout


def test_drop_in_directory(wire, daemons, captures):
    daemon = daemons(wire.host)
    drop_ins = daemon.directory / "ipmodd.conf.d"
    drop_ins.mkdir()
    (drop_ins / "20-rules.conf").write_text(MARK, encoding="utf-8")
    (drop_ins / "10-main.conf").write_text("[main]\nlog-level = debug\n", encoding="utf-8")
    (drop_ins / "ignored.txt").write_text("garbage", encoding="utf-8")
    daemon.start("[main]\nlog-level = info\n")
    assert mark_at_peer(wire, captures, "drop-in") == 0x20


# SIGHUP under a ping flood.

def flood(net):
    """Pings at 100 a second through the daemon; end it with finish()."""
    return Pings(net.host, FAR[4], 0.01)


def finish(pings):
    """Of the flood nothing may be lost."""
    said = pings.finish()
    assert lost(said) == [], said[-300:]
    assert len(answered(said)) >= 5, said[-300:]


def test_good_reloads_lose_nothing(wire, daemons, captures):
    daemon = daemons(wire.host)
    daemon.start(MARK)
    pings = flood(wire)
    for number in range(20):
        assert "refused" not in daemon.reload(OTHER if number % 2 == 0 else MARK)
        time.sleep(0.01)  # they are faster than pings are sent
    daemon.reload("[divert]\ndirection = out, forward\nexclude = 203.0.113.0/24\n" + OTHER)
    finish(pings)
    assert mark_at_peer(wire, captures, "last rules") == 0x40


def test_bad_reloads_change_and_lose_nothing(wire, daemons, captures):
    daemon = daemons(wire.host)
    daemon.start(MARK)
    before = state.snapshot(wire.host)
    pings = flood(wire)
    for name in BAD:
        make_bad(daemon, name)
        since = len(daemon.log())
        status = daemon.reload()
        assert "refused" in status.lower(), f"{name}: STATUS {status!r}"
        assert_said(daemon, daemon.log()[since:], name)
        assert mark_at_peer(wire, captures, "old rules") == 0x20, name
    finish(pings)
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_files_that_cannot_be_read(wire, daemons, captures):
    """Missing, a directory, unreadable for a process without capabilities over files."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    pings = flood(wire)

    def refused(what):
        since = len(daemon.log())
        status = daemon.reload()
        assert "refused" in status.lower(), f"{what}: STATUS {status!r}"
        assert str(daemon.config) in daemon.log()[since:], what
        assert mark_at_peer(wire, captures, "old rules") == 0x20, what

    daemon.config.chmod(0)
    refused("unreadable")
    daemon.config.unlink()
    refused("missing")
    daemon.config.mkdir()
    refused("a directory")
    daemon.config.rmdir()
    daemon.config.write_text(OTHER, encoding="utf-8")
    assert "refused" not in daemon.reload()
    assert mark_at_peer(wire, captures, "new rules") == 0x40
    finish(pings)


@pytest.mark.parametrize("change", ["[tun]\nname = tun5\n", "[tun]\nmtu = 1300\n",
                                    "[tun]\nqueues = 2\n", "[flows]\nmax = 1000\n"])
def test_what_cannot_change_is_refused(wire, daemons, captures, change):
    daemon = daemons(wire.host)
    daemon.start(MARK)
    status = daemon.reload(change + OTHER)
    assert "refused" in status.lower() and change.splitlines()[0] in status, status
    assert mark_at_peer(wire, captures, "old rules") == 0x20


def test_counters_survive_a_reload(wire, daemons):
    """By rule name; a new rule starts at zero."""
    daemon = daemons(wire.host)
    daemon.start("[rule kept]\nproto = icmp\n")
    assert ping(wire.host, FAR[4], 5, UNHURRIED) == (5, 5)
    daemon.reload("[rule new]\nproto = icmp\n[rule kept]\nproto = icmp\n")
    assert ping(wire.host, FAR[4], 2, UNHURRIED) == (2, 2)
    rules = daemon.statistics().rules
    assert {name: packets for name, (packets, _) in rules.items()} == {"kept": 7, "new": 2}


def test_many_reloads_keep_memory_and_descriptors_flat(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(MARK)

    def descriptors():
        """The least of half a second: the look at netfilter behind a reload has some for a moment."""
        counts = []
        for _ in range(20):
            counts.append(len(os.listdir(f"/proc/{daemon.process.pid}/fd")))
            time.sleep(0.025)
        return min(counts)

    def resources():
        pid = daemon.process.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            size = int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1))
        return size, descriptors()

    for number in range(50):
        daemon.reload(OTHER if number % 2 else MARK)
    first = resources()
    for number in range(100):
        daemon.reload(OTHER if number % 2 else MARK)
    second = resources()
    assert second[1] == first[1], "descriptors"
    if BUILD_FACTOR == 1:  # the address sanitizer keeps what was freed
        assert second[0] - first[0] <= 128, f"RSS grew from {first[0]} to {second[0]} KiB"
