# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of the command line that all commands share."""
import subprocess

import pytest

from ctl import IPMODCTL, ipmodctl


@pytest.mark.parametrize("arguments, text", [
    ([], "no command given"),
    (["-s"], "no value given behind -s"),
    (["-x"], "wrong option -x"),
    (["--frob"], "wrong option --frob"),
    (["repley"], "unknown command repley; did you mean 'replay'?"),
    (["xyzzy"], "unknown command xyzzy; see ipmodctl --help"),
    (["-s", "/x", "replay", "a", "b"], "ipmodctl replay: asks no daemon: leave -s out"),
    (["replay"], "needs two captures, IN and OUT"),
    (["replay", "a", "b", "c"], "needs two captures, IN and OUT"),
    (["replay", "--frob", "a", "b"], "wrong option --frob"),
    (["replay", "a", "b", "--seed"], "no value given behind --seed"),
])
def test_wrong(arguments, text):
    done = ipmodctl(*arguments, code=2)
    assert text in done.stderr and done.stdout == ""


def test_version_and_help():
    assert ipmodctl("--version").stdout.startswith("ipmodctl ")
    text = ipmodctl("--help").stdout
    assert text.startswith("usage: ipmodctl") and "\n  replay " in text
    assert ipmodctl("replay", "--help").stdout.startswith("usage: ipmodctl [-j] replay ")


def test_full_disk_is_noticed():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([IPMODCTL, "--help"], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
    assert done.returncode == 1 and "No space left on device" in done.stderr
