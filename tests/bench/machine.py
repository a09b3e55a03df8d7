# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of the machine somebody else used while something was measured.

The time of all CPUs in user and kernel mode, and what a hypervisor took away, less the time of this
process, of the programs that it started and waited for, and of the kernel's network threads.
"""
import os
import pathlib
import resource
import time

TICK = os.sysconf("SC_CLK_TCK")
# Of the first line of /proc/stat: user, nice, system, steal.
COLUMNS = (1, 2, 3, 8)


def _machine_seconds():
    fields = pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return sum(int(fields[column]) for column in COLUMNS) / TICK


def _own_seconds():
    usage = [resource.getrusage(who)
             for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


def _find_network_threads():
    return [comm.parent for comm in pathlib.Path("/proc").glob("[0-9]*/comm")
            if comm.read_text(encoding="utf-8").startswith("ksoftirqd/")]


class Watch:
    """Counts from its making on."""

    def __init__(self):
        self._threads = _find_network_threads()
        self._others = self._others_seconds()
        self._start = time.monotonic()

    def _others_seconds(self):
        threads = sum(int(field) for thread in self._threads
                      for field in (thread / "stat").read_text(encoding="ascii").split()[13:15])
        return _machine_seconds() - _own_seconds() - threads / TICK

    def share(self):
        """Of all CPUs, 0 to 1, that others had since then."""
        elapsed = (time.monotonic() - self._start) * os.cpu_count()
        return max(0.0, (self._others_seconds() - self._others) / elapsed)
