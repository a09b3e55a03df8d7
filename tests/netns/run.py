# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs pytest on the given files if this host can: root, /dev/net/tun and ipmodd, else exit 77.

Nothing is written into the source tree: with -X pycache_prefix=DIRECTORY compiled files are kept there.
"""
import os
import subprocess
import sys

SKIP = 77


def missing():
    """Why the tests can't run here, or None."""
    if os.geteuid() != 0:
        return "namespaces need root"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun: {error.strerror}"
    if not os.access(os.environ.get("IPMODD", ""), os.X_OK):
        return "the variable IPMODD names no ipmodd"
    made = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True,
                          check=False)
    return made.stderr.strip() if made.returncode != 0 else None


def main():
    """Skips or becomes pytest."""
    why = missing()
    if why is not None:
        print(f"skipped: {why}")
        return SKIP
    import pytest  # pylint: disable=import-outside-toplevel # it may be missing where all is skipped

    sys.dont_write_bytecode = sys.pycache_prefix is None
    here = os.path.dirname(os.path.abspath(__file__))
    return pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", here, "--durations=5", "-rfEs",
                        *sys.argv[1:]])


sys.exit(main())
