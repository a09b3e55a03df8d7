# SPDX-License-Identifier: GPL-2.0-or-later
"""The process and its surroundings: ended while it starts, or with nobody who reads what it says."""
import fcntl
import os
import signal
import socket
import struct
import termios
import threading
import time

import pytest

import state
from daemon import NO_RULES, SLOW
from packets import has_payload, parse, tos_of
from space import PATIENCE, wait_until
from topology import FAR, HOST, PEER
from traffic import ping, udp_socket

CONFIG = """\
[rule fake]
proto = icmp
icmp-type = echo-request
dst = 203.0.113.0/24
reply = echo
"""
GROUP_RULES = 1 << 7 | 1 << 18  # RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE
FILLING_SIGNALS = 10000
FULL = 16 * (4096 - 512)  # bytes of a pipe, whose pages each end with the last entry that fits



@pytest.fixture(name="many_rules", scope="module")
def fixture_many_rules():
    """100,000 rules, which take seconds to read and to compile."""
    return "".join(f"[rule r{number}]\nproto = udp\ndst = 10.{number >> 16}.{number >> 8 & 255}"
                   f".{number & 255}\nsport = {number % 50_000}-65535\nset-dscp = ef\n"
                   for number in range(100_000))


@pytest.mark.parametrize("moment", [0.2, 0.8])
def test_stop_waits_for_no_configuration(wire, daemons, many_rules, moment):
    """What is being loaded when the signal comes is given up."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    daemon.config.write_text(many_rules, encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    time.sleep(moment)
    begin = time.monotonic()
    assert daemon.stop() == 0
    took = time.monotonic() - begin
    assert took <= 1.0 * SLOW, f"{took:.2f} s"


def waiting(pipe):
    """Bytes that nobody has read yet."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def forged_replies(space):
    """How many of three requests to an address of nobody were answered."""
    text = space.run("ping -n -q -c 3 -i 0.05 -W 1 203.0.113.7", check=False).stdout
    return int(text.partition(" received")[0].rpartition(" ")[2])


def rule_events(space):
    """A socket that gives one message for each policy rule that comes or goes there."""
    with space:
        events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    events.bind((0, GROUP_RULES))
    events.settimeout(PATIENCE)
    return events


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("rules", [1, 2, 3, 4, 5, 6])
def test_stopped_in_the_middle_of_the_start(wire, daemons, number, rules):
    """A signal that comes when only so many of the rules are there leaves none of them there."""
    daemon = daemons(wire.host)
    daemon.config.write_text(CONFIG, encoding="utf-8")
    before = state.snapshot(wire.host)
    with rule_events(wire.host) as events:
        process = wire.host.popen(daemon.command("-c", str(daemon.config)))
        for _ in range(rules):
            events.recv(65536)
        process.send_signal(number)
    assert process.wait(1.0 * SLOW) == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_closed_stderr(wire, daemons):
    """The log is lost and goes into no other descriptor, least of all into the tun device."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG, prefix=("sh", "-c", 'exec "$@" 2>&-', "sh"))
    for _ in range(5):
        daemon.signal(signal.SIGUSR1)
    daemon.reload()
    assert forged_replies(wire.host) == 3
    assert os.readlink(f"/proc/{daemon.process.pid}/fd/2") == "/dev/null"
    assert daemon.stop() == 0


@pytest.mark.parametrize("reader", ["full", "gone"])
def test_stderr_that_takes_nothing(wire, daemons, reader):
    """Packets, signals and the end do not wait for a pipe that is full or has lost its reader."""
    daemon = daemons(wire.host)
    fifo = daemon.directory / "fifo"
    os.mkfifo(fifo)
    pipe = os.open(fifo, os.O_RDWR)
    daemon.start(CONFIG, prefix=("sh", "-c", 'exec "$0" "$@" 2>' + str(fifo)))
    if reader == "gone":
        os.close(pipe)
    for number in range(FILLING_SIGNALS):
        daemon.signal(signal.SIGUSR1)
        time.sleep(0.001)
        # Signals that come while one waits are one.
        if number % 50 == 0 and (number >= 1000 if reader == "gone" else waiting(pipe) > FULL):
            break
    assert forged_replies(wire.host) == 3
    daemon.reload()
    before = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - before <= 1.0 * SLOW
    if reader == "full":
        filled = len(os.read(pipe, 1 << 20))
        os.close(pipe)
        assert filled > FULL, "the pipe was never full"


def test_device_deleted_again_and_again(wire, daemons):
    """It is back within 2 s, without spinning, and the log stays short."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    used = daemon.cpu_seconds()
    for _ in range(20):
        wire.host.run("ip link del tun0", check=False)
        time.sleep(0.05)
    wait_until(lambda: forged_replies(wire.host) == 3, lambda: daemon.log(), 2.0 * SLOW)
    assert daemon.cpu_seconds() - used <= 0.5 * SLOW
    lines = daemon.log_lines("is gone|is back")
    assert 2 <= len(lines) <= 20
    assert "is back" in lines[-1]
    assert daemon.stop() == 0


