# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures that nobody here wrote: those that Debian's gopacket package ships for its own tests.

Among them are pcapng files with every kind of block, in both byte orders. libpcap, and so replay,
reads files whose interfaces are alike in link type and snap length; the others up to where they are
not, and says so.
"""
import json
import pathlib
import struct
import subprocess
import sys

import pytest

from ctl import IPMODCTL, read_pcap

sys.path.append(str(pathlib.Path(__file__).parents[2] / "netns"))
from packets import checksum_errors  # pylint: disable=wrong-import-position,import-error

FOLDER = pathlib.Path("/usr/share/gocode/src/github.com/google/gopacket")
PCAP = sorted(FOLDER.glob("pcap/*.pcap"))
PCAPNG = sorted(FOLDER.glob("pcapgo/tests/*/*.pcapng"))
pytestmark = pytest.mark.skipif(not PCAP, reason="golang-github-google-gopacket-dev is missing")

KEEP = "[main]\nmalformed = pass\n"
EDIT = KEEP + ("[rule all]\nset-ttl = 7\nset-dscp = ef\n"
               "[rule ports]\nport = 0-65535\nset-sport = 4321\n"
               "[rule four]\nfamily = ipv4\nset-src = 192.0.2.77\n"
               "[rule six]\nfamily = ipv6\nset-src = 2001:db8::77\n")
INTERFACE, EPB, SPB, OLD_PACKET = 1, 6, 3, 2


def replay(directory, config, path):
    """(frames that come out, None or what went wrong)."""
    (directory / "rules.conf").write_text(config)
    out = directory / "out.pcap"
    done = subprocess.run([IPMODCTL, "-j", "replay", "-c", directory / "rules.conf", path, out],
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 0:
        assert json.loads(done.stdout)["complete"] and done.stderr == ""
        return [frame for frame, _, _ in read_pcap(out)], None
    assert done.returncode == 1 and done.stderr.startswith("ipmodctl: ")
    return [frame for frame, _, _ in read_pcap(out)] if out.exists() else [], done.stderr


def frames_of_pcapng(path):
    """Data of every packet block, by the draft's letter and nothing else."""
    data, at, order, snap, frames = path.read_bytes(), 0, "<", None, []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order, snap = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">", None
        kind, size = struct.unpack_from(order + "II", data, at)
        if kind == INTERFACE and snap is None: # that of simple packet blocks
            snap = struct.unpack_from(order + "I", data, at + 12)[0] or 1 << 32
        elif kind in (EPB, OLD_PACKET):
            length = struct.unpack_from(order + "I", data, at + 20)[0]
            frames.append(data[at + 28:at + 28 + length])
        elif kind == SPB:
            length = min(struct.unpack_from(order + "I", data, at + 8)[0], size - 16, snap)
            frames.append(data[at + 12:at + 12 + length])
        at += size
    return frames


def frames_of(path):
    return frames_of_pcapng(path) if path.suffix == ".pcapng" else \
        [frame for frame, _, _ in read_pcap(path)]


def ids(path):
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.parametrize("path", PCAP + PCAPNG, ids=ids)
def test_without_rules_every_byte_stays(tmp_path, path):
    out, incident = replay(tmp_path, KEEP, path)
    expected = frames_of(path)
    if incident is None:
        assert out == expected
    else:
        assert path.suffix == ".pcapng" and str(path) in incident
        assert out == expected[:len(out)]
    if path.suffix == ".pcap":
        assert (tmp_path / "out.pcap").read_bytes() == path.read_bytes()


def test_most_files_are_read_to_their_end(tmp_path):
    """So that the tests above say something: of both formats and both byte orders."""
    whole = {path for path in PCAP + PCAPNG
             if replay(tmp_path, KEEP, path)[1] is None and frames_of(path)}
    assert whole >= set(PCAP)
    for order in ("le", "be"):
        assert sum(path.parent.name == order for path in whole) >= 8


def ip_of(frame, link):
    """The IP packet of a frame, or None; every checksum of it can be judged."""
    at = {0: 4, 1: 14, 101: 0, 113: 16}[link]
    if link == 1 and frame[12:14] not in (b"\x08\x00", b"\x86\xdd"):
        return None
    data = frame[at:]
    if len(data) < 40 or data[0] >> 4 not in (4, 6):
        return None
    if data[0] >> 4 == 4:
        length = struct.unpack_from("!H", data, 2)[0]
        return data[:length] if length <= len(data) and not data[6] & 0x3f and not data[7] else None
    return data if 40 + struct.unpack_from("!H", data, 4)[0] <= len(data) else None


@pytest.mark.parametrize("path", PCAP + PCAPNG, ids=ids)
def test_right_checksums_stay_right_and_wrong_ones_wrong(tmp_path, path):
    out, _ = replay(tmp_path, EDIT, path)
    if not (tmp_path / "out.pcap").exists():
        return
    link = struct.unpack_from("<I", (tmp_path / "out.pcap").read_bytes(), 20)[0]
    for before, after in zip(frames_of(path), out):
        old, new = ip_of(before, link), ip_of(after, link)
        assert (old is None) == (new is None) and len(before) == len(after)
        if old is not None:
            assert new[8 if new[0] >> 4 == 4 else 7] == 7 and new != old
            assert checksum_errors(new) == checksum_errors(old)


def test_both_kinds_are_among_them():
    """Right checksums and, from hosts that leave them to the network card, wrong ones."""
    found = {True: 0, False: 0}
    for path in PCAP:
        link = struct.unpack_from("<I", path.read_bytes(), 20)[0]
        for frame in frames_of(path):
            data = ip_of(frame, link)
            if data is not None:
                found[checksum_errors(data) == []] += 1
    assert found[True] > 10 and found[False] > 0, found
