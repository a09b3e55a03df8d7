# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of a NAT's requirements share."""
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[2]))
import lean_scapy  # pylint: disable=unused-import

from nat import Nat, rules


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"], name="family")
def family_fixture(request):
    return request.param


@pytest.fixture(name="nat")
def nat_fixture(tmp_path, family):
    """nat(HOW, …): see nat.rules()."""
    return lambda *how, **more: Nat(tmp_path, rules(family, *how, **more))