def test_stopped_at_every_moment_of_the_start(wire, daemons):
    """SIGTERM after 0, 2, 4, … ms until a start is over, from before main() to the first packet."""
    daemon = daemons(wire.host)
    took = daemon.start(CONFIG)
    assert daemon.stop() == 0
    before = state.snapshot(wire.host)
    steps = int(1.2 * took / 0.002) + 1
    codes = set()
    for step in range(0, steps, max(1, steps // 40)):
        process = wire.host.popen(daemon.command("-c", str(daemon.config)))
        time.sleep(step * 0.002)
        process.send_signal(signal.SIGTERM)
        codes.add(process.wait(5.0 * SLOW))  # test_overload measures how long it takes
        if step % 5 == 0:
            assert state.compare(before, state.snapshot(wire.host)) == "", f"after {step * 2} ms"
    assert state.compare(before, state.snapshot(wire.host)) == ""
    # Before it blocks signals there is nothing to take back: the signal's own end.
    assert codes <= {0, -signal.SIGTERM, 128 + signal.SIGTERM}
    assert 0 in codes


def test_started_before_the_network(wire, daemons, family):
    """No link is up, no address, no route: it starts; when they come packets go through it."""
    wire.host.ip("link set eth0 down")
    wire.host.ip("addr flush dev eth0")
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start(CONFIG.replace("203.0.113.0/24", "203.0.113.0/24, 2001:db8:203::/48"))
    wire.host.ip_batch(["link set eth0 up", f"addr add {HOST[4]}/24 dev eth0",
                        f"addr add {HOST[6]}/64 dev eth0 nodad",
                        f"route add default via {PEER[4]}"])
    wire.host.ip(f"-6 route add default via {PEER[6]}")
    fake = {4: "203.0.113.7", 6: "2001:db8:203::7"}[family]
    wait_until(lambda: ping(wire.host, fake, patience=1) == (1, 1), daemon.log, 1.0 * SLOW)
    assert ping(wire.host, FAR[family]) == (1, 1)
    wire.host.ip("link set eth0 down")
    wire.host.ip("addr flush dev eth0")
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_crash_and_restart_with_on_exit_closed(wire, daemons, captures, family):
    """From the crash over --cleanup and the next start: no packet leaves unmodified."""
    config = "[divert]\non-exit = closed\n[rule mark]\nset-dscp = ef\n"
    daemon = daemons(wire.host)
    daemon.start(config)
    stop = threading.Event()

    def send():
        with udp_socket(wire.host, family) as sender:
            while not stop.is_set():
                try:
                    sender.sendto(b"closed", (FAR[family], 9))
                except OSError:
                    pass
                time.sleep(0.001)

    with captures(wire.peer) as seen:
        thread = threading.Thread(target=send)
        thread.start()
        try:
            for _ in range(3):
                time.sleep(0.05)
                daemon.kill()
                time.sleep(0.05)
                assert daemon.once("--cleanup").returncode == 0
                daemon.start(config)
            time.sleep(0.1)
        finally:
            stop.set()
            thread.join()
        packets = seen.all(has_payload("closed"))
    marks = [tos_of(parse(packet)) for packet in packets]
    assert len(marks) >= 50, "hardly anything was sent"
    assert set(marks) == {0xB8}, f"{sum(mark != 0xB8 for mark in marks)} of {len(marks)} unmodified"


def test_full_disk_at_the_start(wire, daemons):
    """No room for the original settings: nothing is changed, the file is named."""
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    before = state.snapshot(wire.host)
    made = daemons(wire.host)
    script = ("mount -t tmpfs -o size=8k none /run && mkdir /run/ipmodd && "
              "! dd if=/dev/zero of=/run/full bs=4k 2>/dev/null; exec \"$@\"")
    done = made.once(config=NO_RULES, prefix=("sh", "-c", script, "sh"))
    assert done.returncode == 1, done.stderr
    assert "/run/ipmodd" in done.stderr and "No space left" in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert state.compare(before, state.snapshot(wire.host)) == ""
    assert wire.host.sysctl("net.ipv4.conf.eth0.rp_filter") == "1"


def test_disk_full_while_running(wire, daemons):
    """A reload that needs the disk is refused and named, packets flow, and a stop gives all back."""
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start(CONFIG, prefix=("sh", "-c", 'mount -t tmpfs -o size=32k none /run && exec "$@"',
                                 "sh"))
    running = state.snapshot(wire.host)
    wire.host.run(["nsenter", f"--mount=/proc/{daemon.process.pid}/ns/mnt", "dd", "if=/dev/zero",
                   "of=/run/full", "bs=4k"], check=False)
    status = daemon.reload("[divert]\ntable = 4711\n" + CONFIG)
    assert "refused" in status and "/run/ipmodd" in status and "No space left" in status, status
    assert state.compare(running, state.snapshot(wire.host)) == ""
    assert "refused" not in daemon.reload("[rule other]\nproto = udp\n" + CONFIG)
    assert forged_replies(wire.host) == 3
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""
