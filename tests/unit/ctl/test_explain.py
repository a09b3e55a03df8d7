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
     ["  had waited for its first fragment", "  dropped, fragment-timeout"]),
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


def test_fragments_that_wait(explain):
    """One that overtook its first one is told of twice: when it comes, and when it goes on."""
    datagram = IP(src=A, dst=B, id=7) / UDP(sport=1, dport=53) / (b"x" * 100)
    first, later = fragment(datagram, fragsize=64)
    rules = "[rule x]\ndport = 53\nset-dst = 192.0.2.9\n"
    lines = explain(rules, [later, first])
    assert lines[1] == "  parked: waits for its first fragment"
    assert lines.count("  had waited for its first fragment") == 1
    assert [line.split()[0] for line in lines if line.startswith("#")] == ["#1", "#2", "#2"]
    told = explain(rules, [later, first], as_json=True)
    assert [one["fate"] for one in told] == ["parked", "out", "out"]
    assert told[0]["reason"] is None and told[2]["waited"] is True
    assert told[2]["after"]["dst"] == "192.0.2.9"


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


SHARE = """[divert]
direction = forward, in
[rule share]
src = 192.0.2.0/24
{}
[rule inside]
dst = 192.0.2.0/24
set-dscp = ef
"""
OUT = "203.0.113.1"


def test_translation_of_both_ways(explain):
    """What arrived, what rules saw and what left are told apart, with the flow and its rule."""
    packets = [IP(src=A, dst=B) / TCP(sport=4000, dport=80, flags="S"),
               IP(src=B, dst=OUT) / TCP(sport=80, dport=4000, flags="SA"),
               IP(src=A, dst=B) / TCP(sport=4000, dport=80, flags="A")]
    first, back, third = explain(SHARE.format(f"snat = {OUT}"), packets, as_json=True)
    step = {"end": "source", "action": "snat", "before": f"{A}:4000", "after": f"{OUT}:4000"}
    for one in (first, back, third):
        assert one["flow"]["original"] == f"{A}:4000 > {B}:80"
        assert one["flow"]["rule"] == "share" and one["flow"]["translations"] == [step]
    assert [one["flow"]["state"] for one in (first, back, third)] == \
        ["new", "established", "established"]
    assert [one["flow"]["way"] for one in (first, back, third)] == ["original", "reply", "original"]
    moved = [{"field": "src", "before": A, "after": OUT}]
    assert first["translated"] == third["translated"] == moved and first["restored"] == []
    assert "seen" not in first and first["after"]["src"] == OUT
    assert back["packet"].startswith(f"tcp {B}:80 > {OUT}:4000 ")
    assert back["seen"].startswith(f"tcp {B}:80 > {A}:4000 ")
    assert back["restored"] == [{"field": "dst", "before": OUT, "after": A}]
    assert back["translated"] == [] and [rule["name"] for rule in back["rules"]] == ["inside"]
    assert back["before"]["dst"] == OUT and back["after"]["dst"] == A
    for one in (first, back, third):
        assert {change["field"] for change in one["repaired"]} == {"ip-checksum", "checksum"}


def test_translation_in_words(explain):
    packets = [IP(src=A, dst=B) / ICMP(id=7), IP(src=B, dst=OUT) / ICMP(type=0, id=7)]
    text = [line for line in explain(SHARE.format(f"snat = {OUT}"), packets[:1])
            if "checksum" not in line]
    assert text[1:] == [
        f"  new, of flow {A} id 7 > {B}",
        f"  rule share (rules.conf:3) matches: snat = {OUT}",
        f"  translated: snat {A} id 7 -> {OUT} id 7, of a new flow of rule share",
        f"    src {A} -> {OUT}",
        "  repaired",
        "  out: no rule decided"]
    text = explain(SHARE.format(f"snat = {OUT}"), packets)
    at = next(number for number, line in enumerate(text) if line.startswith("#2"))
    assert text[at + 1:at + 6] == [
        f"  established, answers flow {A} id 7 > {B}",
        f"  translated: snat {A} id 7 -> {OUT} id 7, of a flow of rule share",
        f"    dst {OUT} -> {A}",
        f"  rules see icmp {B} > {A} type echo-reply ttl 64 length 28",
        "  rule inside (rules.conf:6) matches: set-dscp = ef"]


def test_translation_of_both_ends_and_from_outside(explain):
    """The actions of a rule by the end that each moves; what comes to a mapping; no port left."""
    rule = f"snat = {OUT}:4000\ndnat = 198.51.100.9:8080"
    packets = [IP(src=A, dst=B) / UDP(sport=9, dport=80),
               IP(src="198.51.100.7", dst=OUT) / UDP(sport=1, dport=4000),
               IP(src="192.0.2.8", dst=B) / UDP(sport=9, dport=80)]
    first, outside, late = explain(SHARE.format(rule), packets, as_json=True)
    assert [(one["action"], one["before"], one["after"])
            for one in first["flow"]["translations"]] == [
                ("snat", f"{A}:9", f"{OUT}:4000"), ("dnat", f"{B}:80", "198.51.100.9:8080")]
    assert [change["field"] for change in first["translated"]] == ["src", "dst", "sport", "dport"]
    assert outside["flow"]["translations"] == [{"end": "destination", "action": "mapping",
                                                "before": f"{OUT}:4000", "after": f"{A}:9"}]
    assert outside["seen"].startswith(f"udp 198.51.100.7:1 > {A}:9 ")
    assert late["reason"] == "nat-exhausted" and late["flow"]["translations"] == []
    assert late["decided_by"] == "path" and late["rules"][0]["matched"]


def test_a_rule_behind_is_asked_before_translation(explain, tmp_path):
    """What kept it from matching is what it saw."""
    del explain
    (tmp_path / "rules.conf").write_text(
        SHARE.format(f"snat = {OUT}") + f"[rule late]\nsrc = {OUT}\nset-ttl = 9\n")
    text = ipmodctl("trace", "-c", tmp_path / "rules.conf", f"udp {A}:1 > {B}:2").stdout
    assert f"no, src = {OUT}: the packet has {A}" in text


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
