# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic: packets of every kind that a host may send, and programs that talk for real."""
import contextlib
import math
import os
import random
import re
import signal
import socket
import sys
import tempfile

from scapy.layers.inet import UDP, IPOption
from scapy.layers.inet6 import (IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw

from packets import echo_request, ip, tcp, udp
from space import PATIENCE, SLOW, wait_until

TCP_OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1234, 0)), ("NOP", None),
               ("WScale", 7)]


def _with_wrong_checksum(packet):
    """The packet's bytes with the last payload byte changed after the checksums were made."""
    data = bytes(packet)
    return data[:-1] + bytes([data[-1] ^ 0x55])


def _common(family, src, dst):
    head = lambda **fields: ip(family, src, dst, **fields)
    body = bytes(range(256)) * 5
    packets = [head(id=n + 1, ttl=ttl, tos=tos) / udp(4000 + n, 5000, body[:size])
               for n, (ttl, tos, size) in enumerate([(64, 0, 0), (1, 0xB8, 1), (2, 1, 2),
                                                     (254, 2, 511), (128, 3, 1200), (33, 0xFF, 7)])]
    packets += [head() / tcp(40000, 81, flags, body[:size], options=options)
                for flags, size, options in [("S", 0, TCP_OPTIONS), ("A", 0, []), ("PA", 900, []),
                                             ("FPU", 3, []), ("SEC", 0, TCP_OPTIONS),
                                             ("", 1, []), ("R", 0, [])]]
    packets += [head() / echo_request(family, seq=n, payload=body[:size])
                for n, size in enumerate([0, 1, 56, 1200])]
    packets += [head() / SCTP(sport=7, dport=8, tag=9) / SCTPChunkData(data=b"sctp"),
                head(**{"proto" if family == 4 else "nh": 253}) / Raw(b"unknown protocol"),
                head(**{"proto" if family == 4 else "nh": 47}) / Raw(b"\0\0\x08\0GRE"),
                _with_wrong_checksum(head() / udp(4100, 5000, b"wrong")),
                _with_wrong_checksum(head() / tcp(4100, 5000, "PA", b"wrong")),
                _with_wrong_checksum(head() / echo_request(family, payload=b"wrong"))]
    return packets


def _only_ipv4(src, dst):
    head = lambda **fields: ip(4, src, dst, **fields)
    datagram = bytes(head() / udp(4200, 5000, b"f" * 64))[20:]
    return [head(flags="DF") / udp(4201, 5000, b"don't fragment"),
            head(flags="DF", id=1) / tcp(4201, 5000, "PA", b"x"),
            head() / UDP(sport=4202, dport=5000, chksum=0) / Raw(b"no checksum"),
            head(flags="MF", id=99, proto=17) / Raw(datagram[:40]),
            head(frag=5, id=99, proto=17) / Raw(datagram[40:]),
            head(options=[IPOption(b"\x94\x04\0\0")]) / udp(4203, 5000, b"router alert"),
            head(options=[IPOption(b"\x01\x01\x01\x00")]) / tcp(4203, 5000, "PA", b"no-ops")]


def _only_ipv6(src, dst):
    head = lambda **fields: ip(6, src, dst, **fields)
    pad = lambda: [PadN(optdata=b"\0\0\0\0")]
    datagram = bytes(head() / udp(4200, 5000, b"f" * 64))[40:]
    return [head(fl=0xABCDE) / udp(4201, 5000, b"flow label"),
            head() / IPv6ExtHdrDestOpt(options=pad()) / udp(4202, 5000, b"destination options"),
            head() / IPv6ExtHdrHopByHop(options=pad()) / tcp(4202, 5000, "PA", b"hop by hop"),
            head() / IPv6ExtHdrHopByHop(options=pad()) / IPv6ExtHdrDestOpt(options=pad()) /
            udp(4203, 5000, b"two of them"),
            head() / IPv6ExtHdrFragment(id=99, m=1, nh=17) / Raw(datagram[:40]),
            head() / IPv6ExtHdrFragment(id=99, offset=5, nh=17) / Raw(datagram[40:]),
            head() / IPv6ExtHdrRouting(type=4, segleft=0, addresses=[dst]) /
            udp(4204, 5000, b"routing header")]


def every_kind(family, src, dst):
    """One packet, or a few, of every kind that the parser knows; bytes."""
    only = _only_ipv4 if family == 4 else _only_ipv6
    return [bytes(packet) for packet in _common(family, src, dst) + only(src, dst)]


def generated(family, src, dst, count, seed):
    """COUNT random but well-formed packets; every tenth has a wrong L4 checksum. (bytes, right)"""
    dice = random.Random(seed)
    found = []
    for number in range(count):
        size = dice.choice([0, 1, 2, 3, 17, 64, 255, 600, 1300])
        body = bytes(dice.randrange(256) for _ in range(size))
        head = ip(family, src, dst, ttl=dice.randrange(1, 255), tos=dice.randrange(256),
                  id=dice.randrange(1, 65536))
        packet = bytes(head / dice.choice([
            lambda: udp(dice.randrange(1, 65536), dice.randrange(1, 65536), body),
            lambda: tcp(dice.randrange(1, 65536), dice.randrange(1, 65536),
                        dice.choice(["S", "A", "PA", "FA", "SEC"]), body,
                        options=dice.choice([[], TCP_OPTIONS, [("MSS", 536)]])),
            lambda: echo_request(family, dice.randrange(65536), dice.randrange(65536), body)])())
        right = number % 10 != 0
        if not right:
            packet = packet[:-1] + bytes([packet[-1] ^ (1 + dice.randrange(255))])
        found.append((packet, right))
    return found


