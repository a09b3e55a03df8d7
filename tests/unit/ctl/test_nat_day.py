# SPDX-License-Identifier: GPL-2.0-or-later
"""A day of connections that come and go through a translator, in simulated time: memory is flat."""
import fcntl
import os
import struct
import subprocess

from ctl import IPMODCTL, RAW, START
from nat import FAR, INSIDE, POOL, rules, tcp

PER_HOUR = 4000
PIPE = 4096  # bytes
CONFIG = "[flows]\nmax = 4096"


def write_day(path, hours):
    """A SYN, its answer and a reset for each connection, from ports and to hosts in turn."""
    bare = [bytes(packet) for packet in (
        tcp(4, INSIDE[4], 1, FAR[4], 80, "S"), tcp(4, FAR[4], 80, POOL[4], 1, "SA"),
        tcp(4, INSIDE[4], 1, FAR[4], 80, "R"))]
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, RAW))
        for number in range(hours * PER_HOUR):
            time, port = START + number * 3600 // PER_HOUR, struct.pack(">H", 1024 + number % 60000)
            for way, packet in enumerate(bare):
                place = 22 if way == 1 else 20
                file.write(struct.pack("<IIII", time, way, len(packet), len(packet)) +
                           packet[:place] + port + packet[place + 2:])


def peak_of(pid):
    """The most memory in KiB that a process has had so far."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def memory(folder, hours):
    """The most memory in KiB that a replay of so many hours has; every packet of them comes out.

    It cannot end before it is looked at: its last packets do not fit into the pipe before."""
    write_day(folder / "in.pcap", hours)
    frame = 16 + len(bytes(tcp(4, INSIDE[4], 1, FAR[4], 80, "S")))
    size = 24 + 3 * hours * PER_HOUR * frame
    command = [IPMODCTL, "replay", "-c", folder / "nat.conf", "--seed", "1", folder / "in.pcap", "-"]
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE)  # fails for a pipe that has more in it
    with subprocess.Popen(command, stdout=write_end, stderr=subprocess.DEVNULL) as process, \
            open(read_end, "rb") as out:
        os.close(write_end)
        came = len(out.read(size - 8 * PIPE))
        peak = peak_of(process.pid)
        came += len(out.read())
    assert process.returncode == 0
    assert came == size
    return peak


def test_memory_is_flat_over_a_day(tmp_path):
    """24 hours take no more than six, to 29 bytes a connection; every packet of each is translated."""
    (tmp_path / "nat.conf").write_text(rules(4, flows=CONFIG))
    short = memory(tmp_path, 6)
    day = memory(tmp_path, 24)
    assert short > 1000, "nothing was measured"
    assert day < short + 2048, f"{short} KiB for six hours, {day} KiB for a day"
