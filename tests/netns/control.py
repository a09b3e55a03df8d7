# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket of a daemon, spoken by hand and by ipmodctl."""
import json
import os
import socket
import subprocess

from space import SLOW

CTL = os.environ.get("IPMODCTL", "")


def path_of(daemon):
    """Where DAEMON listens, as seen from here."""
    return str(daemon.run_directory / "ipmodd" / "control")


class Client:
    """A connection; lines in, documents out."""

    def __init__(self, daemon, timeout=5 * SLOW):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path_of(daemon))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def say(self, line):
        """Sends a request."""
        self.socket.sendall(line.encode() + b"\n")

    def hear(self):
        """The next document."""
        line = self.file.readline()
        assert line.endswith(b"\n"), f"the daemon hung up behind {line!r}"
        document = json.loads(line)
        assert document["schema"] == 1
        return document

    def ask(self, line):
        """The answer to a request."""
        self.say(line)
        return self.hear()


def ctl(daemon, *arguments, timeout=20 * SLOW, **options):
    """Runs ipmodctl against DAEMON to its end."""
    return subprocess.run([CTL, "-s", path_of(daemon), *arguments], capture_output=True, text=True,
                          timeout=timeout, check=False, **options)


def ctl_json(daemon, *arguments):
    """What `ipmodctl -j` prints, as an object."""
    done = ctl(daemon, "-j", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ctl_lines(daemon, *arguments):
    """What `ipmodctl -j` prints, an object a line."""
    done = ctl(daemon, "-j", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
