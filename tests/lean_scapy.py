# SPDX-License-Identifier: GPL-2.0-or-later
"""Imported before scapy: leaves out what takes most of its start, and what no test asks it for.

That is Wireshark's list of makers of network cards, and a library for cryptography. Each file of tests
starts scapy anew, on a busy machine a few hundred times.
"""
import os.path
import sys

import pytest

MAKERS = "share/wireshark/manuf"

sys.modules["cryptography"] = None  # as if it were not installed
with pytest.MonkeyPatch.context() as patch:
    exists = os.path.exists
    patch.setattr(os.path, "exists", lambda path: not str(path).endswith(MAKERS) and exists(path))
    import scapy.data  # pylint: disable=unused-import
