# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl as the tests call it, and captures as they write and read them."""
import json
import os
import struct
import subprocess

IPMODCTL = os.environ["IPMODCTL"]
START = 1_700_000_000

# LINKTYPE_ numbers of pcap files.
NULL, ETHERNET, RAW, LOOP, SLL, SLL2 = 0, 1, 101, 108, 113, 276


def ipmodctl_raw(*arguments, data=None, text=True):
    """The finished process, however it ended."""
    return subprocess.run([IPMODCTL, *map(str, arguments)], input=data, capture_output=True,
                          text=text, timeout=60, check=False)


def ipmodctl(*arguments, code=0, data=None, text=True):
    """The finished process; fails the test when it ends with another exit code."""
    done = ipmodctl_raw(*arguments, data=data, text=text)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def summary(*arguments, code=0):
    """What `ipmodctl -j …` prints last."""
    return json.loads(ipmodctl("-j", *arguments, code=code).stdout.splitlines()[-1])


def write_pcap(path, frames, link=RAW, nano=False, order="<", snaplen=65535):
    """FRAMES: bytes, or (bytes, time, length on the wire); times are START and 0.25 s more each."""
    unit = 10 ** 9 if nano else 10 ** 6
    with open(path, "wb") as file:
        magic = 0xa1b23c4d if nano else 0xa1b2c3d4
        file.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link))
        for number, frame in enumerate(frames):
            if isinstance(frame, tuple):
                frame, time, length = frame
            else:
                time, length = START + number * 0.25, len(frame)
            seconds = int(time)
            file.write(struct.pack(order + "IIII", seconds, round((time - seconds) * unit),
                                   len(frame), length))
            file.write(frame)
    return path


def write_pcapng(path, frames, link=RAW):
    """FRAMES are raw bytes; one interface of that link type, times in microseconds."""
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    with open(path, "wb") as file:
        file.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        file.write(block(1, struct.pack("<HHI", link, 0, 65535)))
        for number, frame in enumerate(frames):
            time = START * 10 ** 6 + number * 250_000
            file.write(block(6, struct.pack("<IIIII", 0, time >> 32, time & 0xffffffff, len(frame),
                                            len(frame)) + frame))
    return path


def read_pcap(path):
    """(bytes, (seconds, fraction), length on the wire) of each frame of a pcap file."""
    data = path.read_bytes()
    order = "<" if data[0] in (0xd4, 0x4d) else ">"
    frames, at = [], 24
    while at < len(data):
        seconds, fraction, captured, length = struct.unpack_from(order + "IIII", data, at)
        at += 16 + captured
        assert at <= len(data), "the file ends in a frame"
        frames.append((data[at - captured:at], (seconds, fraction), length))
    return frames


def frames_of(path):
    return [frame for frame, _time, _length in read_pcap(path)]
