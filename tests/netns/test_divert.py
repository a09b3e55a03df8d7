# SPDX-License-Identifier: GPL-2.0-or-later
"""What is diverted and what is not.

Every packet that passes the daemon gets a DSCP here, so that the peer can tell.
"""
import socket

import pytest

import state
from packets import echo_request, has_payload, ip, parse, send, tos_of, udp
from topology import CLIENT, FAR, HOST, NOBODY, PEER
from traffic import ping, tcp_socket, udp_socket

MARK = "[rule mark]\nset-dscp = cs1\n"
MARKED = 0x20
SO_BINDTODEVICE = 25


def diverted(seen, text, count=1):
    """Whether the packets with this payload bear the mark; they must agree."""
    marks = {tos_of(parse(data)) for data in seen.wait(count, has_payload(text))}
    assert len(marks) == 1 and marks <= {0, MARKED}, f"{text}: TOS values {marks}"
    return marks == {MARKED}


def say(space, family, destination, text, port=5000, **options):
    """Sends a datagram from a socket."""
    with udp_socket(space, family, **options) as sender:
        sender.sendto(text.encode(), (destination, port))


@pytest.mark.parametrize("directions,client_diverted", [("out", False), ("out, forward", True)])
def test_direction(routed, daemons, captures, family, directions, client_diverted):
    daemons(routed.host).start(f"[divert]\ndirection = {directions}\n{MARK}")
    seen = captures(routed.peer)
    say(routed.host, family, FAR[family], "from the host")
    say(routed.client, family, FAR[family], "from the client")
    assert diverted(seen, "from the host")
    assert diverted(seen, "from the client") == client_diverted
    assert ping(routed.client, FAR[family], 3) == (3, 3)
    assert ping(routed.peer, CLIENT[family], 3) == (3, 3)


def test_forwarded_packets_lose_one_ttl_as_without(routed, daemons, captures, family):
    daemons(routed.host).start(f"[divert]\ndirection = out, forward\n{MARK}")
    seen = captures(routed.peer)
    send(routed.client, ip(family, CLIENT[family], FAR[family], ttl=9) / udp(1, 2, b"nine"))
    packet = parse(seen.wait(1, has_payload("nine"))[0])
    assert (packet.hlim if family == 6 else packet.ttl) == 8
    assert diverted(seen, "nine")


def test_family(wire, daemons, captures):
    daemons(wire.host).start(f"[divert]\nfamily = ipv4\n{MARK}")
    seen = captures(wire.peer)
    say(wire.host, 4, FAR[4], "four")
    say(wire.host, 6, FAR[6], "six")
    assert diverted(seen, "four")
    assert not diverted(seen, "six")
    assert state.routes(wire.host, 6, 100) == []


def test_excluded_prefixes(wire, daemons, captures, family):
    other = {4: "198.51.100.1/32", 6: "2001:db8:2::1/128"}[family]
    daemons(wire.host).start(f"[divert]\nexclude = {other}\n{MARK}")
    seen = captures(wire.peer)
    say(wire.host, family, FAR[family], "excluded")
    say(wire.host, family, NOBODY[family], "diverted")
    assert not diverted(seen, "excluded")
    assert diverted(seen, "diverted")


def test_excluded_users(wire, daemons, captures, family):
    daemons(wire.host).start(f"[divert]\nexclude-uid = 4321, 5000-5010\n{MARK}")
    seen = captures(wire.peer)
    for uid in (4320, 4321, 4322, 5000, 5010, 5011):
        say(wire.host, family, FAR[family], f"uid {uid}", uid=uid)
    assert {uid: diverted(seen, f"uid {uid}") for uid in (4320, 4321, 4322, 5000, 5010, 5011)} == \
        {4320: True, 4321: False, 4322: True, 5000: False, 5010: False, 5011: True}


def test_exclusions_of_forwarded_packets(routed, daemons, captures, family):
    """Prefixes and ports exclude a client's packets too; a user is somebody of this host."""
    daemons(routed.host).start(f"[divert]\ndirection = out, forward\nexclude = {NOBODY[family]}\n"
                               f"exclude-port = udp/53\nexclude-uid = 0\n{MARK}")
    seen = captures(routed.peer)
    say(routed.client, family, FAR[family], "by the client")
    say(routed.client, family, FAR[family], "to a port", port=53)
    say(routed.client, family, NOBODY[family], "to a prefix")
    say(routed.host, family, FAR[family], "by root")
    say(routed.host, family, FAR[family], "by another", uid=1234)
    texts = ("by the client", "to a port", "to a prefix", "by root", "by another")
    assert {text: diverted(seen, text) for text in texts} == \
        dict(zip(texts, (True, False, False, False, True)))


def test_excluded_ports(wire, daemons, captures, family):
    daemons(wire.host).start(f"[divert]\nexclude-port = udp/53, udp/6000-6001, tcp/179\n{MARK}")
    seen = captures(wire.peer)
    ports = {52: True, 53: False, 54: True, 5999: True, 6000: False, 6001: False, 6002: True}
    for port in ports:
        say(wire.host, family, FAR[family], f"port {port}.", port=port)
    assert {port: diverted(seen, f"port {port}.") for port in ports} == ports
    for port in (178, 179):
        with tcp_socket(wire.host, family) as made, pytest.raises(ConnectionRefusedError):
            made.connect((FAR[family], port))
    marks = {parse(data).dport: tos_of(parse(data))
             for data in seen.wait(2, lambda d: parse(d).haslayer("TCP"))}
    assert marks == {178: MARKED, 179: 0}


