# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl trace: packets in words, in hex and from captures; what is said of each rule."""
import json
import os

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.layers.sctp import SCTP, SCTPChunkCookieAck

import ctl
from ctl import ipmodctl, write_pcap

RULES = """
[rule web]
proto = tcp
dport = 443
verdict = drop

[rule mark]
dst = 198.51.100.0/24
set-dscp = ef

[rule marked]
dscp = ef
set-ttl = 9
verdict = accept

[rule unreached]
verdict = drop
"""
SYN = "tcp 192.0.2.1:1234 > 198.51.100.2:80 flags S"


@pytest.fixture(name="trace")
def make_trace(tmp_path):
    """trace(ARGUMENT…): the lines printed; with as_json the object."""
    def run(*arguments, rules=RULES, as_json=False, code=0):
        (tmp_path / "rules.conf").write_text(rules)
        done = ipmodctl(*(["-j"] if as_json else []), "trace", "-c", tmp_path / "rules.conf",
                        "--seed", "1", *arguments, code=code)
        if code != 0:
            return done.stderr
        text = done.stdout.replace(f"{tmp_path}/", "")
        return json.loads(text) if as_json else text.splitlines()
    return run


def test_every_rule_that_was_looked_at(trace):
    lines = trace(SYN)
    end = lines.index("")
    assert lines[:end] == [
        "tcp 192.0.2.1:1234 > 198.51.100.2:80 flags syn ttl 64 length 40",
        "  rule web (rules.conf:2) no, dport = 443: the packet has 80",
        "  rule mark (rules.conf:7) matches: set-dscp = ef",
        "    dscp cs0 -> ef",
        "  rule marked (rules.conf:11) matches: set-ttl = 9, verdict = accept",
        "    ttl 64 -> 9",
        "  repaired",
        "    ip-checksum 0x8e99 -> 0xc4e1",
        "  out: decided by rule marked"]
    assert "  ttl          64 -> 9" in lines[end:] and "  dport        80" in lines[end:]
    assert lines[-1] == "seed 1"


@pytest.mark.parametrize("match, packet, text", [
    ("proto = udp", SYN, "proto = udp: the packet has tcp"),
    ("src = 203.0.113.0/24, !203.0.113.9", SYN,
     "src = 203.0.113.0/24, !203.0.113.9: the packet has 192.0.2.1"),
    ("host = 203.0.113.1", SYN, "host = 203.0.113.1: the packet has 192.0.2.1 and 198.51.100.2"),
    ("port = 53", SYN, "port = 53: the packet has 1234 and 80"),
    ("dport = 53", "icmp 192.0.2.1 > 198.51.100.2", "dport = 53: the packet has none"),
    ("family = ipv6", SYN, "family = ipv6: the packet has ipv4"),
    ("tcp-flags = ack", SYN, "tcp-flags = ack: the packet has syn"),
    ("icmp-type = echo-reply", "icmp 192.0.2.1 > 198.51.100.2",
     "icmp-type = echo-reply: the packet has echo-request"),
    ("ttl = 1-9", SYN + " ttl 77", "ttl = 1-9: the packet has 77"),
    ("direction = out", SYN, "direction = out: the packet has forward"),
    ("length = 100-200", SYN, "length = 100-200: the packet has 40"),
    ("mss = 1000", SYN + " mss 1460", "mss = 1000: the packet has 1460"),
    ("payload = \"GET\"", SYN + ' payload "PUT"', 'payload = 0x474554: the packet has "PUT"'),
    ("payload = \"GET\"", SYN, 'payload = 0x474554: the packet has none'),
    ("probability = 0.001%", SYN, "probability = 0.001% does not hold now"),
])
def test_first_match_that_does_not_hold(trace, match, packet, text):
    lines = trace(packet, rules=f"[rule x]\n{match}\nverdict = drop\n")
    assert lines[1] == f"  rule x (rules.conf:1) no, {text}"


