# SPDX-License-Identifier: GPL-2.0-or-later
"""What a local user without privileges can do to the daemon: nothing."""
import contextlib
import os
import pathlib
import subprocess

import pytest

from daemon import EXIT_CONFIG, NO_RULES
from packets import has_payload, ip, send, tos_of, udp
from space import SLOW
from topology import FAR, HOST

NOBODY = 65534
CONNECT = "python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])'"
MARK = "[rule mark]\nset-dscp = cs1\n"


def as_nobody(space, script):
    """Runs a shell script as the user nobody in the space; CompletedProcess."""
    with space:
        return subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                               "--clear-groups", "sh", "-c", script], capture_output=True,
                              text=True, timeout=10 * SLOW, check=False)


@pytest.mark.parametrize("attempt", [
    "kill -KILL {pid}", "kill -TERM {pid}", "kill -HUP {pid}", "kill -USR1 {pid}",
    "kill -STOP {pid}",
    "cat /proc/{pid}/environ", "cat /proc/{pid}/maps", "ls /proc/{pid}/fd",
    "echo 'policy = drop' >>{config}", "rm {config}", "mv {config} {config}.old",
    "touch {run}/ipmodd/x", "rm -r {run}/ipmodd", "cat {run}/ipmodd/*.lock",
    "{connect} {run}/ipmodd/control", "ip rule del pref 99", "ip route del default table 100",
    "ip link set tun0 down", "ip link del tun0"])
def test_user_can_do_nothing(wire, daemons, attempt):
    daemon = daemons(wire.host)
    daemon.directory.chmod(0o755)
    daemon.start(MARK)
    script = attempt.format(pid=daemon.process.pid, config=daemon.config,
                            run=daemon.run_directory, connect=CONNECT)
    done = as_nobody(wire.host, script)
    assert done.returncode != 0, f"{script}: {done.stdout}"
    stat = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text(encoding="ascii")
    assert daemon.alive() and stat.rpartition(")")[2].split()[0] not in "TtZX"
    assert daemon.statistics().totals["in"] == 0


def sockets(pid):
    """The inodes of a process's sockets; a descriptor may close while they are listed."""
    inodes = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            link = os.readlink(descriptor)
            if link.startswith("socket:"):
                inodes.add(link[8:-1])
    return inodes


def test_nothing_to_connect_to(wire, daemons):
    """The daemon listens on no socket of any kind but that for ipmodctl, which is not for others."""
    daemon = daemons(wire.host)
    daemon.start()
    inodes = sockets(daemon.process.pid)
    listed = wire.host.run("ss -Haelp").stdout.splitlines()
    own = [line for line in listed if any(f"ino:{inode}" in line or f" {inode} " in line
                                          for inode in inodes) and "LISTEN" in line]
    assert len(own) == 1 and "/run/ipmodd/control" in own[0], own
    assert (daemon.run_directory / "ipmodd" / "control").stat().st_mode & 0o7777 == 0o660


@pytest.mark.parametrize("mode,owner", [(0o664, 0), (0o646, 0), (0o600, NOBODY)])
def test_configuration_that_others_can_write(wire, daemons, captures, mode, owner):
    """Refused at the start and by --check; on reload the old rules stay."""
    daemon = daemons(wire.host)
    daemon.start(MARK)
    daemon.config.write_text(NO_RULES, encoding="utf-8")
    os.chown(daemon.config, owner, -1)
    daemon.config.chmod(mode)
    done = daemon.once("--check")
    assert done.returncode == EXIT_CONFIG, done.stderr
    assert str(daemon.config) in done.stderr and "mends that" in done.stderr, done.stderr
    assert "refused" in daemon.reload().lower()
    seen = captures(wire.peer)
    send(wire.host, ip(4, HOST[4], FAR[4]) / udp(1, 2, b"old rules"))
    assert tos_of(seen.one(has_payload("old rules"))) == 0x20
    assert daemon.stop() == 0
    assert daemon.once().returncode == EXIT_CONFIG
