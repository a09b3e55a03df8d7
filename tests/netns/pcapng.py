# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading pcapng by the letter of the draft, for tests: shares nothing with the writer."""
import collections
import struct

Packet = collections.namedtuple("Packet", "time interface data length comment flags drops ident")

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6


def blocks(data):
    """(type, body) of each block; a torn one is an AssertionError."""
    at = 0
    while at < len(data):
        assert len(data) - at >= 12, f"{len(data) - at} bytes are no block"
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0 and 12 <= length <= len(data) - at, f"block of {length} bytes"
        assert struct.unpack_from("<I", data, at + length - 4)[0] == length
        yield kind, data[at + 8:at + length - 4]
        at += length


def options(data):
    """Values by code."""
    found, at = {}, 0
    while at < len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            break
        found[code] = data[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    return found


def read(path):
    """(interface names, packets) of a file whose times are nanoseconds."""
    interfaces, packets = [], []
    for number, (kind, body) in enumerate(blocks(path.read_bytes())):
        assert (number == 0) == (kind == SECTION)
        if kind == INTERFACE:
            link = struct.unpack_from("<H", body)[0]
            found = options(body[8:])
            assert link == 101 and found[9] == b"\x09"
            interfaces.append(found[2].decode())
        elif kind == PACKET:
            interface, high, low, captured, length = struct.unpack_from("<IIIII", body)
            found = options(body[20 + (captured + 3) // 4 * 4:])
            packets.append(Packet(
                high << 32 | low, interface, body[20:20 + captured], length,
                found.get(1, b"").decode(), int.from_bytes(found.get(2, b""), "little"),
                int.from_bytes(found.get(4, b""), "little"),
                int.from_bytes(found[5], "little")))
    return interfaces, packets
