# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodd in a namespace: configuration in, signals, log and statistics out.

Each Daemon belongs to one namespace and has a /run of its own, which outlives the process as a
host's does: what a killed one left is there for the next. Readiness and the outcome of a reload
come from sd_notify(3).
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from space import PATIENCE, PREFIX, SLOW, die_with_parent, wait_until

# What a daemon has that does nothing but divert; an empty file is an error.
NO_RULES = "[main]\n"
BINARY = os.environ.get("IPMODD", "")
# Keys of `[tun]` of every daemon, whatever its configuration says; "" leaves them to that.
TUN = {key: os.environ.get("IPMODD_" + key.upper(), "") for key in ("offload", "queues")}
# Whether packets of different flows may overtake each other.
ORDERED = TUN["queues"] in ("", "1")
EXIT_NO_PERMISSION = 77
EXIT_CONFIG = 78


def environment(**more):
    """The environment that ipmodd runs in: none of the variables systemd gives to services."""
    kept = {key: value for key, value in os.environ.items()
            if key not in ("JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")}
    return {**kept, "LC_ALL": "C", **more}


class Statistics:
    """What SIGUSR1 logged: totals by name, drops by reason, (packets, bytes) by rule."""

    def __init__(self, lines):
        text = "\n".join(lines)
        self.totals = {name: int(value) for name, value in re.findall(
            r"(generated|edited|malformed-passed|ttl-255|undecided|split|gso-refused|merged|handed-over|parked"
            r"|flow-hits|flow-misses|tx-dropped|log-lost) (\d+)", text)}
        for way in ("in", "out"):
            packets, size = re.search(rf"\b{way} (\d+) packets (\d+) bytes", text).groups()
            self.totals[way], self.totals[way + "-bytes"] = int(packets), int(size)
        self.drops = {reason: int(count) for reason, count in re.findall(
            r"dropped ([a-z0-9-]+): (\d+) packets", text)}
        self.rules = {name: (int(packets), int(size)) for name, packets, size in re.findall(
            r"rule (\S+): (\d+) packets (\d+) bytes", text)}

    def balance(self):
        """DESIGN's first invariant as (in + generated, out + drops + parked)."""
        return (self.totals["in"] + self.totals["generated"],
                self.totals["out"] + sum(self.drops.values()) + self.totals["parked"])


