# SPDX-License-Identifier: GPL-2.0-or-later
"""One boot of a container with the installed service; the tests read what it left in a folder."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
BOOT_SECONDS = 400

UNIT = """\
[Unit]
After=basic.target systemd-journald.service
[Service]
Type=oneshot
ExecStart=/bin/sh /inside/inside.sh
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=file:/out/log
StandardError=inherit
TimeoutStartSec=380s
"""
TARGET = """\
[Unit]
Requires=basic.target
After=basic.target
Wants=ipmodd-test.service
"""


class Results:
    """What one run of inside.sh wrote: NAME holds the output of a step, NAME.rc its exit code."""

    def __init__(self, folder, installed):
        self.folder = folder
        self.installed = installed

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")

    def code(self, name):
        return int(self.text(name + ".rc"))

    def properties(self, name):
        """`systemctl show` as a dictionary."""
        return dict(line.partition("=")[::2] for line in self.text(name).splitlines())

    def entries(self, name):
        """Journal entries, one JSON object a line."""
        return [json.loads(line) for line in self.text(name).splitlines() if line.startswith("{")]


def install(build, folder):
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild"], check=True,
                   stdout=subprocess.DEVNULL, env=dict(os.environ, DESTDIR=str(folder)))
    return folder


def boot(folder, installed):
    """Boots, runs inside.sh, powers off. Everything written outside `folder` dies with it."""
    units, out = folder / "units", folder / "out"
    units.mkdir()
    out.mkdir()
    (units / "ipmodd-test.service").write_text(UNIT, encoding="utf-8")
    (units / "ipmodd-test.target").write_text(TARGET, encoding="utf-8")
    command = ["systemd-nspawn", "--quiet", "--directory=/", "--volatile=yes", "--register=no",
               "--keep-unit", "--boot", "--private-network", f"--machine=ipmodd-{os.getpid()}",
               f"--overlay-ro=/usr:{installed}/usr:/usr", f"--bind-ro={units}:/etc/systemd/system",
               f"--bind-ro={HERE}:/inside", f"--bind={out}:/out", "systemd.firstboot=no",
               "systemd.unit=ipmodd-test.target"]
    with open(folder / "console", "wb") as console:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                       timeout=BOOT_SECONDS, check=False)
    return out


@pytest.fixture(scope="session", name="results")
def fixture_results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    installed = install(os.environ["IPMODD_BUILD"], folder / "installed")
    out = boot(folder, installed)
    finished = (out / "finished").exists()
    if not finished:
        print((folder / "console").read_text(errors="replace")[-4000:])
        if (out / "log").exists():
            print((out / "log").read_text(errors="replace")[-8000:])
    assert finished, "the container did not run to its end"
    yield Results(out, installed)
    shutil.rmtree(folder, ignore_errors=True)
