# SPDX-License-Identifier: GPL-2.0-or-later
"""Log lines of rules with their rate limit, and the statistics of SIGUSR1."""
import re
import time

from packets import echo_request, ip, send, tcp, udp
from space import wait_until
from topology import FAR, HOST
from traffic import ping


def test_statistics_are_what_was_sent(wire, daemons, captures, family):
    daemon = daemons(wire.host)
    daemon.start("[rule dns]\nproto = udp\ndport = 53\nset-dscp = ef\n"
                 "[rule web]\nproto = tcp\ndport = 80\nverdict = drop\n"
                 "[rule never]\ndport = 9999\nverdict = drop\n")
    seen = captures(wire.peer)
    head = lambda **fields: ip(family, HOST[family], FAR[family], **fields)
    dns = [bytes(head() / udp(1, 53, b"q" * size)) for size in (0, 10, 100)]
    web = [bytes(head() / tcp(2, 80, "S")), bytes(head() / tcp(2, 80, "A"))]
    rest = [bytes(head(ttl=255) / udp(3, 4, b"ttl 255")), bytes(head() / echo_request(family))]
    send(wire.host, *dns, *web, *rest)
    seen.wait(len(dns) + len(rest))
    statistics = daemon.statistics()
    size = lambda packets: sum(len(data) for data in packets)
    assert statistics.rules == {"dns": (len(dns), size(dns)), "web": (len(web), size(web)),
                                "never": (0, 0)}
    assert statistics.drops == {"rule": len(web)}
    totals = statistics.totals
    assert (totals["in"], totals["in-bytes"]) == (7, size(dns + web + rest))
    assert (totals["out"], totals["out-bytes"]) == (5, size(dns + rest))
    assert (totals["edited"], totals["generated"], totals["ttl-255"]) == (len(dns), 0, 1)
    assert statistics.balance()[0] == statistics.balance()[1]


def test_log_line_tells_the_packet(wire, daemons, family):
    daemon = daemons(wire.host)
    daemon.start("[rule noted]\ndport = 81\nlog = notice\nverdict = drop\n")
    send(wire.host, ip(family, HOST[family], FAR[family], ttl=33) / tcp(4000, 81, "S"))
    line = daemon.wait_log("rule noted")[0]
    for word in ("drop", HOST[family], FAR[family], "4000", "81", "33"):
        assert word in line, f"no {word!r} in {line!r}"


def test_log_is_limited_and_says_what_it_left_out(wire, daemons, family):
    daemon = daemons(wire.host)
    daemon.start("[rule noted]\nproto = udp\nlog = info 5/s burst 5\n")
    packet = ip(family, HOST[family], FAR[family]) / udp(1, 2, b"many")
    begin = time.monotonic()
    send(wire.host, *[packet] * 200)
    wait_until(lambda: daemon.statistics().totals["in"] >= 200, "all packets")
    took = time.monotonic() - begin
    lines = daemon.log_lines("rule noted: [a-z]")
    assert 1 <= len(lines) <= 5 + 5 * took + 5, f"{len(lines)} lines in {took:.2f} s"
    time.sleep(1.1)
    send(wire.host, packet)
    wait_until(lambda: len(daemon.log_lines("rule noted: [a-z]")) > len(lines), "another line")
    left_out = re.findall(r"(\d+) entries kept back", daemon.log())
    shown = len(daemon.log_lines("rule noted: [a-z]"))
    assert sum(map(int, left_out)) + shown == 201, f"{left_out} kept back, {shown} shown"


def test_log_level_is_obeyed_and_live(wire, daemons):
    daemon = daemons(wire.host)
    rule = "[rule noted]\nproto = icmp\nlog = info\n"
    daemon.start("[main]\nlog-level = warning\n" + rule)
    assert ping(wire.host, FAR[4]) == (1, 1)
    daemon.reload("[main]\nlog-level = info\n" + rule)
    assert daemon.log_lines("rule noted") == []
    time.sleep(0.2)
    assert ping(wire.host, FAR[4]) == (1, 1)
    daemon.wait_log("rule noted")


def test_a_quiet_start_says_little(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start("[rule a]\nset-dscp = ef\n")
    assert ping(wire.host, FAR[4], 10) == (10, 10)
    assert daemon.stop() == 0
    assert len(daemon.log().splitlines()) <= 4, daemon.log()
