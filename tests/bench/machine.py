# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of the machine somebody else used while something was measured.

The time that all CPUs were not idle, and what a hypervisor took away, less the time of this process,
of the programs that it started and waited for, and of the kernel's network threads.
"""
import contextlib
import functools
import gzip
import os
import pathlib
import platform
import resource
import time

TICK = os.sysconf("SC_CLK_TCK")
# Of the first line of /proc/stat: user, nice, system, steal; irq, softirq.
BUSY_COLUMNS, INTERRUPT_COLUMNS = (1, 2, 3, 8), (6, 7)
QUIET_MOMENT_SECONDS = 0.2


@functools.cache
def _columns():
    """Interrupts count where the kernel charges them to the process that they interrupt."""
    with contextlib.suppress(OSError):
        if "CONFIG_IRQ_TIME_ACCOUNTING=y" in _kernel_configuration():
            return BUSY_COLUMNS
    return BUSY_COLUMNS + INTERRUPT_COLUMNS


def _kernel_configuration():
    packed = pathlib.Path("/proc/config.gz")
    if packed.exists():
        return gzip.decompress(packed.read_bytes()).decode()
    return pathlib.Path(f"/boot/config-{platform.release()}").read_text(encoding="utf-8")


def _machine_seconds():
    fields = pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return sum(int(fields[column]) for column in _columns()) / TICK


def _own_seconds():
    usage = [resource.getrusage(who)
             for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


@functools.cache
def _network_threads():
    found = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # processes come and go while the list is read
            if comm.read_text(encoding="utf-8", errors="replace").startswith("ksoftirqd/"):
                found.append(comm.parent / "stat")
    return found


def _network_seconds():
    return sum(int(field) for stat in _network_threads()
               for field in stat.read_text(encoding="ascii").split()[13:15]) / TICK


def _others_seconds():
    return _machine_seconds() - _own_seconds() - _network_seconds()


class Watch:
    """Counts from its making on."""

    def __init__(self):
        self._others = _others_seconds()
        self._start = time.monotonic()

    def share(self):
        """Of all CPUs, 0 to 1, that others had since then."""
        elapsed = (time.monotonic() - self._start) * os.cpu_count()
        return max(0.0, (_others_seconds() - self._others) / elapsed)


def wait_for_quiet(limit, patience):
    """Waits until others leave the machine alone for a moment, PATIENCE seconds at most.

    LIMIT: the share of all CPUs that they may have.
    """
    end = time.monotonic() + patience
    while time.monotonic() < end:
        watch = Watch()
        time.sleep(QUIET_MOMENT_SECONDS)
        if watch.share() <= limit:
            return
