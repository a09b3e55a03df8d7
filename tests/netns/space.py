# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces: make them, join them with wires, run things in them, and leave none behind.

A namespace is called ipmt-PID-N-ROLE after the test process that made it. Entering one
(`with ns:`) moves the calling thread, so that sockets opened and programs started inside the block
belong to it; /proc/sys/net follows as well. Whoever dies without cleaning up is cleaned up after
by the next run: reap() removes the namespaces of processes that are gone.
"""
import ctypes
import fcntl
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import offloads

PREFIX = "ipmt"
NAMES = pathlib.Path("/run/netns")  # where ip-netns(8) has them
CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_SHARED, MNT_DETACH = 0x1000, 0x4000, 1 << 20, 2
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# As /proc/net/if_inet6 has scope and flags.
LINK_LOCAL, TENTATIVE = "20", 0x40
# What sanitizers and emulated machines cost.
BUILD_FACTOR = float(os.environ.get("IPMODD_SLOW", "1"))


def _crowd():
    """How many want each processor, by the load of the last minute; four at most count."""
    return min(4.0, max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0))))


# How much longer things may take here and now.
SLOW = BUILD_FACTOR * _crowd()
# For what has to come, where nothing is said about how soon.
PATIENCE = 5.0 * SLOW
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)
_indexes = itertools.count(101)


def wait_until(check, what, timeout=PATIENCE, interval=0.01):
    """Waits for check() to be true and returns what it gave; fails with WHAT after TIMEOUT."""
    end = time.monotonic() + timeout
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            said = what() if callable(what) else what
            raise AssertionError(f"not within {timeout} s: {said}")
        time.sleep(interval)


def die_with_parent():
    """For preexec_fn: the program ends with this process at the latest."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _call(function, *arguments):
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function.__name__}{arguments}")


def _setns(fd):
    _call(_libc.setns, fd, CLONE_NEWNET)


def _mount(source, target, flags):
    _call(_libc.mount, os.fsencode(source), os.fsencode(target), b"none", ctypes.c_ulong(flags), None)


# What `ip netns` does, without a program for each step: a test makes and removes two of them at least.

def _share_names():
    """Lets names that come and go be seen in the mount namespaces of programs."""
    NAMES.mkdir(exist_ok=True)
    try:
        _mount("", NAMES, MS_SHARED | MS_REC)
    except OSError:  # it is no mount yet
        _mount(NAMES, NAMES, MS_BIND | MS_REC)
        _mount("", NAMES, MS_SHARED | MS_REC)


def _add_name(path):
    """Makes a namespace and gives it a name; the calling thread stays where it is."""
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        path.touch(mode=0, exist_ok=False)
        _call(_libc.unshare, CLONE_NEWNET)
        try:
            _mount("/proc/thread-self/ns/net", path, MS_BIND)
        finally:
            _setns(outside)
    finally:
        os.close(outside)


def _delete_name(path):
    _libc.umount2(os.fsencode(path), MNT_DETACH)
    path.unlink(missing_ok=True)


def _end_processes(path):
    """Kills what runs in the namespace of that name."""
    namespace = os.stat(path)
    for process in os.listdir("/proc"):
        try:
            if process.isdigit() and os.path.samestat(namespace, os.stat(f"/proc/{process}/ns/net")):
                os.kill(int(process), signal.SIGKILL)
        except OSError:  # it has ended meanwhile
            pass


def _is_left_over(name):
    """Whether NAME is ours and its test process is gone."""
    parts = name.split("-")
    return parts[0] == PREFIX and len(parts) > 2 and not pathlib.Path(f"/proc/{parts[1]}").exists()


def reap():
    """Removes namespaces (with the processes in them) and files of test processes that are gone."""
    for path in NAMES.glob(f"{PREFIX}-*"):
        if _is_left_over(path.name):
            try:
                _end_processes(path)
                _delete_name(path)
            except FileNotFoundError:  # another run cleans up as well
                pass
    for path in pathlib.Path(tempfile.gettempdir()).glob(f"{PREFIX}-*"):
        if _is_left_over(path.name):
            shutil.rmtree(path, ignore_errors=True)


