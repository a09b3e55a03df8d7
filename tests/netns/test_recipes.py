# SPDX-License-Identifier: GPL-2.0-or-later
"""Every recipe of doc/recipes.md is loaded as it stands there and does what it says."""
import math
import os
import pathlib
import re
import socket
import subprocess
import sys

import pytest
from scapy.all import TCP

from control import ctl, ctl_json, ctl_lines
from daemon import Daemon
from packets import Capture, has_payload, ip, parse, send, tos_of, udp
from space import PATIENCE, SLOW, wait_until
from topology import CLIENT, FAR, HOST, Network, routed_topology
from traffic import ping

RECIPES = pathlib.Path(os.environ["IPMODD_SOURCE"]) / "doc" / "recipes.md"
TEXT = RECIPES.read_text(encoding="utf-8")
BLOCKS = {heading: block for heading, block in
          re.findall(r"^## (.*?)\n.*?```ini\n(.*?)```", TEXT, re.MULTILINE | re.DOTALL)}


@pytest.fixture(scope="module", name="bench")
def bench_fixture():
    """A network with a daemon and, on the far host, a web server."""
    net = Network()
    routed_topology(net)
    net.daemon = Daemon(net.host)
    net.daemon.start("[main]\n")
    (net.daemon.directory / "index.html").write_text("hello\n", encoding="utf-8")
    server = net.peer.popen([sys.executable, "-m", "http.server", "8000", "--directory",
                             str(net.daemon.directory)])
    wait_until(lambda: net.peer.listening("tcp", 8000), "the web server", timeout=5 * SLOW)
    yield net
    server.kill()
    server.wait()
    print(net.daemon.log())
    crashed = net.daemon.crash()
    net.daemon.close()
    net.delete()
    assert crashed == []


def fetch(space, address, port):
    """What the web server says to SPACE there."""
    done = space.run(["curl", "-s", "-m", "5", f"http://{address}:{port}/"], check=False)
    return done.stdout


def voice(net):
    with Capture(net.peer, "eth0") as seen:
        send(net.host, ip(4, HOST[4], FAR[4]) / udp(4000, 20000, b"talk"))
        assert tos_of(seen.one(has_payload("talk"))) == 0xb8


def quic(net):
    with net.host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect((FAR[4], 443))
        client.send(b"hello")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)


def is_syn(data):
    """Whether a packet opens a connection."""
    packet = parse(data)
    return TCP in packet and packet[TCP].flags == "S"


def tunnel(net):
    with Capture(net.peer, "eth0") as seen:
        assert fetch(net.host, FAR[4], 8000) == "hello\n"
        syn = seen.one(is_syn)
    assert dict(option for option in syn[TCP].options if option[0] == "MSS")["MSS"] == 1360


def fake_ping(net):
    assert ping(net.host, "203.0.113.7", 3) == (3, 3)


def lossy(net):
    sent, received = ping(net.host, FAR[4], 500, "-i 0.002", patience=math.ceil(20 * SLOW))
    assert 300 <= received < 500, (sent, received)
    assert ctl_json(net.daemon, "status")["drops"]["rule"] > 10
    assert re.search(r"dropped +\d+ rule", ctl(net.daemon, "status").stdout)


def other_server(net):
    assert fetch(net.client, "198.51.100.7", 80) == "hello\n"
    flow = [flow for flow in ctl_lines(net.daemon, "flows") if flow["translated"]][0]
    assert (flow["original"]["src"], flow["original"]["dst"], flow["reply"]["src"]) == (
        CLIENT[4], "198.51.100.7", FAR[4])
    assert "[TRANSLATED]" in ctl(net.daemon, "flows").stdout


def old_version(net):
    with Capture(net.peer, "eth0") as seen:
        send(net.host, ip(4, HOST[4], FAR[4]) / udp(4000, 9999, b"hello version=2"))
        seen.one(has_payload("hello version=1"))


def few_pings(net):
    assert ping(net.host, FAR[4], 50, "-i 0.002", patience=2)[1] in range(5, 16)


def noted(net):
    since = len(net.daemon.log_lines("rule opened: next out IP"))
    assert fetch(net.host, FAR[4], 8000) == "hello\n"
    lines = net.daemon.wait_log("rule opened: next out IP", since + 1)
    assert f"> {FAR[4]}.8000: tcp" in lines[-1]


def careless(net):
    net.daemon.reload("[rule harmless]\nproto = tcp\n")
    net.daemon.config.write_text(BLOCKS["Change rules over the connection that they could cut"])
    short = math.ceil(min(2 * SLOW, 12))
    assert f"confirm` within {short} s" in ctl(net.daemon, "reload", "--confirm", f"{short}s").stdout
    done = subprocess.run(["ip", "netns", "exec", net.host.name, "curl", "-s", "-m", "0.3",
                           f"http://{FAR[4]}:8000/"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    wait_until(lambda: fetch(net.host, FAR[4], 8000) == "hello\n", "the way back", short + PATIENCE)


EXERCISES = {
    "Mark voice for the network's queues": voice,
    "Refuse QUIC, so that browsers use TCP": quic,
    "A tunnel on the way loses large segments": tunnel,
    "Hosts that do not exist yet shall answer pings": fake_ping,
    "Test a program on a network that loses packets": lossy,
    "Send what is meant for one server to another": other_server,
    "Change what a protocol says": old_version,
    "Five pings a second are enough": few_pings,
    "Note who opens connections": noted,
    "Change rules over the connection that they could cut": careless,
}


def test_there_are_ten():
    assert len(BLOCKS) == TEXT.count("\n## ") == 10 and set(BLOCKS) == set(EXERCISES)


@pytest.mark.parametrize("heading", EXERCISES)
def test_recipe(bench, heading):
    status = bench.daemon.reload(BLOCKS[heading])
    assert "refused" not in status, f"{status}\n{bench.daemon.log()}"
    EXERCISES[heading](bench)
