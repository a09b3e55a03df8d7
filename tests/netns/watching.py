# SPDX-License-Identifier: GPL-2.0-or-later
"""Watching live packets: ipmodctl in the background, and what it says as it comes."""
import contextlib
import json
import pathlib
import subprocess

from control import CTL, path_of
from daemon import SLOW
from space import die_with_parent, wait_until


class Watch:
    """`ipmodctl ARGUMENTS` that runs, and has told that it watches."""

    def __init__(self, daemon, arguments, **options):
        place = pathlib.Path(daemon.directory) / f"watch-{id(self)}"
        self._out, self._err = place.with_suffix(".out"), place.with_suffix(".err")
        with open(self._out, "wb") as out, open(self._err, "wb") as err:
            self.process = subprocess.Popen([CTL, "-s", path_of(daemon), *arguments],
                                            **{"stdout": out, **options}, stderr=err,
                                            preexec_fn=die_with_parent)
        wait_until(lambda: "watching" in self.errors() or self.process.poll() is not None,
                   lambda: f"{arguments}: {self.errors()}", 5 * SLOW)

    def errors(self):
        """What it said to people beside its output."""
        return self._err.read_text()

    def text(self):
        """All that it printed."""
        return self._out.read_bytes()

    def lines(self, count=0, keep=lambda line: True):
        """Its lines that KEEP likes, COUNT at least."""
        found = lambda: [line for line in self.text().decode().split("\n")[:-1] if keep(line)]
        wait_until(lambda: len(found()) >= count,
                   lambda: f"{count} lines; there are {found()} {self.errors()}", 3 * SLOW)
        return found()

    def events(self, count=0, event="packet"):
        """With -j: COUNT events at least."""
        return [json.loads(line) for line in
                self.lines(count, lambda line: f'"event":"{event}"' in line)]

    def end(self):
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(5 * SLOW)


@contextlib.contextmanager
def watch(daemon, *arguments, **options):
    """A Watch that is gone afterwards."""
    watching = Watch(daemon, arguments, **options)
    try:
        yield watching
    finally:
        if watching.process.poll() is None:
            watching.process.kill()
        watching.process.wait()