class Daemon:
    """The daemon of SPACE; nothing runs before start()."""

    def __init__(self, space):
        self.space = space
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-"))
        self.config = self.directory / "ipmodd.conf"
        keys = [f"{key} = {value}\n" for key, value in TUN.items() if value]
        if keys:
            extra = self.directory / "ipmodd.conf.d"
            extra.mkdir()
            (extra / "tun.conf").write_text("[tun]\n" + "".join(keys), encoding="utf-8")
        self.run_directory = self.directory / "run"
        self.run_directory.mkdir()
        self.state_directory = self.directory / "state"
        self.process = None
        self.log_to_journal = False  # journal.py
        self._log_path = self.directory / "log"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(self.directory / "notify"))
        self.notified = []

    def close(self):
        """Kills what still runs and removes the files."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._notify.close()
        shutil.rmtree(self.directory)

    def crash(self):
        """What a crash or a sanitizer left to see, as a list of texts."""
        found = self.log_lines("Sanitizer|runtime error|Assertion|stack smashing")
        code = self.process.poll()
        if code is not None and code < 0 and -code != signal.SIGKILL:
            found.append(f"ended by signal {-code}")
        return found

    def command(self, *arguments, prefix=()):
        """The argument list that runs ipmodd in the namespace, with its own /run."""
        script = 'mount --bind "$1" /run && shift && exec "$@"'
        return ["ip", "netns", "exec", self.space.name, "sh", "-c", script, "sh",
                str(self.run_directory), *prefix, BINARY, *arguments]

    def once(self, *arguments, config=None, prefix=(), timeout=20 * SLOW):
        """Runs ipmodd to its end (--check, --print-plan, --cleanup, …)."""
        if config is not None:
            self.config.write_text(config, encoding="utf-8")
        return subprocess.run(self.command("-c", str(self.config), *arguments, prefix=prefix),
                              capture_output=True, text=True, timeout=timeout, check=False,
                              env=environment())

    def start(self, config=NO_RULES, prefix=(), timeout=10 * SLOW):
        """Starts the daemon and waits for READY=1; seconds that took."""
        self.config.write_text(config, encoding="utf-8")
        self.drain_notifications()
        since = len(self.notified)
        before = time.monotonic()
        with open(self._log_path, "ab") as log:
            place = os.fstat(log.fileno())
            journal = ({"JOURNAL_STREAM": f"{place.st_dev}:{place.st_ino}"}
                       if self.log_to_journal else {})
            self.process = subprocess.Popen(
                self.command("-c", str(self.config), prefix=prefix), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
                env=environment(NOTIFY_SOCKET=str(self.directory / "notify"),
                                STATE_DIRECTORY=str(self.state_directory), **journal))
        wait_until(lambda: self.process.poll() is not None or self.notification("READY=1", since),
                   lambda: f"READY=1; log:\n{self.log()}", timeout)
        assert self.process.poll() is None, (f"ipmodd ended at start: {self.process.returncode}\n"
                                             f"{self.log()}")
        return time.monotonic() - before

    def drain_notifications(self):
        """Moves what sd_notify sent into `notified`."""
        while True:
            try:
                message = self._notify.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            self.notified.append(message.decode())

    def notification(self, text, since=0):
        """The first notification from number SINCE on that has TEXT in it, or None."""
        self.drain_notifications()
        for message in self.notified[since:]:
            if text in message:
                return message
        return None

    def log(self):
        """All that the daemon wrote."""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def log_lines(self, pattern):
        """Log lines that match a regular expression."""
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def wait_log(self, pattern, count=1, timeout=PATIENCE):
        """Waits until COUNT lines match PATTERN; the lines."""
        return wait_until(lambda: len(self.log_lines(pattern)) >= count and
                          self.log_lines(pattern),
                          lambda: f"{count} × {pattern!r} in the log:\n{self.log()}", timeout)

    def alive(self):
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        """Sends a signal to the daemon."""
        assert self.alive(), f"ipmodd is not running: {self.log()}"
        self.process.send_signal(number)

    def stop(self, timeout=5 * SLOW):
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        """SIGKILL, as a crash."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def wait(self, timeout=5 * SLOW):
        """Waits for the end; the exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"ipmodd still runs after {timeout} s\n{self.log()}") from None

    def reload(self, config=None, timeout=PATIENCE):
        """SIGHUP; returns the STATUS text once the daemon is READY=1 again."""
        if config is not None:
            self.config.write_text(config, encoding="utf-8")
        self.drain_notifications()
        since = len(self.notified)
        self.signal(signal.SIGHUP)
        wait_until(lambda: self.notification("READY=1", since) or not self.alive(),
                   lambda: f"READY=1 after SIGHUP; got {self.notified[since:]}\n{self.log()}",
                   timeout)
        assert self.alive(), f"ipmodd ended at reload: {self.process.returncode}\n{self.log()}"
        text = "\n".join(self.notified[since:])
        status = re.findall(r"^STATUS=(.*)$", text, re.MULTILINE)
        return status[-1] if status else ""

    def statistics(self):
        """SIGUSR1, and what it logged.

        A second signal marks the end of what the first one wrote.
        """
        totals = r"\bin \d+ packets"
        count = len(self.log_lines(totals))
        for number in (1, 2):
            self.signal(signal.SIGUSR1)
            self.wait_log(totals, count + number)
        lines = self.log().splitlines()
        starts = [number for number, line in enumerate(lines) if re.search(totals, line)]
        return Statistics(lines[starts[count]:starts[count + 1]])

    def cpu_seconds(self):
        """User and system time that the process has used."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(
            encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def threads(self):
        """The files of each thread under /proc, by its name."""
        found = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            found[(task / "comm").read_text(encoding="ascii").strip()] = task
        return found

    def wakeups(self):
        """How often threads went to sleep by themselves since they exist."""
        texts = [(task / "status").read_text(encoding="ascii") for task in self.threads().values()]
        return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.MULTILINE)
                       .group(1)) for text in texts)
