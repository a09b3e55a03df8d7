# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl top on a terminal."""
import subprocess
import termios

import pytest

from control import CTL, ctl, path_of
from packets import ip, send, udp
from terminal import Terminal
from topology import FAR, HOST
from traffic import ping

RULES = """[rule slow]
proto = udp
dport = 1000
set-dscp = ef
[rule busy]
proto = udp
dport = 2000
set-dscp = ef
[rule gone]
proto = udp
dport = 3000
verdict = drop
[rule alone]
state = established
set-dscp = cs1
"""


@pytest.fixture(name="top")
def fixture_top(wire, daemons):
    """(start(…), daemon, space): terminals with top that are gone afterwards."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    made = []

    def start(*words, delay="0.2", **options):
        made.append(Terminal([CTL, "-s", path_of(daemon), "top", "-d", delay, *words], **options))
        return made[-1]

    yield start, daemon, wire.host
    for terminal in made:
        terminal.close()


def packets(dport, count, size=10):
    """From the host, to a port."""
    return [ip(4, HOST[4], FAR[4]) / udp(4000, dport, bytes(size))] * count


def names(lines):
    """What the rows of the table are called."""
    heads = next(number for number, line in enumerate(lines) if "packets/s" in line and
                 line.split()[0] == "packets/s")
    return [line.split(None, 4)[4] for line in lines[heads + 1:-1] if line]


def test_rates_rules_and_orders(top):
    start, _, host = top
    terminal = start()
    lines = terminal.until(lambda lines: "alone" in names_or_none(lines), "all rules")
    assert lines[0].startswith("ipmodd 0.1.0  tun0  up ") and lines[0].endswith("4 rules")
    assert lines[1].startswith("in 0 packets/s 0bit/s  out 0")
    assert "4, by packets/s" in lines[2] and lines[-1].startswith("r rules  f flows  d drops")
    send(host, *packets(1000, 30, 1000), *packets(2000, 90))
    terminal.until(lambda lines: names_or_none(lines)[:2] == ["busy", "slow"] and
                   not lines[1].startswith("in 0 "), "busy first, by packets/s")
    terminal.until(lambda lines: lines[1].startswith("in 0 "), "silence again")
    terminal.press("t")
    lines = terminal.until(lambda lines: "by total" in lines[2] and
                           names_or_none(lines)[:2] == ["busy", "slow"], "by total")
    assert [line.split()[2] for line in lines[4:6]] == ["90", "30"]
    terminal.press("n")
    terminal.until(lambda lines: "by name" in lines[2] and
                   names_or_none(lines) == ["alone", "busy", "gone", "slow"], "by name")
    terminal.press("o")
    terminal.until(lambda lines: "by order" in lines[2] and
                   names_or_none(lines) == ["slow", "busy", "gone", "alone"], "as they are")
    terminal.press("b")
    send(host, *packets(1000, 30, 1000), *packets(2000, 90))
    terminal.until(lambda lines: "by bits/s" in lines[2] and
                   names_or_none(lines)[:2] == ["slow", "busy"], "slow first, by bits/s")
    terminal.press("q")
    assert terminal.end() == 0
    assert "\x1b[?1049l" in terminal.output  # the screen from before is back


def names_or_none(lines):
    try:
        return names(lines)
    except (StopIteration, IndexError):  # half of it is drawn
        return []


def test_flows_and_drops(top):
    start, _, host = top
    terminal = start()
    terminal.press("f")
    ping(host, FAR[4], 3)
    send(host, *packets(3000, 25))
    lines = terminal.until(lambda lines: lines[3].endswith("flow") and
                           len(names_or_none(lines)) >= 2, "flows")
    assert any(f"icmp {HOST[4]} > {FAR[4]} type 8 id " in line for line in lines)
    assert any(f"udp {HOST[4]}.4000 > {FAR[4]}.3000" in line for line in lines)
    terminal.press("dt")
    terminal.until(lambda lines: lines[3].split() == ["packets/s", "packets", "reason"] and
                   lines[4].split()[1:] == ["25", "rule"] and
                   all(line.split()[1] != "0" for line in lines[5:-1] if line), "drops")
    send(host, *packets(3000, 60))
    terminal.until(lambda lines: "drops 0/s" not in lines[1], "drops a second")
    terminal.press("q")
    assert terminal.end() == 0


def test_another_size(top):
    """Smaller, tiny, and larger again; nothing is drawn outside, and the help stays last."""
    start, _, _ = top
    terminal = start(rows=24, columns=100)
    terminal.until(lambda lines: "alone" in names_or_none(lines), "all rules")
    for rows, columns in ((10, 40), (2, 10), (1, 1), (50, 140), (7, 200)):
        terminal.resize(rows, columns)
        terminal.until(lambda lines: lines[-1].startswith("r rules"[:columns]) or rows < 5,
                       f"the help in the last of {rows} lines")
    assert names(terminal.until(lambda lines: len(names_or_none(lines)) == 2, "two rows")) == \
        ["slow", "busy"]
    terminal.press("\x1bOB\x1bOB")  # down, down
    terminal.until(lambda lines: names_or_none(lines) == ["gone", "alone"], "the rows below")
    terminal.press("\x1b[5~")  # page up
    terminal.until(lambda lines: names_or_none(lines) == ["slow", "busy"], "the rows above")
    terminal.press("q")
    assert terminal.end() == 0


def test_names_are_whole(top):
    """Two numbers of four make way where a name would not fit: those that rows are not sorted by."""
    start, _, _ = top
    terminal = start(columns=50)
    heads = ["packets/s", "bits/s", "packets", "bytes", "rule"]
    terminal.until(lambda lines: lines[3].split() == heads and "alone" in names_or_none(lines),
                   "four numbers")
    terminal.resize(24, 49)
    lines = terminal.until(lambda lines: lines[3].split() == heads[:2] + heads[4:], "rates")
    assert [line.split() for line in lines[4:8]] == [
        ["0", "0", name] for name in ("slow", "busy", "gone", "alone")]
    terminal.press("t")
    terminal.until(lambda lines: lines[3].split() == heads[2:], "totals")
    terminal.press("q")
    assert terminal.end() == 0


def test_a_daemon_that_stops(top):
    start, daemon, _ = top
    terminal = start()
    terminal.until(lambda lines: "alone" in names_or_none(lines), "all rules")
    before = termios.tcgetattr(terminal.master)[3]
    daemon.stop()
    assert terminal.end() == 3
    assert "the daemon does not answer any more" in terminal.output
    assert not before & termios.ICANON and termios.tcgetattr(terminal.master)[3] & termios.ICANON


def test_no_colours(top):
    start, _, host = top
    for environment, coloured in (({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        terminal = start(**environment)
        terminal.until(lambda lines: "alone" in names_or_none(lines), "all rules")
        send(host, *packets(3000, 60))
        terminal.until(lambda lines: "drops 0/s" not in lines[1], "drops a second")
        terminal.press("q")
        assert terminal.end() == 0
        assert ("\x1b[31m" in terminal.output or ";31m" in terminal.output) == coloured


def test_what_is_refused(top):
    start, daemon, _ = top
    done = ctl(daemon, "top", stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "is for a terminal" in done.stderr
    assert ctl(daemon, "top", "-d", "0").returncode == 2
    terminal = start(TERM="nonsense")
    assert terminal.end() == 1 and "the terminal 'nonsense' is not known" in terminal.output
    daemon.stop()
    terminal = start()
    assert terminal.end() == 3 and "is ipmodd running?" in terminal.output
