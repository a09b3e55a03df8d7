# SPDX-License-Identifier: GPL-2.0-or-later
"""divert_driver in a namespace: nothing but the diversion; news of it come as lines."""
import os
import signal
import subprocess
import tempfile

from space import PATIENCE, SLOW, wait_until

DRIVER = os.environ.get("DIVERT_DRIVER", "")


class Driver:
    """A running divert_driver with its lines of news."""

    def __init__(self, space, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="ipmt-")
        self.out = open(os.path.join(self.folder.name, "news"), "w+", encoding="ascii")
        self.environment = {**os.environ, "RUNTIME_DIRECTORY": self.folder.name}
        self.space = space
        self.process = None
        self.start(*options)

    def start(self, *options):
        """Starts it; returns when the diversion stands."""
        self.process = self.space.popen([DRIVER, "run", *options], stdout=self.out,
                                        env=self.environment, cwd=self.folder.name)
        wait_until(lambda: self.said("ready") or self.process.poll() is not None, self.news,
                   5 * SLOW)
        assert self.process.poll() is None, self.news()

    def once(self, *arguments):
        """Runs `divert_driver ARGUMENTS` with the same files."""
        with self.space:
            return subprocess.run([DRIVER, *arguments], env=self.environment, text=True,
                                  capture_output=True, timeout=10 * SLOW, check=False)

    def news(self):
        """Everything it said."""
        with open(self.out.name, encoding="ascii") as lines:
            return lines.read()

    def said(self, what):
        """Whether a line of the news begins with WHAT."""
        return any(line.startswith(what) for line in self.news().splitlines())

    def forget(self):
        """Empties the news."""
        self.out.seek(0)
        self.out.truncate()

    def reload(self, *options):
        """Reloads with other options; the line that it says about it."""
        with open(os.path.join(self.folder.name, "reload"), "w", encoding="ascii") as words:
            words.write(" ".join(options))
        self.forget()
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.said("reload"), self.news)
        return [line for line in self.news().splitlines() if line.startswith("reload")][0]

    def sources(self, destinations):
        """The source of masqueraded packets to each of them, None where there is none."""
        with open(os.path.join(self.folder.name, "destinations"), "w", encoding="ascii") as words:
            words.write(" ".join(destinations))
        self.forget()
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: self.said("end of sources"), self.news)
        told = [line.split() for line in self.news().splitlines() if line.startswith("source ")]
        return {to: None if source == "none" else source for _, to, source in told}

    def stop(self):
        """A clean stop."""
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0, self.news()

    def kill(self):
        """A crash."""
        self.process.kill()
        self.process.wait(PATIENCE)
        wait_until(lambda: "tun0" not in str(self.space.ip_json("link show")), "tun0 gone")
        self.forget()

    def close(self):
        """Ends it, if it runs, and removes its files."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.out.close()
        self.folder.cleanup()