def tun_packets(space, device="tun0"):
    """How many packets the kernel has handed to the daemon."""
    link = space.ip_json(f"-s link show {device}")[0]
    return link["stats64"]["tx"]["packets"]


def errors(net):
    """What the kernels of host and peer have found wrong so far."""
    return {(space.name, name): space.counter(name) for space in (net.host, net.peer)
            for name in ("IpInHdrErrors", "Ip6InHdrErrors", "TcpInCsumErrors", "UdpInCsumErrors",
                         "Udp6InCsumErrors")}


def answered(said):
    """The sequence numbers that ping saw an answer to."""
    return {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl=", said)}


def lost(said):
    """Sequence numbers without an answer though a later one had it.

    ping's own count cannot be trusted on a busy machine: it waits for its last answer no longer
    than two round trips.
    """
    numbers = answered(said)
    return sorted(set(range(1, max(numbers, default=0))) - numbers)


class Pings:
    """Pings in a row until finish(); into a file, since they would stop at a pipe that is full."""

    def __init__(self, space, address, interval, options=""):
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")
        self._process = space.popen(f"ping -n -i {interval} -W 1 {options} {address}",
                                    stdout=self._said)

    def finish(self):
        """Ends them; what ping said."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE)
        with self._said:
            self._said.seek(0)
            return self._said.read()


# ping options: no further request goes out while an answer is awaited; packets can be counted.
UNHURRIED = "-i 0.2"


def ping(space, address, count=1, options="-i 0.01", patience=math.ceil(PATIENCE)):
    """ping; (wanted, answered) of the first COUNT requests, given up after PATIENCE seconds."""
    done = space.run(f"ping -n -c {count} -w {patience} {options} {address}", check=False)
    print(done.stdout, done.stderr)  # shown by pytest when the numbers are not the expected ones
    return count, len([number for number in answered(done.stdout) if number <= count])


@contextlib.contextmanager
def web_server(space, directory, family):
    """http.server on port 8000 of SPACE that serves DIRECTORY."""
    server = space.popen([sys.executable, "-m", "http.server", "8000", "--directory",
                          str(directory), "--bind", "0.0.0.0" if family == 4 else "::"])
    wait_until(lambda: space.listening("tcp", 8000), "the web server")
    yield "http://[{}]:8000/" if family == 6 else "http://{}:8000/"
    server.kill()
    server.wait()


@contextlib.contextmanager
def name_server(space, answers):
    """dnsmasq on port 53 of SPACE that knows ANSWERS (name to address)."""
    known = [f"--address=/{name}/{address}" for name, address in answers.items()]
    server = space.popen(["dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts",
                          "--user=root", "--pid-file=", "--log-facility=-", *known])
    wait_until(lambda: space.listening("udp", 53) and space.listening("tcp", 53), "dnsmasq",
               timeout=3 * SLOW)
    yield
    server.kill()
    server.wait()


@contextlib.contextmanager
def iperf_server(space):
    """iperf3 on its port, for one client.

    A server for several closes its listening socket after each and makes another: who comes
    meanwhile is refused. One that ends after its client (-1) never has such a moment.
    """
    server = space.popen("iperf3 -s -1")
    wait_until(lambda: space.listening("tcp", 5201), "iperf3", timeout=3 * SLOW)
    yield
    server.kill()
    server.wait()


def iperf(server, client, address, options):
    """One run of iperf3 from CLIENT to SERVER, which has ADDRESS; what the client said."""
    with iperf_server(server):
        return client.run(f"iperf3 --connect-timeout {3000 * SLOW} -c {address} {options}",
                          timeout=30 * SLOW).stdout


def udp_socket(space, family, bind=None, uid=None):
    """A UDP socket of SPACE, of user UID."""
    with space:
        if uid is not None:
            os.seteuid(uid)
        try:
            made = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6,
                                 socket.SOCK_DGRAM)
        finally:
            if uid is not None:
                os.seteuid(0)
    made.settimeout(PATIENCE)
    if bind is not None:
        made.bind((bind, 0))
    return made


def tcp_socket(space, family):
    """A TCP socket of SPACE that gives up after a while."""
    with space:
        made = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6)
    made.settimeout(PATIENCE)
    return made


def exchange(near, far):
    """A line each way on a connection."""
    near.settimeout(PATIENCE)
    far.settimeout(PATIENCE)
    near.sendall(b"question")
    assert far.recv(64) == b"question"
    far.sendall(b"answer")
    assert near.recv(64) == b"answer"


def chosen_source(space, family, destination):
    """The source address that a socket gets for DESTINATION."""
    with udp_socket(space, family) as made:
        made.connect((destination, 9))
        return made.getsockname()[0]


