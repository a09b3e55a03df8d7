# SPDX-License-Identifier: GPL-2.0-or-later
"""`rps`: the kernel goes on with what was written on other processors. One is enough for these tests."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from control import CTL, ctl, ctl_json, path_of
from daemon import TUN
from space import wait_until
from topology import FAR
from traffic import ping

ONLINE = pathlib.Path("/sys/devices/system/cpu/online").read_text(encoding="ascii").strip()
QUEUES = int(TUN["queues"] or 2)
TROUBLE = "rps: packets are not steered"

def config(rps, queues=QUEUES):
    """A configuration with this value; an edit shows that packets pass the daemon."""
    return f"[tun]\nrps = {rps}\nqueues = {queues}\n[rule mark]\nset-dscp = cs1\n"


def mask_of(cpus):
    """A list of processors as a number."""
    mask = 0
    for part in cpus.split(","):
        first, _, last = part.partition("-")
        mask |= (1 << int(last or first) + 1) - (1 << int(first))
    return mask


def in_sysfs(space, script):
    """What a shell says that sees /sys of SPACE."""
    return subprocess.run(["ip", "netns", "exec", space.name, "sh", "-ec", script],
                          capture_output=True, text=True, check=True).stdout


@pytest.fixture(autouse=True)
def fixture_steering(wire):
    """A kernel that can steer, and a root that may have it do so: not one of a user namespace."""
    try:
        in_sysfs(wire.host, "echo 0 >/sys/class/net/lo/queues/rx-0/rps_cpus")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"nobody can set it here: {error.stderr.strip()}")


def masks(space):
    """The masks of the queues of tun0, one or more; none when there is no tun0."""
    said = in_sysfs(space, "cat /sys/class/net/tun0/queues/rx-*/rps_cpus || true")
    return [int(line.replace(",", ""), 16) for line in said.split()]


def wait_for_masks(daemon, mask, queues=QUEUES):
    """Each queue comes to have MASK."""
    wait_until(lambda: masks(daemon.space) == [mask] * queues,
               lambda: f"masks {masks(daemon.space)}, not {mask}; log:\n{daemon.log()}")


def set_by_hand(space, text):
    """As an administrator does."""
    in_sysfs(space, f"for f in /sys/class/net/tun0/queues/rx-*/rps_cpus; do echo {text} >$f; done")


def passes(net, family):
    """Whether packets come through."""
    return ping(net.host, FAR[family], 3) == (3, 3)


def test_all(wire, daemons, family):
    """In force after the start; status and doctor know it, and nothing is complained about."""
    daemon = daemons(wire.host)
    daemon.start(config("all"))
    wait_for_masks(daemon, mask_of(ONLINE))
    assert passes(wire, family)
    assert ctl_json(daemon, "status")["rps"] == ONLINE
    assert re.search(f"^rps +CPUs {ONLINE} ", ctl(daemon, "status").stdout, re.M)
    assert not daemon.log_lines("rps")


def test_one_queue(wire, daemons):
    daemon = daemons(wire.host)
    queues = int(TUN["queues"] or 1)
    daemon.start(config("0", queues))
    wait_for_masks(daemon, 1, queues)


def test_reload(wire, daemons):
    """On, another one, and off again, while packets pass."""
    daemon = daemons(wire.host)
    daemon.start(config("off"))
    assert masks(wire.host) == [0] * QUEUES
    assert "rps" not in ctl_json(daemon, "status")
    for value, mask in (("0", 1), ("all", mask_of(ONLINE)), ("off", 0), ("0", 1)):
        daemon.reload(config(value))
        wait_for_masks(daemon, mask)
        assert passes(wire, 4)


def test_by_hand(wire, daemons):
    """What somebody else has set is theirs, before the key is used and after."""
    daemon = daemons(wire.host)
    daemon.start(config("off"))
    set_by_hand(wire.host, "1")
    daemon.reload(config("off") + "set-ttl = 60\n")
    assert passes(wire, 4)
    assert masks(wire.host) == [1] * QUEUES
    daemon.reload(config("0"))
    wait_until(lambda: ctl_json(daemon, "status").get("rps") == "0", "rps in the status")
    set_by_hand(wire.host, "0")
    daemon.reload(config("0") + "set-ttl = 61\n")
    wait_for_masks(daemon, 1)


@pytest.mark.skipif(mask_of(ONLINE) & 2 == 0, reason="one processor")
def test_off_leaves_what_is_not_ours(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(config("0"))
    wait_for_masks(daemon, 1)
    set_by_hand(wire.host, "2")
    daemon.reload(config("off"))
    wait_until(lambda: "rps" not in ctl_json(daemon, "status"), "rps gone from the status")
    assert masks(wire.host) == [2] * QUEUES


def test_device_made_again(wire, daemons):
    """With the device its files go; the new one is set as well."""
    daemon = daemons(wire.host)
    daemon.start(config("0"))
    wait_for_masks(daemon, 1)
    wire.host.ip("link del tun0")
    daemon.wait_log("tun0 is back")
    wait_for_masks(daemon, 1)
    assert passes(wire, 4)


def test_cpus_that_are_not_there(wire, daemons):
    """A list may be longer than the machine: those that it has are used, and the log says so."""
    daemon = daemons(wire.host)
    assert daemon.once("--check", config=config("0,8191")).returncode == 0
    daemon.start(config("0,8191"))
    daemon.wait_log("rps: this machine has not all of these CPUs running: packets are steered to 0;")
    assert masks(wire.host) == [1] * QUEUES
    daemon.reload(config("8190-8191"))
    daemon.wait_log("rps: this machine .* packets are steered to none; what helps: .* rps = all")
    wait_for_masks(daemon, 0)
    assert passes(wire, 4)


# What becomes of /sys before the daemon starts: (shell command, what it says then).
SYSFS = {
    "read-only": ("mount -o remount,bind,ro /sys", "read-only here; what helps: `ReadWritePaths="),
    "of another namespace": ("nsenter --net=/proc/{other}/ns/net mount -t sysfs none /sys",
                             "/sys is not that of this network namespace"),
    "not there": ("umount -l /sys; mount -t tmpfs none /sys",
                  "/sys is not that of this network namespace"),
}


@pytest.mark.parametrize("name", SYSFS)
def test_refused(wire, daemons, name):
    """Packets pass all the same, and one line says what is in the way."""
    command, words = SYSFS[name]
    command = command.format(other=wire.peer.popen("sleep infinity").pid)
    daemon = daemons(wire.host)
    daemon.start(config("all"), prefix=("sh", "-ec", f'{command}; exec "$@"', "sh"))
    assert words in daemon.wait_log(TROUBLE)[0]
    assert masks(wire.host) == [0] * QUEUES
    assert passes(wire, 4)
    daemon.reload(config("all") + "set-ttl = 60\n")
    assert passes(wire, 4)
    assert len(daemon.log_lines("rps")) == 1
    assert daemon.stop() == 0


def test_one_of_another_namespace(wire, daemons):
    """The device that /sys shows has the right name and number, and is somebody else's."""
    daemon = daemons(wire.host)
    other = wire.peer.popen("sleep infinity").pid
    wire.peer.ip("tuntap add tun0 mode tun multi_queue")
    script = f'nsenter --net=/proc/{other}/ns/net mount -t sysfs none /sys; exec "$@"'
    daemon.start(config("all"), prefix=("sh", "-ec", script, "sh"))
    assert "/sys is not that of this network namespace" in daemon.wait_log(TROUBLE)[0]
    ours, theirs = (space.ip_json("link show tun0")[0]["ifindex"]
                    for space in (wire.host, wire.peer))
    assert ours == theirs
    assert masks(wire.peer) == [0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the mode of a file in /sys changed")
def test_allowed_later(wire, daemons):
    """Who may write the file is decided by udev, a moment after the device has come."""
    daemon = daemons(wire.host)
    daemon.start(config("off"))
    in_sysfs(wire.host, "chmod a-w /sys/class/net/tun0/queues/rx-*/rps_cpus")
    daemon.reload(config("0"))
    assert passes(wire, 4)
    assert masks(wire.host) == [0] * QUEUES
    in_sysfs(wire.host, "chmod u+w /sys/class/net/tun0/queues/rx-*/rps_cpus")
    wait_for_masks(daemon, 1)
    assert not daemon.log_lines("rps")


def test_doctor_and_plan(wire, daemons):
    """Set away by somebody: the doctor names the file; the plan has the command."""
    daemon = daemons(wire.host)
    daemon.start(config("0"))
    wait_for_masks(daemon, 1)
    set_by_hand(wire.host, "0")
    doctor = subprocess.run(["ip", "netns", "exec", wire.host.name, CTL, "-s", path_of(daemon), "-j",
                             "doctor", "-c", str(daemon.config)],
                            capture_output=True, text=True, check=False).stdout
    found = [one for one in json.loads(doctor)["findings"] if one["check"] == "rps"]
    assert [one["level"] for one in found] == ["warning"]
    assert "/sys/class/net/tun0/queues/rx-0/rps_cpus is not set" in found[0]["text"]
    plan = daemon.once("--print-plan").stdout
    for queue in range(QUEUES):
        assert f"echo 1 > /sys/class/net/tun0/queues/rx-{queue}/rps_cpus\n" in plan
