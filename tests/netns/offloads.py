# SPDX-License-Identifier: GPL-2.0-or-later
"""The offloads of a device, as `ethtool -K` switches them, by ioctl(2) (linux/ethtool.h)."""
import ctypes
import fcntl
import fnmatch
import functools
import socket
import struct

SIOCETHTOOL = 0x8946
ETHTOOL_GSTRINGS, ETHTOOL_GSSET_INFO, ETHTOOL_SFEATURES = 0x1B, 0x37, 0x3B
ETH_SS_FEATURES = 4
ETH_GSTRING_LEN = 32
# What a packet would have left to do for a device, or be made larger by.
ALL = ("tx-checksum-*", "tx-tcp*-segmentation", "tx-generic-segmentation", "tx-udp-segmentation",
       "rx-gro")


def _ask(asked, device, request):
    """What the kernel makes of REQUEST."""
    memory = ctypes.create_string_buffer(request, len(request))
    fcntl.ioctl(asked, SIOCETHTOOL,
                struct.pack("16sP16x", device.encode(), ctypes.addressof(memory)))
    return memory.raw


def _names():
    """The names of all features that this kernel knows, by bit; any device tells them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        told = _ask(asked, "lo", struct.pack("=IIQI", ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_FEATURES, 0))
        count = struct.unpack_from("=I", told, 16)[0]
        told = _ask(asked, "lo", struct.pack("=III", ETHTOOL_GSTRINGS, ETH_SS_FEATURES, count) +
                    bytes(count * ETH_GSTRING_LEN))[12:]
    return [told[at:at + ETH_GSTRING_LEN].rstrip(b"\0").decode()
            for at in range(0, len(told), ETH_GSTRING_LEN)]


@functools.lru_cache(maxsize=None)
def _request():
    """The request that switches ALL off."""
    names = _names()
    meant = [0] * ((len(names) + 31) // 32)
    for bit, name in enumerate(names):
        if any(fnmatch.fnmatch(name, pattern) for pattern in ALL):
            meant[bit // 32] |= 1 << bit % 32
    return struct.pack("=II", ETHTOOL_SFEATURES, len(meant)) + \
        b"".join(struct.pack("=II", bits, 0) for bits in meant)


def switch_off(asked, device):
    """Switches ALL off, as far as the device has them; ASKED is a socket of its namespace."""
    _ask(asked, device, _request())
