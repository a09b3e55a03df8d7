# SPDX-License-Identifier: GPL-2.0-or-later
"""Completions of the shells, with a daemon that has rules."""
import os
import pathlib
import shutil
import subprocess

import pytest

from control import CTL, path_of
from daemon import Daemon
from space import SLOW
from topology import Network, wire_topology

COMPLETIONS = pathlib.Path(os.environ["IPMODD_SOURCE"]) / "completions"
ENVIRONMENT = {**os.environ, "PATH": f"{os.path.dirname(CTL)}:{os.environ['PATH']}", "LC_ALL": "C"}
RULES = "[rule voice]\nproto = udp\n[rule video]\nproto = udp\n[rule web]\nproto = tcp\n"


@pytest.fixture(scope="module", name="socket")
def socket_fixture():
    """The socket of a daemon with three rules."""
    net = Network()
    wire_topology(net)
    daemon = Daemon(net.host)
    daemon.start(RULES)
    yield path_of(daemon)
    daemon.close()
    net.delete()


def by_bash(words):
    """What bash offers for the last of WORDS."""
    script = (f". {COMPLETIONS}/ipmodctl.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
              "_ipmodctl; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                          env=ENVIRONMENT, timeout=20 * SLOW, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def by_zsh(words):
    """What the functions for zsh would offer: compadd and _describe tell it here."""
    script = ("compadd() { [[ $1 == -a ]] && print -l -- ${(P)2} || print -l -- $@ }; "
              "_describe() { print -l -- ${${(P)2}%%:*} }; _files() { print -l -- /etc }; "
              "compset() { return 1 }; "
              f". {COMPLETIONS}/_ipmodctl; words=(\"$@\"); CURRENT=$#; _ipmodctl")
    done = subprocess.run(["zsh", "-f", "-c", script, "zsh", *words], capture_output=True, text=True,
                          env=ENVIRONMENT, timeout=20 * SLOW, check=False)
    assert done.stderr == ""
    return {word for word in done.stdout.split() if word.startswith(words[-1])}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completions(socket, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this host")
    complete = by_bash if shell == "bash" else by_zsh
    assert {"status", "reload", "disable", "monitor"} <= complete(["ipmodctl", ""])
    assert complete(["ipmodctl", "ro"]) == {"rollback"}
    assert complete(["ipmodctl", "reload", "--c"]) == {"--confirm"}
    assert complete(["ipmodctl", "--so"]) == {"--socket"}
    assert complete(["ipmodctl", "-s", socket, "disable", "v"]) == {"voice", "video"}
    assert complete(["ipmodctl", "-j", "-s", socket, "enable", "w"]) == {"web"}
    assert complete(["ipmodctl", "-s", "/nonexistent", "disable", "v"]) == set()
    assert complete(["ipmodctl", "reload", "--confirm", "6"]) == {"60s"}
    assert complete(["ipmodctl", "monitor", "--event", "u"]) == {"update"}
    assert complete(["ipmodctl", "path", "--proto", "t"]) == {"tcp"}
    # The same letter: a file here, a number or an address there.
    for words in (["-s"], ["capture", "-w"], ["doctor", "-c"], ["trace", "--read"]):
        assert complete(["ipmodctl", *words, "/et"]) == {"/etc"}
    for words in (["monitor", "-c"], ["ping", "-s"], ["path", "-s"]):
        assert complete(["ipmodctl", *words, "/et"]) == set()


def test_rules_of_flows(socket):
    """bash hands KEY=VALUE over in pieces."""
    asked = ["ipmodctl", "-s", socket, "flows"]
    assert by_bash([*asked, "sp"]) == {"sport="}
    assert by_bash([*asked, "rule", "=", "v"]) == {"voice", "video"}
    assert by_bash([*asked, "rule", "="]) == {"voice", "video", "web"}
    assert by_bash([*asked, "dport", "=", "s"]) == set()