def test_bytes_that_are_no_utf_8(tmp_path):
    """JSON cannot hold them as they are: no rule is left out for that."""
    path = os.fsencode(tmp_path) + b"/r\xe9gles.conf"
    with open(path, "wb") as file:
        file.write(b'[rule x]\npayload-regex = "caf\xe9"\nverdict = drop\n')
    words = ["trace", "-c", os.fsdecode(path), SYN + ' payload "cafe"']
    assert ('rule x (%s/r?gles.conf:1) no, payload-regex = "caf?": the packet has "cafe"' % tmp_path
            in ipmodctl(*words).stdout)
    rule, = json.loads(ipmodctl("-j", *words).stdout)["rules"]
    assert rule["file"] == f"{tmp_path}/r?gles.conf" and rule["obstacle"]["value"] == '"caf?"'


def hex_of(packet):
    return bytes(packet).hex()


WORDS = [
    ("tcp 192.0.2.1:1 > 198.51.100.2:2 flags SA seq 3 ack 4 window 5 mss 6 ttl 7 dscp ef ecn ce df "
     "id 9 payload \"hello\"",
     IP(src="192.0.2.1", dst="198.51.100.2", ttl=7, tos=0xbb, flags="DF", id=9) /
     TCP(sport=1, dport=2, flags="SA", seq=3, ack=4, window=5, options=[("MSS", 6)]) / b"hello"),
    ("tcp [2001:db8::1]:1 > [2001:db8::2]:2 tcp-flags fin+psh+ack flow-label 74565 dscp 10",
     IPv6(src="2001:db8::1", dst="2001:db8::2", fl=0x12345, tc=40) /
     TCP(sport=1, dport=2, flags="FPA", window=64240)),
    ("udp 192.0.2.1:1 > 198.51.100.2:2 payload 0x0001ff",
     IP(src="192.0.2.1", dst="198.51.100.2", id=0) / UDP(sport=1, dport=2) / b"\x00\x01\xff"),
    ("udp 192.0.2.1:1 > 198.51.100.2:2 payload \"a\\x41\\n\\\"\\\\ b\" length 60",
     IP(src="192.0.2.1", dst="198.51.100.2", id=0) / UDP(sport=1, dport=2) /
     (b"aA\n\"\\ b" + bytes(60 - 28 - 7))),
    ("17 [2001:db8::1]:1 > [2001:db8::2]:2",
     IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=1, dport=2)),
    ("icmp 192.0.2.1 > 198.51.100.2 type destination-unreachable code 3",
     IP(src="192.0.2.1", dst="198.51.100.2", id=0) / ICMP(type=3, code=3)),
    ("icmp 192.0.2.1 > 198.51.100.2", IP(src="192.0.2.1", dst="198.51.100.2", id=0) / ICMP()),
    ("icmp 2001:db8::1 > 2001:db8::2", IPv6(src="2001:db8::1", dst="2001:db8::2") /
     ICMPv6EchoRequest()),
    ("icmpv6 2001:db8::1 > 2001:db8::2 icmp-type 1 icmp-code 4 ",
     IPv6(src="2001:db8::1", dst="2001:db8::2") / ICMPv6DestUnreach(code=4)),
    ("sctp 192.0.2.1:1 > 198.51.100.2:2 payload 0x0b000004",
     IP(src="192.0.2.1", dst="198.51.100.2", id=0) / SCTP(sport=1, dport=2, tag=0) /
     SCTPChunkCookieAck()),
    ("gre 192.0.2.1 > 198.51.100.2 length 40",
     IP(src="192.0.2.1", dst="198.51.100.2", id=0, proto=47) / bytes(20)),
]


@pytest.mark.parametrize("words, packet", WORDS)
def test_words_make_the_packet_that_others_make(trace, words, packet):
    """Every detail, checksums included, is that of the packet that scapy builds."""
    ours = trace(words, as_json=True, rules="[main]\n")
    theirs = trace("--hex", hex_of(packet), as_json=True, rules="[main]\n")
    assert ours == theirs and ours["before"]["length"] == str(len(bytes(packet)))


