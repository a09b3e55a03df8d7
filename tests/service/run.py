#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""run.py BUILD: the service tests by pytest; exit 77 with a reason where they cannot run."""
import os
import pathlib
import shutil
import subprocess
import sys

SKIP = 77


def reason_to_skip():
    if os.geteuid() != 0:
        return "a container needs root"
    if shutil.which("systemd-nspawn") is None:
        return "systemd-nspawn is not installed (systemd-container)"
    return None


def main():
    reason = reason_to_skip()
    if reason is not None:
        print(f"skipped: {reason}")
        return SKIP
    environment = dict(os.environ, IPMODD_BUILD=sys.argv[1], PYTHONDONTWRITEBYTECODE="1")
    # Debian's own interpreter has Debian's pytest, whatever stands first in PATH.
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
               str(pathlib.Path(__file__).parent)]
    return subprocess.run(command, env=environment, check=False).returncode


sys.exit(main())
