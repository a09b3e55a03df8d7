# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl replay --explain: what it says of each packet, against what was done to it."""
import json

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop
from scapy.layers.sctp import SCTP

from ctl import ipmodctl, write_pcap

A, B = "192.0.2.1", "198.51.100.2"
A6, B6 = "2001:db8:1::1", "2001:db8:2::2"


@pytest.fixture(name="explain")
def make_explain(tmp_path):
    """explain(CONFIG, PACKETS, …): the lines of text, or with json the objects but the last."""
    def run(config, packets, *options, as_json=False):
        (tmp_path / "rules.conf").write_text(config)
        write_pcap(tmp_path / "in.pcap", [bytes(packet) for packet in packets])
        text = ipmodctl(*(["-j"] if as_json else []), "replay", "--explain", "--seed", "1", "-c",
                        tmp_path / "rules.conf", *options, tmp_path / "in.pcap",
                        tmp_path / "out.pcap").stdout.replace(f"{tmp_path}/", "")
        if as_json:
            return [json.loads(line) for line in text.splitlines()][:-1]
        return text.partition("\n1 frames read")[0].splitlines()
    return run


def test_rules_and_changes_in_order(explain):
    config = ("[main]\npolicy = drop\n"
              "[rule first]\nproto = tcp\nset-dport = 8080\nset-ttl = 9\n"
              "[rule passed-over]\nproto = udp\nverdict = drop\n"
              "[rule second]\ndport = 8080\nset-dscp = ef\nverdict = accept\n"
              "[rule unreached]\nset-ttl = 1\n")
    packet = IP(src=A, dst=B, id=7) / TCP(sport=1234, dport=80, flags="S")
    lines = explain(config, [packet])
    before, after = IP(bytes(packet)), IP(bytes(packet))
    after.ttl, after.tos, after[TCP].dport = 9, 46 << 2, 8080
    del after.chksum, after[TCP].chksum
    after = IP(bytes(after))
    assert lines == [
        "#1 2023-11-14T22:13:20.000000000Z tcp 192.0.2.1:1234 > 198.51.100.2:80 flags syn ttl 64 "
        "length 40",
        "  rule first (rules.conf:3) matches: set-dport = 8080, set-ttl = 9",
        "    ttl 64 -> 9",
        "    dport 80 -> 8080",
        "  rule second (rules.conf:10) matches: set-dscp = ef, verdict = accept",
        "    dscp cs0 -> ef",
        "  repaired",
        f"    ip-checksum 0x{before.chksum:04x} -> 0x{after.chksum:04x}",
        f"    checksum 0x{before[TCP].chksum:04x} -> 0x{after[TCP].chksum:04x}",
        "  out: decided by rule second"]


@pytest.mark.parametrize("config, packet, last", [
    ("[main]\n", IP(src=A, dst=B) / UDP(), ["  out: no rule decided"]),
    ("[main]\npolicy = drop\n", IP(src=A, dst=B) / UDP(), ["  dropped, policy: no rule decided"]),
    ("[rule x]\nverdict = drop\n", IP(src=A, dst=B) / UDP(),
     ["  dropped, rule: decided by rule x"]),
    ("[rule x]\nverdict = reject admin-prohibited\n", IP(src=A, dst=B) / UDP(dport=9),
     ["  dropped, rejected: decided by rule x",
      "  answer: icmp 198.51.100.2 > 192.0.2.1 type destination-unreachable ttl 64 dscp cs6 df "
      "length 56"]),
    ("[main]\n", IP(src=A, dst=B, len=4000) / UDP(),
     ["  dropped, bad-ip-total-length: malformed (bad-ip-total-length)"]),
    ("[main]\nmalformed = pass\n", IP(src=A, dst=B, len=4000) / UDP(),
     ["  out: malformed (bad-ip-total-length)"]),
    ("[divert]\nfamily = ipv4\n[tun]\naddress = 198.51.100.9/24\n", IP(src=A, dst=B) / UDP(),
     ["  dropped, own-prefix"]),
    ("[rule x]\ndport = 9\nverdict = drop\n", IP(src=A, dst=B, proto=17, frag=5) / b"data",
     ["  dropped, fragment-before-first"]),
])
def test_who_decided(explain, config, packet, last):
    assert explain(config, [packet])[-len(last):] == last


