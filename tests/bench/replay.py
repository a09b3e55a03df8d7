#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Small packets a second that `ipmodctl replay` runs through a rule that edits each, by processor time.

    replay.py [--check] IPMODCTL
"""
import argparse
import os
import struct
import subprocess
import sys
import tempfile

PACKETS = 1_000_000
ROUNDS = 3
GOAL = 1e6  # packets a second of one processor
RULES = "[rule edit]\nset-ttl = 9\n"


def udp(number):
    """48 bytes over IPv4: one of 256 flows. Its checksums are wrong, which costs what right ones do."""
    header = struct.pack("!BBHHHBBH8B", 0x45, 0, 48, number, 0, 64, 17, 0, 192, 0, 2, number,
                         198, 51, 100, 2)
    return header + struct.pack("!HHHH", 4000, 53, 28, 1) + bytes(20)


def write_capture(path):
    block = b"".join(struct.pack("<IIII", 1_700_000_000, number, 48, 48) + udp(number)
                     for number in range(256))
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101))
        file.write((block * (PACKETS // 256 + 1))[:PACKETS * len(block) // 256])


def processor_time(ipmodctl, folder):
    """Seconds, in user space and the kernel, of one replay."""
    with subprocess.Popen([ipmodctl, "replay", "-c", f"{folder}/rules.conf", f"{folder}/in.pcap",
                           f"{folder}/out.pcap"], stdout=subprocess.DEVNULL) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != 0:
        sys.exit("the replay failed")
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when the goal is missed")
    parser.add_argument("ipmodctl")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_capture(f"{folder}/in.pcap")
        with open(f"{folder}/rules.conf", "w", encoding="ascii") as file:
            file.write(RULES)
        rate = PACKETS / min(processor_time(arguments.ipmodctl, folder) for _ in range(ROUNDS))
    met = rate >= GOAL
    print(f"replay: {rate / 1e6:.1f} million packets a second of one processor (goal "
          f"{GOAL / 1e6:.0f}): {'ok' if met else 'MISSED'}")
    sys.exit(1 if arguments.check and not met else 0)


if __name__ == "__main__":
    main()