@pytest.mark.parametrize("words", [words for words, _ in WORDS])
def test_a_packet_in_a_line_can_be_read_back(trace, words):
    line = trace(words, rules="[main]\n")[0]
    assert trace(line, rules="[main]\n")[0] == line


def test_arguments_may_be_apart(trace):
    assert trace(*SYN.split()) == trace(SYN)


@pytest.mark.parametrize("words, text", [
    ("", "'' is not a protocol"),
    ("tcq 192.0.2.1:1 > 192.0.2.2:2", "'tcq' is not a protocol; did you mean 'tcp'?"),
    ("256 192.0.2.1 > 192.0.2.2", "'256' is out of range"),
    ("tcp", "'' is not an address"),
    ("tcp 192.0.2.1 > 192.0.2.2:2", "192.0.2.1 needs a port: ADDRESS:PORT"),
    ("tcp 2001:db8::1 > [2001:db8::2]:2", "2001:db8::1 needs a port: [ADDRESS]:PORT"),
    ("tcp [2001:db8::1:5 > [2001:db8::2]:2", "is not [ADDRESS]:PORT"),
    ("tcp [2001:db8::1]x > [2001:db8::2]:2", "is not [ADDRESS]:PORT"),
    ("tcp 192.0.2.256:1 > 192.0.2.2:2", "'192.0.2.256' is not an address"),
    ("tcp 192.0.2.1:65536 > 192.0.2.2:2", "'65536' is out of range: a port is"),
    ("tcp 192.0.2.1:1 < 192.0.2.2:2", "'<' stands where >"),
    ("tcp 192.0.2.1:1 192.0.2.2:2", "'192.0.2.2:2' stands where >"),
    ("icmp 192.0.2.1:1 > 192.0.2.2", "this protocol has no ports: leave :1 out"),
    ("udp 192.0.2.1:1 > [2001:db8::1]:2", "of different families"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 flags S", "flags is of TCP packets alone"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 type 8", "type is of ICMP packets alone"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 label 8", "label is of IPv6 packets alone"),
    ("udp [2001:db8::1]:1 > [2001:db8::2]:2 df", "df is of IPv4 packets alone"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 tll 5", "'tll' says nothing of a packet; did you mean 'ttl'?"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 xyzzy", "'xyzzy' says nothing of a packet: flags, type"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 ttl 5 ttl 6", "ttl is said twice"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 ttl 256", "'256' is out of range"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 ttl", "'' is not a TTL"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 payload abc", "is neither \"text\" nor 0x"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 payload \"abc", "has no \" at its end"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 payload \"\\q\"", "behind \\ stands one of"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 payload 0xabc", "is not two hex digits"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 payload \"" + "x" * 65535 + "\"", "65563 bytes: more than a packet has"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 payload \"" + "x" * 65536 + "\"", "more bytes than a packet has"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 length 27", "headers and payload take 28 bytes: length is less"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 length 65536", "'65536' is out of range"),
    ("udp 192.0.2.1:1 > 192.0.2.2:2 fragment later", "a packet in words is whole"),
    ("tcp 192.0.2.1:1 > 192.0.2.2:2 flags X", "'X' is not a TCP flag"),
    ("tcp 192.0.2.1:1 > 192.0.2.2:2 flags", "is not a TCP flag"),
    ("icmp 2001:db8::1 > 2001:db8::2 type timestamp-request", "is not an ICMP type of this family"),
    ("43 2001:db8::1 > 2001:db8::2", "an extension header is no protocol"),
    ("x" * 200, "is too long for a word"),
], ids=lambda text: text[:40])
def test_wrong_words(trace, words, text):
    assert text in trace(words, code=2)


def test_hex_in_the_forms_that_there_are(trace):
    data = hex_of(IP(src="192.0.2.1", dst="198.51.100.2") / UDP(sport=1, dport=53) / b"x")
    spaced = " ".join(data[i:i + 4] for i in range(0, len(data), 4))
    coloned = ":".join(data[i:i + 2] for i in range(0, len(data), 2))
    dump = f"\n\t0x0000:  {spaced[:39]}\n\t0x0010:  {spaced[40:]}\n"
    expected = trace("--hex", data)
    assert expected[0].startswith("udp 192.0.2.1:1 > 198.51.100.2:53 ")
    for form in (spaced, coloned, dump, data.upper()):
        assert trace("--hex", form) == expected
    assert "'4x00' is not two hex digits" in trace("--hex", "4x00", code=2)
    assert "'4' is not two hex digits" in trace("--hex", "45 4", code=2)


def test_payload_is_what_rules_take_for_it(trace):
    """Bytes behind the length of UDP are in the packet, but no payload."""
    packet = IP(src="192.0.2.1", dst="198.51.100.2") / UDP(sport=1, dport=2, len=8 + 3) / b"GETMORE"
    lines = trace("--hex", hex_of(packet), rules='[rule x]\npayload = "MORE"\nverdict = drop\n')
    assert lines[1] == '  rule x (rules.conf:1) no, payload = 0x4d4f5245: the packet has "GET"'
    assert '  payload      "GET"' in lines


def test_malformed_packets_are_explained_too(trace):
    lines = trace("--hex", "4500 0014 0000 0000 4011 0000 c000 0201 c633 6402")
    assert lines[:2] == ["20 bytes",
                         "  dropped, truncated-l4-header: malformed (truncated-l4-header)"]
    assert trace("--hex", "")[:2] == ["0 bytes", "  dropped, empty: malformed (empty)"]
    assert trace("--hex", "00", as_json=True)["malformed"] == "bad-version"


def test_packets_of_a_capture(trace, tmp_path):
    datagram = IP(src="192.0.2.1", dst="198.51.100.2", id=7) / UDP(sport=1, dport=53) / (b"x" * 90)
    frames = [bytes(Ether(type=0x0800, src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet)
              for packet in fragment(datagram, fragsize=64)]
    frames.append(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / ARP()))
    frames.append((frames[0][:40], ctl.START, len(frames[0])))
    path = write_pcap(tmp_path / "in.pcap", frames, link=ctl.ETHERNET)
    rules = "[rule dns]\ndport = 53\nset-ttl = 9\n"
    first = trace("--read", path, rules=rules)
    assert "flags" not in first[0] and "dport        53" in "\n".join(first)
    later = trace("--read", path, "--packet", "2", rules=rules)
    assert " fragment later " in later[0]
    assert "  rule dns (rules.conf:1) matches: set-ttl = 9" in later # what the first one got
    for number, text, code in ((3, "frame 3 holds no IP packet", 1),
                               (4, "frame 4 is cut by the capture's snap length", 1),
                               (5, "there are only 4 frames", 1),
                               (0, "--packet 0 is not a number from 1", 2),
                               ("x", "--packet x is not a number from 1", 2)):
        assert text in trace("--read", path, "--packet", number, rules=rules, code=code)
    assert "No such file" in trace("--read", tmp_path / "none", code=1)


@pytest.mark.parametrize("arguments, text", [
    ([], "no packet given"),
    (["--hex", "00", SYN], "one packet at a time"),
    (["--hex", "00", "--read", "x"], "one packet at a time"),
    (["--packet", "1", SYN], "--packet is a number in a capture"),
    (["--frob"], "wrong option --frob"),
])
def test_wrong_arguments(trace, arguments, text):
    assert text in trace(*arguments, code=2)


def test_json(trace):
    told = trace(SYN, as_json=True)
    assert told["schema"] == 1 and told["seed"] == "1"
    assert [(rule["name"], rule["matched"]) for rule in told["rules"]] == [
        ("web", False), ("mark", True), ("marked", True)]
    assert told["rules"][0]["obstacle"] == {"key": "dport", "value": "443"}
    assert told["rules"][0]["found"] == "80"
    assert told["fate"] == "out" and told["decided_by"] == "rule"
    assert told["before"]["ttl"] == "64" and told["after"]["ttl"] == "9"
