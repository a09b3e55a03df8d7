# SPDX-License-Identifier: GPL-2.0-or-later
"""A SYN flood with forged sources on real packets: what is translated goes on, and others begin."""
import contextlib
import socket
import sys
import time

from control import ctl_json
from daemon import SLOW
from topology import CLIENT, HOST, PEER
from traffic import tcp_socket

CLIENT_NET = {4: "203.0.113.0/26", 6: "2001:db8:3::/64"}
POOL = {4: "203.0.113.200", 6: "2001:db8:9::200"}
FORGED = {4: "198.18.0.0", 6: "2001:db8:77::"}  # the first of 65,536
FLOWS = 5000
# Sends SYNs from ever new sources to port 80 until it is ended, not more than the daemon can take;
# argv = first source, destination.
FLOOD = """
import ipaddress, itertools, socket, struct, sys, time
first, target = ipaddress.ip_address(sys.argv[1]).packed, ipaddress.ip_address(sys.argv[2]).packed
family = socket.AF_INET if len(target) == 4 else socket.AF_INET6
s = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
for number in itertools.count():
    if number % 20 == 0:
        time.sleep(0.001)
    source = first[:-2] + struct.pack("!H", number * 40503 & 0xffff)
    tcp = bytearray(struct.pack("!HHIIBBHHH", 1024 + number % 60000, 80, number & 0xffffffff, 0, 0x50, 2,
                                1024, 0, 0))
    words = source + target + struct.pack("!HH", 6, len(tcp)) + tcp
    total = sum(struct.unpack("!%dH" % (len(words) // 2), words))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    tcp[16:18] = struct.pack("!H", total ^ 0xffff)
    if family == socket.AF_INET:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + source + target
    else:
        header = struct.pack("!IHBB", 0x60000000, 20, 6, 64) + source + target
    try:
        s.sendto(header + tcp, (sys.argv[2], 0))
    except OSError:
        pass
"""


def rules(family):
    """Clients share the pool's address; its port 80 leads to the client's service."""
    service = f"{CLIENT[4]}:8080" if family == 4 else f"[{CLIENT[6]}]:8080"
    return (f"[divert]\ndirection = forward\n[flows]\nmax = {FLOWS}\n"
            f"[rule service]\ndst = {POOL[family]}\nproto = tcp\ndport = 80\ndnat = {service}\n"
            f"[rule share]\nsrc = {CLIENT_NET[family]}\nsnat = {POOL[family]}\n")


def listen(space, family, port):
    """A listener on all addresses of SPACE."""
    made = tcp_socket(space, family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("", port))
    made.listen()
    made.settimeout(20 * SLOW)
    return made


def connect(space, family, address, port, listener):
    """Both ends of a connection; what an earlier one that failed has left is passed over."""
    near = tcp_socket(space, family)
    near.settimeout(20 * SLOW)
    near.connect((address, port))
    far, sender = listener.accept()
    while sender[1] != near.getsockname()[1]:
        far.close()
        far, sender = listener.accept()
    far.settimeout(20 * SLOW)
    return near, far


def exchange(near, far):
    """A line each way."""
    near.sendall(b"question")
    assert far.recv(64) == b"question"
    far.sendall(b"answer")
    assert near.recv(64) == b"answer"


def carries(*arguments):
    """Whether a connection begins and carries data."""
    try:
        ends = connect(*arguments)
        exchange(*ends)
    except OSError:
        return False
    for end in ends:
        end.close()
    return True


def displaced(daemon):
    """How many flows made room for others."""
    return ctl_json(daemon, "status")["flows"]["displaced"]


def test_flood_with_forged_sources(routed, daemons, family):
    """Half-open connections many times over what there is room for, each answered by the service:
    connections of both kinds carry data all the time, and a new client gets through."""
    routed.peer.ip_batch([f"route del {CLIENT_NET[family]}",
                          f"route add {POOL[family]} via {HOST[family]}"])
    daemon = daemons(routed.host)
    daemon.start(rules(family))
    end = time.monotonic() + 60 * SLOW
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(listen(routed.client, family, 8080))
        outside = stack.enter_context(listen(routed.peer, family, 7000))
        old = [connect(routed.peer, family, POOL[family], 80, service),
               connect(routed.client, family, PEER[family], 7000, outside)]
        flood = routed.peer.popen([sys.executable, "-c", FLOOD, FORGED[family], POOL[family]])
        stack.callback(flood.wait)
        stack.callback(flood.kill)
        late = 0
        while late == 0 or displaced(daemon) < 2 * FLOWS:
            assert time.monotonic() < end and flood.poll() is None
            for ends in old:
                exchange(*ends)
            full = displaced(daemon) > 0
            late += carries(routed.peer, family, POOL[family], 80, service) and full
        assert carries(routed.client, family, PEER[family], 7000, outside)
        for ends in old:
            exchange(*ends)
            for each in ends:
                each.close()
    assert ctl_json(daemon, "status")["flows"]["count"] <= FLOWS
