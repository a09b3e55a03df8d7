# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench's network: three namespaces in a row, made for this run and removed after it.

    client 198.51.100.2 --- lan [ host ] wan --- 192.0.2.2 server
    2001:db8:2::2           .1  ::1    .1  ::1     2001:db8:1::2

The contender works in the host. Local traffic goes from host to server, forwarded traffic from
client to server; the server has 203.0.113.0/24 as well, for many flows. Segmentation at the host's
egress `wan` is on (veth carries super-packets) or off (as on a wire: 1,500 bytes a packet).
"""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

PREFIX = "ipmodd-bench"
CLIENT, HOST, SERVER = "client", "host", "server"
HOST_ADDRESSES = ("192.0.2.1/32", "2001:db8:1::1/128")
SERVER_4, SERVER_6, SERVER_MANY = "192.0.2.2", "2001:db8:1::2", "203.0.113.1"
# The host's main table below its own addresses, as (prefix, source of what the host itself sends).
HOST_ROUTES = (
    ("192.0.2.0/24", "192.0.2.1"), ("203.0.113.0/24", "192.0.2.1"), ("198.51.100.0/24", None),
    ("2001:db8:1::/64", "2001:db8:1::1"), ("2001:db8:2::/64", None),
)
PR_SET_PDEATHSIG = 1
SAID_MAX = 1 << 24  # bytes

_libc = ctypes.CDLL(None)


class BenchError(Exception):
    """Something that the bench needs did not work; the text is for the user."""


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def wait_until(check, what, seconds=5.0):
    """Polls until check() is true and returns what it gave; BenchError(what) when it never is."""
    end = time.monotonic() + seconds
    while not (result := check()):
        if time.monotonic() > end:
            raise BenchError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.005)
    return result


class Process:
    """A program in a namespace; its output is kept, and it ends with this process at the latest."""

    def __init__(self, command):
        self.name = " ".join(map(str, command))
        # A file: a program that complains a lot must not wait for a reader.
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._popen = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self._errors, text=True, preexec_fn=_die_with_parent)

    @property
    def pid(self):
        """Of the program itself: `ip netns exec` becomes what it runs."""
        return self._popen.pid

    def failure(self, what):
        """What went wrong with it, and the last that it said."""
        self._errors.seek(0)
        return BenchError(f"{self.name}: {what} {self._errors.read().strip()[-500:]}".strip())

    def said(self, text):
        """How often TEXT is in its complaints so far; where it writes stays as it is."""
        return os.pread(self._errors.fileno(), SAID_MAX, 0).count(text.encode())

    def require_running(self):
        """Fails when it has ended."""
        if self._popen.poll() is not None:
            raise self.failure(f"ended with {self._popen.returncode}")

    def wait_ready(self):
        """Waits for the line that the bench's own programs say when they are set up."""
        if self._popen.stdout.readline() != "ready\n":
            raise self.failure("did not start")
        return self

    def result(self, seconds):
        """Waits for the end; the JSON that was printed."""
        try:
            output, _ = self._popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise self.failure(f"still runs after {seconds} s") from None
        if self._popen.returncode != 0:
            raise self.failure(f"ended with {self._popen.returncode} {output.strip()[-200:]}")
        return json.loads(output)

    def terminate(self):
        """Asks it to end."""
        self._popen.terminate()
        return self

    def close(self):
        """Ends it if it still runs, after two seconds the hard way."""
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(2)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()
        self._popen.stdout.close()