def test_edits_of_later_fragments_are_those_on_the_wire(explain):
    """A rule on ports holds for them; of its edits those of the IP header are on the wire."""
    datagram = IP(src=A, dst=B, id=7) / UDP(sport=1, dport=53) / (b"x" * 100)
    first, later = fragment(datagram, fragsize=64)
    told = explain("[rule x]\ndport = 53\nset-dport = 54\nset-ttl = 9\n", [first, later],
                   as_json=True)
    assert [change["field"] for change in told[0]["rules"][0]["changes"]] == ["ttl", "dport"]
    assert [change["field"] for change in told[1]["rules"][0]["changes"]] == ["ttl"]
    assert told[1]["before"]["fragment"] == "later" and "dport" not in told[1]["before"]


def test_details(explain):
    """Everything that a packet has, as rules would write it."""
    packets = [
        IP(src=A, dst=B, id=7, tos=0xb9, flags="DF", options=[IPOption_Router_Alert()]) /
        TCP(sport=1, dport=2, seq=3, ack=4, flags="SA", window=5,
            options=[("MSS", 1460), ("SAckOK", b""), ("WScale", 7)]) / b"hello",
        IPv6(src=A6, dst=B6, fl=0x12345) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() /
        UDP(sport=1, dport=2) / (b"\x00" * 40),
        IP(src=A, dst=B) / ICMP(type=3, code=4),
        IP(src=A, dst=B) / SCTP(sport=5, dport=6)]
    told = [one["before"] for one in explain("[main]\n", packets, "--local", A, as_json=True)]
    expected = [
        {"direction": "out", "family": "ipv4", "src": A, "dst": B, "ttl": "64", "dscp": "ef",
         "ecn": "ect1", "df": "yes", "ip-id": "7", "fragment": "no", "ip-option": "router-alert",
         "proto": "tcp", "sport": "1", "dport": "2", "tcp-flags": "syn+ack", "seq": "3",
         "ack": "4", "window": "5", "tcp-option": "mss, sack-permitted, window-scale",
         "mss": "1460", "payload": '"hello"'},
        {"direction": "forward", "family": "ipv6", "flow-label": "74565",
         "ext-header": "hop-by-hop, destination", "proto": "udp",
         "payload": "0x" + "00" * 32 + " … (40 bytes)"},
        {"proto": "icmp", "icmp-type": "destination-unreachable", "icmp-code": "frag-needed"},
        {"proto": "sctp", "sport": "5", "dport": "6"}]
    for one, details in zip(told, expected):
        assert details.items() <= one.items()
    assert "df" not in told[1] and "mss" not in told[1] and "sport" not in told[2]


def test_json_has_what_the_text_has(explain):
    config = "[rule x]\nproto = tcp\nset-ttl = 9\nverdict = accept\n"
    one, = explain(config, [IP(src=A, dst=B) / TCP()], as_json=True)
    assert one["schema"] == 1 and one["type"] == "packet" and one["number"] == 1
    assert one["time"] == "2023-11-14T22:13:20.000000000Z"
    assert one["rules"] == [{"name": "x", "file": "rules.conf", "line": 1, "matched": True,
                             "actions": [{"key": "set-ttl", "value": "9"},
                                         {"key": "verdict", "value": "accept"}],
                             "changes": [{"field": "ttl", "before": "64", "after": "9"}]}]
    assert one["fate"] == "out" and one["decided_by"] == "rule" and one["reason"] is None
    assert [change["field"] for change in one["repaired"]] == ["ip-checksum"]
    assert one["before"]["ttl"] == "64" and one["after"]["ttl"] == "9"


def test_bytes_and_counters_are_the_same_with_and_without(tmp_path):
    """Looking on decides nothing: chance, turns and tokens are asked once."""
    (tmp_path / "rules.conf").write_text(
        "[rule chance]\nprobability = 50%\nset-ttl = 9\n"
        "[rule turn]\nevery = 3\nset-ip-id = random\n"
        "[rule rate]\nlimit = 2/s burst 3\nset-dscp = ef\n")
    write_pcap(tmp_path / "in.pcap", [bytes(IP(src=A, dst=B) / UDP())] * 40)
    outputs = []
    for number, options in enumerate(([], ["--explain"])):
        out = tmp_path / f"out{number}.pcap"
        text = ipmodctl("replay", *options, "--seed", "5", "-c", tmp_path / "rules.conf",
                        tmp_path / "in.pcap", out).stdout
        outputs.append((out.read_bytes(), text[text.index("40 frames read"):]))
    assert outputs[0] == outputs[1]
