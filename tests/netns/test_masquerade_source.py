# SPDX-License-Identifier: GPL-2.0-or-later
"""The source that ipmodd gives to masqueraded packets is the one that the kernel's MASQUERADE gives.

Two namespaces get the same addresses and routes: in one of them the diversion runs and is asked, in
the other nft masquerades and packets are looked at as they leave.
"""
import ipaddress
import itertools
import random
import socket
import struct

import pytest

from space import PATIENCE, wait_until
from topology import Network

FOLLOWS = PATIENCE
INSIDE = {4: "203.0.113.250", 6: "2001:db8:ffff::250"}  # whom the kernel masquerades
PORT = 9999
DEVICES = ("eth0", "eth1", "eth2")
ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
TO = {4: ["192.0.2.9", "192.0.2.99", "192.0.2.199", "198.51.100.9", "198.51.100.99",
          "198.51.100.199", "203.0.113.9", "203.0.113.99", "203.0.113.199"],
      6: ["2001:db8:1::9", "2001:db8:1:1::9", "2001:db8:2::9", "2001:db8:8000::9", "fd00:db8::9",
          "fd00:db8:8000::9", "fec0:1::9", "2002:c000:201::9", "3ffe::9"]}

RULES = f"""
table inet oracle {{
  chain post {{
    type nat hook postrouting priority srcnat
    ip saddr {INSIDE[4]} oifname != lo masquerade
    ip6 saddr {INSIDE[6]} oifname != lo masquerade
  }}
}}
"""


class Twins(Network):
    """The host with the diversion and the oracle, equal in everything else."""

    def __init__(self):
        super().__init__()
        self.both = [self.add("host"), self.add("oracle")]
        for space in self.both:
            for device in DEVICES:
                space.ip(f"link add {device} type veth peer name {device}p")
                space.sysctl(f"net.ipv6.conf.{device}.addr_gen_mode", 1)
                space.sysctl(f"net.ipv6.conf.{device}p.disable_ipv6", 1)
                space.ip(f"link set {device} arp off up")
                space.ip(f"link set {device}p up")
        self.oracle.ip(f"addr add {INSIDE[4]}/32 dev lo scope host")
        self.oracle.ip(f"addr add {INSIDE[6]}/128 dev lo preferred_lft 0")
        self.host.ip(f"addr add {INSIDE[6]}/128 dev lo preferred_lft 0")
        self.oracle.run(["nft", RULES])
        with self.oracle:
            self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.tap.settimeout(0.3)
        # A port for each question: conntrack drops what looks like an older flow by another device.
        self.ports = itertools.count(20000)

    def change(self, *commands):
        """The same `ip` commands for both."""
        for space in self.both:
            space.ip_batch([line + " nodad" if line.startswith("addr add") and ":" in line
                            else line for line in commands], options=("-force",))

    def delete(self):
        self.tap.close()
        super().delete()

    def _seen(self, family, destination):
        """The source of the datagram to DESTINATION that leaves by a device."""
        wanted = ipaddress.ip_address(destination).packed
        while True:
            frame, where = self.tap.recvfrom(2048)
            start, protocol, size = (12, frame[9], 4) if family == 4 else (8, frame[6], 16)
            if where[2] == socket.PACKET_OUTGOING and where[0] in DEVICES and protocol == 17 and \
                    frame[start + size:start + 2 * size] == wanted:
                return str(ipaddress.ip_address(frame[start:start + size]))

    def masqueraded(self, family, destination):
        """The source that the kernel gives; None where it cannot send."""
        with self.oracle, socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6,
                                        socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND
            sender.bind((INSIDE[family], next(self.ports)))
            try:
                sender.sendto(b"?", (destination, PORT))
                return self._seen(family, destination)
            except OSError:
                return None  # no route; or masquerade has no address and drops in silence


@pytest.fixture
def twins():
    """The two namespaces, gone after the test."""
    made = Twins()
    yield made
    made.delete()


def agree(twins, driver, families=(4, 6)):
    """Waits until both say the same for all destinations; returns it."""
    destinations = [to for family in families for to in TO[family]]
    truth = {to: twins.masqueraded(family, to) for family in families for to in TO[family]}
    wait_until(lambda: driver.sources(destinations) == truth,
               lambda: f"kernel {truth}\nwe     {driver.sources(destinations)}", FOLLOWS)
    return truth


