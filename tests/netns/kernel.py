# SPDX-License-Identifier: GPL-2.0-or-later
"""Which features the kernel under test lacks: it is old, or ipmodd_old hides them (IPMODD_HIDE)."""
import os
import re

# The version that brought a feature; the names are those of old.c, which hides all but those in
# REAL_ONLY.
SINCE = {
    "force_forwarding": (6, 17),
    "udp-segment-anywhere": (6, 11),
    "uso": (6, 2),
    "address-protocol": (5, 18),
    "nft-owner": (5, 12),
    "nexthop": (5, 3),
    "tso": (0, 0),
}

REAL_ONLY = ("udp-segment-anywhere",)


def _version(text):
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else None


def lacks(feature):
    """Whether ipmodd finds a kernel without FEATURE here."""
    hide = os.environ.get("IPMODD_HIDE", "")
    version = _version(os.uname().release)
    if _version(hide) is not None and feature not in REAL_ONLY:
        version = min(version, _version(hide))
    return SINCE[feature] > version or feature in hide.split(",")
