# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodd_faulty: ipmodd with a netlink that fails on demand (faulty.c)."""
import difflib
import os
import pathlib
import re
import signal

FAULTY = os.environ.get("IPMODD_FAULTY", "")
SETTINGS = ("ipv4/conf/*/rp_filter", "ipv4/conf/*/forwarding", "ipv6/conf/all/forwarding",
            "ipv4/*_early_demux")
# What the text about each kind of fault must end with; the others do no harm.
WORDS = {"eexist": "File exists", "einval": "Invalid argument", "enodev": "No such device",
         "enomem": "Cannot allocate memory", "enobufs": "No buffer space available",
         "cut": "Cannot allocate memory", "timeout": "Connection timed out", "unstable": "Resource temporarily unavailable"}
HARMLESS = ("eintr", "interrupted")


def everything(space):
    """All that the daemon may touch, as text; quicker than a snapshot."""
    said = "".join(space.ip_batch(["rule show", "route show table all"], (option,))
                   for option in ("-4", "-6")) + space.ip_batch(["addr", "link"], ("-o",))
    with space:
        said += "".join(f"{path} {path.read_text(encoding='ascii')}" for pattern in SETTINGS
                        for path in sorted(pathlib.Path("/proc/sys/net").glob(pattern)))
    # Numbers of devices and what a device that comes late does to flags.
    return re.sub(r"^\d+: tun0.*\n", "", re.sub(r" expires \d+sec", "", said), flags=re.MULTILINE)


def difference(wanted, found):
    """Lines that one of two texts lacks."""
    return "\n".join(line for line in difflib.ndiff(wanted.splitlines(), found.splitlines())
                     if line[0] in "+-")


def choose(made, kind, number):
    """From now on the request NUMBER of a daemon fails; the file that tells that it came."""
    fault, fresh, hit = (made.directory / name for name in ("fault", "fresh", "hit"))
    hit.unlink(missing_ok=True)
    fresh.write_text(f"{kind}:{number}", encoding="utf-8")
    fresh.rename(fault)
    return hit


def run_once(made, config):
    """Starts; if it gets so far stops again. (exit code, what was there while it ran, its log)"""
    since = len(made.log()) if made.process else 0
    running = None
    try:
        made.start(config)
        running = everything(made.space)
        made.signal(signal.SIGTERM)
    except AssertionError:
        if made.process.poll() is None:
            raise
    return made.wait(), running, made.log()[since:]