def remove_leftovers():
    """Ends and removes what a run that was killed has left."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    for name in re.findall(rf"^{PREFIX}-\d+-\w+", listed.stdout, re.MULTILINE):
        if pathlib.Path("/proc", name.split("-")[2]).exists():
            continue
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True,
                              check=True)
        for pid in pids.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", name], check=True)


class Network:
    """The three namespaces and what runs in them; a context manager that cleans up."""

    def __init__(self, programs):
        self.programs = pathlib.Path(programs).resolve()
        self._names = {role: f"{PREFIX}-{os.getpid()}-{role}" for role in (CLIENT, HOST, SERVER)}

    def __enter__(self):
        remove_leftovers()
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def _make(self):
        for role, name in self._names.items():
            subprocess.run(["ip", "netns", "add", name], check=True)
            self.ip(role, "link set lo up")
            self.sysctl(role, "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                        "net.ipv6.conf.default.accept_dad=0")
        self._join(CLIENT, "lan", "198.51.100.2/24", "2001:db8:2::2/64")
        self._join(SERVER, "wan", "192.0.2.2/24", "2001:db8:1::2/64")
        self.ip(HOST, "address add 198.51.100.1/24 dev lan", "address add 192.0.2.1/24 dev wan",
                "address add 2001:db8:2::1/64 dev lan", "address add 2001:db8:1::1/64 dev wan",
                "route add 203.0.113.0/24 via 192.0.2.2")
        self.sysctl(HOST, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        self.ip(CLIENT, "route add default via 198.51.100.1",
                "route add default via 2001:db8:2::1")
        self.ip(SERVER, "route add default via 192.0.2.1", "route add default via 2001:db8:1::1",
                "route add local 203.0.113.0/24 dev lo")

    def _join(self, role, device, *addresses):
        self.ip(HOST, f"link add {device} type veth peer name eth netns {self._names[role]}",
                f"link set {device} up")
        self.ip(role, "link set eth up", *(f"address add {each} dev eth" for each in addresses))

    def ip(self, role, *commands):
        """Runs `ip COMMAND` for each command in that namespace."""
        done = subprocess.run(["ip", "-n", self._names[role], "-batch", "-"], text=True,
                              input="\n".join(commands) + "\n", capture_output=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"ip in {role}: {done.stderr.strip()}")

    def run(self, role, command):
        """Runs a program to its end; what it printed."""
        done = subprocess.run(self._inside(role, command), capture_output=True, text=True,
                              check=False, timeout=20)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
        return done.stdout

    def sysctl(self, role, *settings):
        """Sets each NAME=VALUE."""
        self.run(role, ["sysctl", "-q", "-w", *settings])

    def _inside(self, role, command):
        return ["ip", "netns", "exec", self._names[role], *map(str, command)]

    @contextlib.contextmanager
    def process(self, role, command):
        """Starts a program; it is ended when the block is left."""
        process = Process(self._inside(role, command))
        try:
            yield process
        finally:
            process.close()

    def bench_process(self, role, name, *arguments):
        """The same for one of the bench's own programs."""
        return self.process(role, [self.programs / f"bench_{name}", *arguments])

    @contextlib.contextmanager
    def as_wire(self):
        """Segmentation off at the host's egress while the block runs."""
        features = ["tso", "gso", "tx-udp-segmentation"]
        self._offload("off", features)
        try:
            yield
        finally:
            self._offload("on", features)

    def _offload(self, state, features):
        self.run(HOST, ["ethtool", "-K", "wan", *(word for each in features
                                                 for word in (each, state))])

    @contextlib.contextmanager
    def count_ttl(self, ttl):
        """Yields a function that tells how many packets of that TTL came to the server so far."""
        self.run(SERVER, ["nft", "add table inet ttl; add counter inet ttl came;"
                          "add chain inet ttl see { type filter hook input priority 0; };"
                          f"add rule inet ttl see ip ttl {ttl} counter name came;"
                          f"add rule inet ttl see ip6 hoplimit {ttl} counter name came"])
        try:
            yield lambda: self.nft_packets(SERVER, "ttl", "came")
        finally:
            self.run(SERVER, ["nft", "delete table inet ttl"])

    def nft_packets(self, role, table, counter):
        """The packets that a named counter has seen."""
        words = self.run(role, ["nft", "list", "counter", "inet", table, counter]).split()
        return int(words[words.index("packets") + 1])

    def device_counters(self, device):
        """64-bit counters of a device of the host, as `ip -s link` has them."""
        output = self.run(HOST, ["ip", "-j", "-s", "link", "show", "dev", device])
        return json.loads(output)[0]["stats64"]