class Namespace:
    """One network namespace; see the theory at the top of the file."""

    def __init__(self, role):
        self.name = f"{PREFIX}-{os.getpid()}-{next(_numbers)}-{role}"
        self._path = NAMES / self.name
        _share_names()
        _add_name(self._path)
        self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        self._outside = []
        self.started = []
        self.sysctl("net.ipv4.ip_forward", 0)
        self.sysctl("net.ipv4.ping_group_range", "0 2147483647")
        for which in ("all", "default"):
            self.sysctl(f"net.ipv6.conf.{which}.accept_dad", 0)
            self.sysctl(f"net.ipv6.conf.{which}.router_solicitations", 0)
            self.sysctl(f"net.ipv4.conf.{which}.rp_filter", 0)
        self.up("lo")

    def __enter__(self):
        self._outside.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        _setns(self._fd)
        return self

    def __exit__(self, *_):
        fd = self._outside.pop()
        _setns(fd)
        os.close(fd)

    def delete(self):
        """Ends what runs in the namespace and removes it."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        _end_processes(self._path)
        os.close(self._fd)
        _delete_name(self._path)

    def device_socket(self):
        """A socket for ioctl(2) on devices here."""
        with self:
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def up(self, device):
        """As `ip link set DEVICE up`."""
        with self.device_socket() as asked:
            request = fcntl.ioctl(asked, SIOCGIFFLAGS, struct.pack("16s24x", device.encode()))
            name, flags = struct.unpack("16sh22x", request)
            fcntl.ioctl(asked, SIOCSIFFLAGS, struct.pack("16sh22x", name, flags | IFF_UP))

    def ip(self, command):
        """Runs `ip COMMAND` here; a failure is an AssertionError that shows what it said."""
        done = subprocess.run(["ip", "-n", self.name, *command.split()], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, f"ip {command}: {done.stderr.strip()}"
        return done.stdout

    def ip_batch(self, commands, options=()):
        """Runs many `ip` commands in one process; with "-force" those that fail are passed over.

        Gives what it said.
        """
        done = subprocess.run(["ip", "-n", self.name, *options, "-batch", "-"],
                              input="\n".join(commands), capture_output=True, text=True,
                              check=False)
        assert "-force" in options or done.returncode == 0, (
            f"ip -batch: {done.stderr.strip()[:500]}")
        return done.stdout

    def ip_json(self, command):
        """What `ip -j COMMAND` says, parsed."""
        return json.loads(self.ip(f"-j {command}") or "[]")

    def has_table(self, family, table):
        """Whether there ever was a route in a table; `ip` fails for those that never had one."""
        done = subprocess.run(["ip", "-n", self.name, f"-{family}", "route", "show", "table",
                               str(table)], capture_output=True, text=True, check=False)
        return "does not exist" not in done.stderr

    def sysctl(self, name, value=None):
        """Reads a setting under net., or writes VALUE into it."""
        path = pathlib.Path("/proc/sys", *name.split("."))
        with self:
            if value is not None:
                path.write_text(str(value), encoding="ascii")
            return path.read_text(encoding="ascii").strip()

    def read(self, path):
        """A file below /proc/net of this namespace."""
        with self:
            return pathlib.Path(path.replace("/proc/net", "/proc/thread-self/net")).read_text(
                encoding="ascii")

    def popen(self, command, **options):
        """Starts a program here that ends with this process at the latest."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        options.setdefault("text", True)
        if isinstance(command, str):
            command = command.split()
        with self:
            process = subprocess.Popen(command, preexec_fn=die_with_parent, **options)
        self.started.append(process)
        return process

    def run(self, command, timeout=20 * SLOW, check=True):
        """Runs a program here to its end; CompletedProcess with text output."""
        if isinstance(command, str):
            command = command.split()
        with self:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                                  check=False)
        if check:
            assert done.returncode == 0, (f"{' '.join(command)}: exit {done.returncode}\n"
                                          f"{done.stdout}{done.stderr}")
        return done

    def listening(self, proto, port):
        """Whether a socket listens on PORT ("tcp", "udp")."""
        option = {"tcp": "-Hlnt", "udp": "-Hlnu"}[proto]
        return f":{port} " in self.run(["ss", option]).stdout

    def counter(self, name):
        """A counter as nstat calls it: IpInHdrErrors, Ip6InHdrErrors, TcpInCsumErrors, …"""
        if name.startswith(("Ip6", "Icmp6", "Udp6")):
            for line in self.read("/proc/net/snmp6").splitlines():
                key, value = line.split()
                if key == name:
                    return int(value)
            raise AssertionError(f"no counter {name}")
        lines = self.read("/proc/net/snmp").splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            group = names.split(":")[0]
            for key, value in zip(names.split()[1:], values.split()[1:]):
                if group + key == name:
                    return int(value)
        raise AssertionError(f"no counter {name}")


def _is_ready(space, device):
    """Whether a device has its link-local address: all that comes with a carrier is there."""
    lines = [line.split() for line in space.read("/proc/net/if_inet6").splitlines()]
    return (any(line[5] == device and line[3] == LINK_LOCAL and not int(line[4], 16) & TENTATIVE
                for line in lines) or space.sysctl(f"net.ipv6.conf.{device}.disable_ipv6") == "1")


def wire(left, left_name, right, right_name, offload=False):
    """Joins two namespaces by a veth pair, both ends up and ready.

    Without OFFLOAD each frame is one packet with its checksums written, as on a real wire.
    """
    # The kernel takes two ends of one number for no pair, and looks at their carrier a second late.
    left.ip(f"link add {left_name} index {next(_indexes)} type veth "
            f"peer name {right_name} index {next(_indexes)} netns {right.name}")
    for side, name in ((left, left_name), (right, right_name)):
        if not offload:
            with side.device_socket() as asked:
                offloads.switch_off(asked, name)
        side.up(name)
    # The kernel notices the carrier in its own time, and makes addresses and routes only then.
    for side, name in ((left, left_name), (right, right_name)):
        wait_until(lambda: _is_ready(side, name), f"a carrier on {name}", interval=0.001)