def test_excluded_routes_follow_a_reload(wire, daemons, captures, family):
    daemon = daemons(wire.host)
    daemon.start(MARK)
    seen = captures(wire.peer)
    say(wire.host, family, FAR[family], "before")
    daemon.reload(f"[divert]\nexclude = {FAR[family]}\n{MARK}")
    say(wire.host, family, FAR[family], "excluded")
    daemon.reload(MARK)
    say(wire.host, family, FAR[family], "after")
    assert [diverted(seen, text) for text in ("before", "excluded", "after")] == \
        [True, False, True]


def test_mirror_default_leaves_specific_routes_alone(wire, daemons, captures, family):
    near = {4: "203.0.113.0/26", 6: "2001:db8:8::/64"}[family]
    inside = {4: "203.0.113.9", 6: "2001:db8:8::9"}[family]
    wire.host.ip(f"-{family} route add {near} via {PEER[family]}")
    daemons(wire.host).start(f"[divert]\nmirror = default\n{MARK}")
    seen = captures(wire.peer)
    say(wire.host, family, FAR[family], "by the default route")
    say(wire.host, family, inside, "by a specific route")
    say(wire.host, family, PEER[family], "on the link")
    assert diverted(seen, "by the default route")
    assert not diverted(seen, "by a specific route")
    assert not diverted(seen, "on the link")


def test_names_and_numbers_can_be_chosen(wire, daemons, captures, family):
    daemons(wire.host).start("[tun]\nname = mod7\n[divert]\ntable = 4711\npriority = 50\n"
                             f"divert-priority = 30000\n{MARK}")
    seen = captures(wire.peer)
    say(wire.host, family, FAR[family], "through mod7")
    assert diverted(seen, "through mod7")
    found = {rule["priority"] for rule in state.rules(wire.host, family)}
    assert found == {0, 50, 51, 30000, 32766, 32767} - ({32767} if family == 6 else set())
    assert "mod7" in str(wire.host.ip_json("link show"))


def test_given_tun_address(wire, daemons, captures):
    """Sources stay those of the uplink, and the tun's own prefix makes no loop."""
    daemons(wire.host).start(f"[tun]\naddress = 203.0.113.129/30\n[divert]\nfamily = ipv4\n{MARK}")
    seen = captures(wire.peer)
    say(wire.host, 4, FAR[4], "with an own address")
    assert diverted(seen, "with an own address")
    assert parse(seen.wait(1, has_payload("with an own"))[0]).src == HOST[4]
    send(wire.host, ip(4, HOST[4], "203.0.113.130") / udp(1, 2, b"own prefix"))
    say(wire.host, 4, FAR[4], "last")
    seen.wait(1, has_payload("last"))
    assert wire.host.ip_json("-s link show tun0")[0]["stats64"]["tx"]["packets"] < 20


def test_own_addresses_are_not_diverted(wire, daemons, family):
    daemons(wire.host).start("[rule none]\nverdict = drop\n")
    assert ping(wire.host, HOST[family]) == (1, 1)
    assert ping(wire.host, {4: "127.0.0.1", 6: "::1"}[family]) == (1, 1)


def test_sockets_bound_to_a_device_are_not_diverted(wire, daemons, captures, family):
    daemons(wire.host).start(MARK)
    seen = captures(wire.peer)
    with udp_socket(wire.host, family) as sender:
        sender.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"eth0")
        sender.sendto(b"bound", (FAR[family], 5000))
    assert not diverted(seen, "bound")


def test_multicast_broadcast_and_link_local_are_not_diverted(wire, daemons, captures):
    daemons(wire.host).start(MARK)
    seen = captures(wire.peer)
    with udp_socket(wire.host, 4) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for address in ("255.255.255.255", "192.0.2.255", "224.0.0.251"):
            sender.sendto(f"to {address}.".encode(), (address, 5000))
            assert not diverted(seen, f"to {address}."), address
    local = [a["local"] for a in wire.peer.ip_json("-6 addr show dev eth0")[0]["addr_info"]
             if a["scope"] == "link"][0]
    scope = wire.host.ip_json("link show eth0")[0]["ifindex"]
    with udp_socket(wire.host, 6) as sender:
        for address in (local, "ff02::fb"):
            sender.sendto(f"to {address}.".encode(), (address, 5000, 0, scope))
            assert not diverted(seen, f"to {address}."), address


def test_traffic_of_other_policy_rules_is_not_diverted(wire, daemons, captures, family):
    wire.host.ip(f"-{family} route add {FAR[family]} via {PEER[family]} table 52")
    wire.host.ip(f"-{family} rule add pref 5270 lookup 52")
    daemons(wire.host).start(MARK)
    seen = captures(wire.peer)
    say(wire.host, family, FAR[family], "by the other rule")
    say(wire.host, family, NOBODY[family], "by main")
    assert not diverted(seen, "by the other rule")
    assert diverted(seen, "by main")


def test_raw_packets_are_diverted(wire, daemons, captures, family):
    daemons(wire.host).start(MARK)
    seen = captures(wire.peer)
    send(wire.host, ip(family, HOST[family], FAR[family]) / echo_request(family, payload=b"raw"))
    assert diverted(seen, "raw")


def test_the_device_says_nothing_by_itself(wire, daemons, captures):
    """No router solicitation, no neighbour discovery from tun0: its queue carries ours alone."""
    daemons(wire.host).start()
    seen = captures(wire.peer)
    before = wire.host.ip_json("-s link show tun0")[0]["stats64"]["tx"]["packets"]
    say(wire.host, 4, FAR[4], "one")
    seen.wait(1, has_payload("one"))
    assert wire.host.ip_json("-s link show tun0")[0]["stats64"]["tx"]["packets"] == before + 1
    assert before == 0
    assert [a["local"] for a in wire.host.ip_json("-6 addr show dev tun0 scope link")[0:1]
            if "local" in a] == []