def test_the_next_hop_chooses_among_addresses_of_a_device(twins, drivers):
    """Several subnets with a gateway each, secondaries, a second uplink, and all that changes."""
    twins.change("addr add 192.0.2.1/25 dev eth0", "addr add 192.0.2.2/25 dev eth0",
                 "addr add 198.51.100.1/26 dev eth0", "addr add 203.0.113.65/26 dev eth1",
                 "route add default via 192.0.2.126",
                 "route add 203.0.113.128/25 via 198.51.100.62",
                 "route add 198.51.100.64/26 dev eth2")
    driver = drivers(twins.host, "masquerades=yes")
    found = agree(twins, driver)
    assert found["203.0.113.9"] == "192.0.2.1", "by the default gateway"
    assert found["203.0.113.199"] == "198.51.100.1", "by the gateway of the second subnet"
    assert found["198.51.100.9"] == "198.51.100.1", "on the link of the second subnet"
    assert found["203.0.113.99"] == "203.0.113.65", "on the second uplink"
    assert found["198.51.100.99"] == "192.0.2.1", "a device without addresses takes another's"
    twins.change("route replace default via 203.0.113.126")
    assert agree(twins, driver)["203.0.113.9"] == "203.0.113.65"
    twins.change("addr add 203.0.113.1/32 peer 203.0.113.9 dev eth2")
    assert agree(twins, driver)["203.0.113.9"] == "203.0.113.1", "the peer of a point-to-point link"
    twins.change("addr del 192.0.2.1/25 dev eth0", "route add unreachable 192.0.2.192/26")
    found = agree(twins, driver)
    assert "192.0.2.1" not in found.values() and found["192.0.2.199"] is None
    twins.change("link set eth1 down")
    assert agree(twins, driver)["203.0.113.9"] == "203.0.113.1"
    twins.change("nexthop add id 7 via 198.51.100.61 dev eth0", "route add default nhid 7")
    assert agree(twins, driver)["203.0.113.99"] == "198.51.100.1", "by a nexthop object"


def test_rfc6724_chooses_among_ipv6_addresses(twins, drivers):
    """GUA, ULA, 6to4, site-local, deprecated and temporary ones, and a second uplink."""
    twins.change("addr add 2001:db8:1::1/64 dev eth0", "addr add 2001:db8:2::1/64 dev eth0",
                 "addr add fd00:db8::1/64 dev eth0", "addr add 2001:db8:1:1::1/64 dev eth1",
                 "route add default via 2001:db8:1::ff dev eth0")
    driver = drivers(twins.host, "masquerades=yes")
    found = agree(twins, driver)
    assert found["2001:db8:2::9"] == "2001:db8:2::1", "the longest common prefix"
    assert found["fd00:db8:8000::9"] == "fd00:db8::1", "the label"
    assert found["2001:db8:1:1::9"] == "2001:db8:1:1::1", "the outgoing interface"
    twins.change("addr change 2001:db8:2::1/64 dev eth0 preferred_lft 0")
    assert agree(twins, driver)["2001:db8:2::9"] == "2001:db8:1::1", "deprecated"
    twins.change("addr add fec0:1::1/64 dev eth0", "addr add 2002:c000:201::1/64 dev eth1",
                 "route replace default via 2001:db8:1:1::ff dev eth1")
    assert agree(twins, driver)["fec0:1::9"] == "fec0:1::1"
    twins.change("addr flush dev eth1")
    agree(twins, driver)
    twins.change("route del ::/0", "route del ::/0")
    assert agree(twins, driver)["2001:db8:8000::9"] is None, "no route is left"


def random_address(dice):
    """An address to add, of either family."""
    if dice.random() < 0.5:
        network = ipaddress.ip_network(dice.choice(["192.0.2.0/24", "198.51.100.0/24",
                                                    "203.0.113.0/24"]))
        return (f"{network[dice.choice([1, 2, 30, 70, 100, 130, 200, 250])]}/{dice.choice([24, 25, 26, 28, 32])}"
                + dice.choice(["", "", "", " scope link"]))
    network = dice.choice(["2001:db8:1::", "2001:db8:2::", "2001:db8:8000::", "fd00:db8::",
                           "fec0:1::", "2002:c000:201::", "3ffe::", "2001:10::"])
    return (f"{network}{dice.randrange(1, 9):x}/{dice.choice([64, 64, 48, 128])}"
            + dice.choice(["", "", "", " preferred_lft 0"]))


def random_change(dice):
    """A command that may fail, in both namespaces alike."""
    device = dice.choice(DEVICES)
    family = dice.choice([4, 6])
    to = dice.choice([ANYWHERE[family]] + [f"{to}/{dice.choice((24, 26, 32) if family == 4 else (32, 128))}"
                                    for to in TO[family][:3]])
    to = str(ipaddress.ip_network(to, strict=False))
    via = dice.choice(["", f"via {dice.choice(TO[family])} "])
    metric = dice.choice([5, 50])
    return dice.choice([
        lambda: f"addr add {random_address(dice)} dev {device}",
        lambda: f"addr add {random_address(dice)} dev {device}",
        lambda: f"addr del {random_address(dice)} dev {device}",
        lambda: f"route replace {to} {via}dev {device} metric {metric} onlink",
        lambda: f"route del {to} metric {metric}",
        lambda: f"route replace {dice.choice(('unreachable', 'blackhole'))} {to} metric 5",
    ])()


def test_random_hosts(twins, drivers):
    """Addresses and routes that come and go at random."""
    dice = random.Random(20)
    driver = drivers(twins.host, "masquerades=yes")
    answers = set()
    for _ in range(40):
        changes = [random_change(dice) for _ in range(12)]
        print(*changes, sep="\n")
        twins.change(*changes)
        answers |= set(agree(twins, driver).values())
    assert len(answers) > 10, "a test of one answer tests little"
