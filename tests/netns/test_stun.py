# SPDX-License-Identifier: GPL-2.0-or-later
"""What a STUN client finds out about mapping and filtering, from a real server with two addresses."""
import concurrent.futures
import re
import shutil

import pytest

from daemon import SLOW
from space import wait_until
from topology import HOST, PEER

CLIENT_NET = "203.0.113.0/26"
POOL, POOL_NET = "203.0.113.200", "203.0.113.192/26"
SECOND = "192.0.2.3"  # the server's other address
# In our words and those of RFC 5780.
KINDS = {"endpoint-independent": "Endpoint Independent",
         "address-dependent": "Address Dependent",
         "address-and-port-dependent": "Address and Port Dependent"}

pytestmark = pytest.mark.skipif(shutil.which("turnserver") is None or
                                shutil.which("turnutils_natdiscovery") is None,
                                reason="coturn is not installed")


@pytest.fixture(name="stun")
def stun_fixture(routed, tmp_path):
    """The peer answers STUN (RFC 5780) at two addresses with two ports each."""
    routed.peer.ip(f"addr add {SECOND}/24 dev eth0")
    routed.peer.ip_batch([f"route del {CLIENT_NET}", f"route add {POOL_NET} via {HOST[4]}"])
    routed.peer.popen(["turnserver", "-n", "-L", PEER[4], "-L", SECOND, "-p", "3478",
                       "--alt-listening-port", "3479", "--stun-only", "--no-tls", "--no-dtls",
                       "--no-cli", "--log-file", "stdout", "--pidfile",
                       str(tmp_path / "pid"), "--userdb", str(tmp_path / "db")])
    wait_until(lambda: routed.peer.listening("udp", 3479), "the STUN server", 5 * SLOW)
    return routed


def discover(space, *what):
    """What turnutils_natdiscovery says of the way to the server."""
    done = space.run(["turnutils_natdiscovery", *what, "-p", "3478", "-L", "203.0.113.2", PEER[4]],
                     timeout=60 * SLOW)
    print(done.stdout)
    return done.stdout


def rules(flows=""):
    """The client's network shares an address."""
    return (f"[divert]\ndirection = forward\n{flows}\n[rule share]\nsrc = {CLIENT_NET}\n"
            f"snat = {POOL}\n")


def test_endpoint_independent_by_default(stun, daemons):
    """Mapping and filtering, and no address in the payload was translated (RFC 5780 4.5)."""
    daemons(stun.host).start(rules())
    mapping = discover(stun.client, "-m")
    assert "NAT with Endpoint Independent Mapping!" in mapping and "No ALG" in mapping
    assert {address for address, _ in re.findall(r"reflexive addr: ([\d.]+):(\d+)", mapping)} == {POOL}
    assert "NAT with Endpoint Independent Filtering!" in discover(stun.client, "-f")


@pytest.mark.parametrize("kind", list(KINDS)[1:])
def test_as_configured(stun, daemons, kind):
    """The other kinds. What is filtered takes the client seconds: both questions at once."""
    daemons(stun.host).start(rules(f"[flows]\nnat-mapping = {kind}\nnat-filtering = {kind}"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        mapping, filtering = pool.map(lambda what: discover(stun.client, what), ("-m", "-f"))
    assert f"NAT with {KINDS[kind]} Mapping!" in mapping
    assert f"NAT with {KINDS[kind]} Filtering!" in filtering


def test_hairpinning(stun, daemons):
    """The client reaches itself by the address that the server saw (RFC 5780 4.6)."""
    daemons(stun.host).start(rules())
    assert "Received a request" in discover(stun.client, "-H")


def test_without_translation(stun, daemons):
    """The client finds out that there is none: what it finds out elsewhere is ours."""
    stun.peer.ip(f"route add {CLIENT_NET} via {HOST[4]}")
    daemons(stun.host).start("[divert]\ndirection = forward\n")
    assert "No NAT" in discover(stun.client, "-m")
