# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl replay: link types, times, answers, counters, and captures that are not what they should be."""
import json
import os
import pty
import re
import struct
import subprocess
import time

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether

from ctl import (ETHERNET, IPMODCTL, LOOP, NULL, RAW, SLL, SLL2, START, frames_of, ipmodctl,
                 read_pcap, summary, write_pcap, write_pcapng)

A, B = "192.0.2.1", "198.51.100.2"
A6, B6 = "2001:db8:1::1", "2001:db8:2::2"
MARK = "[rule mark]\nproto = udp\nset-ttl = 9\n"
MACS = bytes.fromhex("020000000001 020000000002")


def udp4(payload=b"x" * 20):
    return bytes(IP(src=A, dst=B, ttl=64, id=7) / UDP(sport=4000, dport=53) / payload)


def udp6(payload=b"x" * 20):
    return bytes(IPv6(src=A6, dst=B6, hlim=64) / UDP(sport=4000, dport=53) / payload)


def marked(packet):
    """The same packet with TTL 9 and true checksums."""
    if packet[0] >> 4 == 6:
        return packet[:7] + b"\x09" + packet[8:]
    edited = IP(packet)
    edited.ttl = 9
    del edited.chksum
    return bytes(edited)


@pytest.fixture(name="replay")
def make_replay(tmp_path):
    """replay(CONFIG, FRAMES, …): what comes out of a run, as in ctl.read_pcap(), and its summary."""
    def run(config, frames, *options, code=0, writer=write_pcap, **shape):
        (tmp_path / "rules.conf").write_text(config)
        writer(tmp_path / "in.pcap", frames, **shape)
        told = summary("replay", "-c", tmp_path / "rules.conf", *options, tmp_path / "in.pcap",
                       tmp_path / "out.pcap", code=code)
        return read_pcap(tmp_path / "out.pcap"), told
    return run


def vlan(*tags):
    """MACs and tags as (TPID, TCI), behind which an ethertype comes."""
    return MACS + b"".join(struct.pack(">HH", *tag) for tag in tags)


LINKS = {
    "raw": (RAW, b"", b""),
    "raw-ip4-ip6": (12, b"", b""),
    "ethernet": (ETHERNET, vlan() + b"\x08\x00", vlan() + b"\x86\xdd"),
    "vlan": (ETHERNET, vlan((0x8100, 5)) + b"\x08\x00", vlan((0x8100, 0x6005)) + b"\x86\xdd"),
    "qinq": (ETHERNET, vlan((0x88a8, 3), (0x8100, 5)) + b"\x08\x00",
             vlan((0x9100, 3), (0x8100, 5)) + b"\x86\xdd"),
    "sll": (SLL, struct.pack(">HHH8sH", 0, 1, 6, MACS[:8], 0x0800),
            struct.pack(">HHH8sH", 4, 1, 6, MACS[:8], 0x86dd)),
    "sll2": (SLL2, struct.pack(">HHIHBB8s", 0x0800, 0, 2, 1, 0, 6, MACS[:8]),
             struct.pack(">HHIHBB8s", 0x86dd, 0, 2, 1, 4, 6, MACS[:8])),
    "null": (NULL, struct.pack("<I", 2), struct.pack("<I", 30)),
    "loop": (LOOP, struct.pack(">I", 2), struct.pack(">I", 24)),
}


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("writer", [write_pcap, write_pcapng])
def test_link_types(replay, name, writer):
    """Headers in front and padding behind stay, the packet between them is edited."""
    link, header4, header6 = LINKS[name]
    frames = [header4 + udp4() + b"pad" * 3, header6 + udp6()]
    out, told = replay(MARK, frames, writer=writer, link=link)
    assert [frame for frame, _, _ in out] == [header4 + marked(udp4()) + b"pad" * 3,
                                             header6 + marked(udp6())]
    assert told["packets"]["edited"] == 2 and told["rules"][0]["packets"] == 2
    assert told["frames"] == {"read": 2, "written": 2, "not_ip": 0, "cut": 0}


def test_other_link_type_is_refused(replay, tmp_path):
    (tmp_path / "rules.conf").write_text(MARK)
    write_pcap(tmp_path / "in.pcap", [b"x"], link=105)
    done = ipmodctl("replay", "-c", tmp_path / "rules.conf", tmp_path / "in.pcap",
                    tmp_path / "out.pcap", code=1)
    assert "link type IEEE802_11 (105) is not one of raw IP, Ethernet" in done.stderr


def test_pcapng_by_name(replay, tmp_path):
    """What replay wrote as pcapng it reads back; tcpdump reads the same of both."""
    frames = [vlan() + b"\x08\x00" + udp4() + b"pad", (vlan()[:9], START + 0.5, 60)]
    out, _ = replay(MARK, frames, link=ETHERNET)
    files = ["-c", tmp_path / "rules.conf", tmp_path / "in.pcap"]
    for name in ("out.pcapng", "pcapng"):
        ipmodctl("replay", *files, tmp_path / name)
    assert (tmp_path / "out.pcapng").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert (tmp_path / "pcapng").read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"
    (tmp_path / "keep.conf").write_text("[main]\n")
    ipmodctl("replay", "-c", tmp_path / "keep.conf", tmp_path / "out.pcapng", tmp_path / "back.pcap")
    assert [(frame, seconds, nanoseconds // 1000, length)
            for frame, (seconds, nanoseconds), length in read_pcap(tmp_path / "back.pcap")] == \
        [(frame, *time, length) for frame, time, length in out]
    seen = [subprocess.run(["tcpdump", "-xx", "-n", "-tt", "-r", tmp_path / name],
                           capture_output=True, text=True, check=True, timeout=60).stdout
            for name in ("out.pcap", "out.pcapng")]
    assert seen[0] == seen[1] and seen[0].count("0x0000") == 2
    done = ipmodctl("replay", "-c", tmp_path / "keep.conf", tmp_path / "in.pcap",
                    tmp_path / "none" / "x.pcapng", code=1)
    assert "No such file" in done.stderr


def test_not_ip_passes_unchanged(replay):
    arp = bytes(Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff") / ARP())
    frames = [arp, arp[:9], b"", arp[:12] + b"\x00\x26" + arp[14:]]
    out, told = replay("[main]\npolicy = drop\n", frames, link=ETHERNET)
    assert [frame for frame, _, _ in out] == frames
    assert told["frames"]["not_ip"] == 4 and told["packets"]["in"] == 0


def test_cut_packets_pass_unchanged(replay):
    """What the capture has not got cannot be judged; a packet whose padding alone is missing can."""
    whole = vlan() + b"\x08\x00" + udp4()
    frames = [(whole[:60], START, len(whole)), (whole[:20], START, len(whole)),
              (whole, START, len(whole) + 6)]
    out, told = replay(MARK, frames, link=ETHERNET)
    assert [frame for frame, _, _ in out[:2]] == [whole[:60], whole[:20]]
    assert out[0][2] == len(whole)
    assert out[2][0] == vlan() + b"\x08\x00" + marked(udp4()) and out[2][2] == len(whole) + 6
    assert told["frames"]["cut"] == 2 and told["packets"]["in"] == 1


@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_resolution_and_times_stay(replay, tmp_path, nano, order):
    frames = [(udp4(), START + 0.125, 48), (udp6(), START + 0.25, 68)]
    out, _ = replay("[main]\n", frames, nano=nano, order=order)
    unit = 10 ** 9 if nano else 10 ** 6
    assert [time for _, time, _ in out] == [(START, unit // 8), (START, unit // 4)]
    if order == "<": # the byte order of this machine, in all likelihood
        assert (tmp_path / "in.pcap").read_bytes() == (tmp_path / "out.pcap").read_bytes()


def test_answers_follow_with_time_and_link_turned_round(replay):
    echo4 = bytes(IP(src=A, dst=B, ttl=64) / ICMP(id=1, seq=2) / b"hello")
    echo6 = bytes(IPv6(src=A6, dst=B6) / ICMPv6EchoRequest(id=1, seq=2, data=b"hello"))
    syn = bytes(IP(src=A, dst=B) / TCP(sport=4000, dport=25, flags="S", seq=77))
    frames = [vlan((0x8100, 5)) + b"\x08\x00" + echo4, vlan() + b"\x86\xdd" + echo6,
              vlan() + b"\x08\x00" + udp4(), vlan() + b"\x08\x00" + syn + bytes(6)]
    out, told = replay("[rule ping]\nicmp-type = echo-request\nreply = echo\n"
                       "[rule mail]\nproto = tcp\nverdict = reject\n", frames, link=ETHERNET)
    turned = MACS[6:] + MACS[:6]
    assert [frame[:12] for frame, _, _ in out] == [turned, turned, MACS, turned]
    assert [time for _, time, _ in out] == [(START, 0), (START, 250000), (START, 500000),
                                            (START, 750000)]
    first, second, last = (Ether(out[i][0]) for i in (0, 1, 3))
    assert first[Dot1Q].vlan == 5 and first[IP].src == B and first[ICMP].type == 0
    assert second[IPv6].src == B6 and second.getlayer(2).type == 129
    assert last[TCP].flags == "RA" and last[TCP].ack == 78 and len(out[3][0]) == 14 + 40
    assert told["drops"] == {"answered": 2, "rejected": 1}
    assert told["packets"]["generated"] == 3 and told["frames"]["written"] == 4


@pytest.mark.parametrize("name", ["out.pcap", "out.pcapng"])
def test_answers_are_whole(tmp_path, name):
    """The snap length of a capture is none of an answer that quotes more."""
    config = tmp_path / "rules.conf"
    config.write_text("[rule r]\nproto = udp\nverdict = reject\n")
    files = write_pcap(tmp_path / "in.pcap", [udp4()], snaplen=60), tmp_path / name
    ipmodctl("replay", "-c", config, *files)
    config.write_text("[main]\n")
    ipmodctl("replay", "-c", config, files[1], tmp_path / "again.pcap") # libpcap cuts at snap length
    answer, = read_pcap(tmp_path / "again.pcap")
    assert len(answer[0]) == answer[2] == 28 + len(udp4()) and answer[0].endswith(udp4())


def test_malformed_obeys_the_configuration(replay):
    bad = udp4()[:2] + b"\xff\xff" + udp4()[4:]
    out, told = replay("[main]\n", [bad])
    assert out == [] and told["drops"] == {"bad-ip-total-length": 1}
    out, told = replay("[main]\nmalformed = pass\n" + MARK, [bad])
    assert out[0][0] == bad and told["packets"]["malformed_passed"] == 1


def test_local_prefixes_give_the_direction(replay):
    config = "".join(f"[rule {way}]\ndirection = {way}\nset-ttl = 9\n"
                     for way in ("out", "forward", "in"))
    for option, counts in (([], [0, 2, 0]), (["--local", "192.0.2.0/24"], [1, 1, 0]),
                           (["--local", f"{A6},{A}"], [2, 0, 0]),
                           (["--local", f"{B6},{B}"], [0, 0, 2]),
                           (["--local", "0.0.0.0/0, ::/0"], [0, 0, 2])):
        _, told = replay(config, [udp4(), udp6()], *option)
        assert [rule["packets"] for rule in told["rules"]] == counts, option


def test_no_direction_without_local_is_said(tmp_path):
    (tmp_path / "rules.conf").write_text("[rule ours]\ndirection = out\nset-ttl = 9\n")
    write_pcap(tmp_path / "in.pcap", [udp4()])
    files = ["-c", tmp_path / "rules.conf", tmp_path / "in.pcap", tmp_path / "out.pcap"]
    assert "without --local" in ipmodctl("replay", *files).stderr
    assert ipmodctl("replay", "--local", A, *files).stderr == ""


def test_prefixes_of_the_tun_device_are_as_live(replay):
    """To another address of [tun] address: dropped; from its own: out."""
    config = "[divert]\nfamily = ipv4\n[tun]\naddress = 198.51.100.9/24\n[rule out]\n" \
             "direction = out\nset-ttl = 9\n"
    ours = bytes(IP(src="198.51.100.9", dst=A) / UDP() / b"x")
    out, told = replay(config, [udp4(), ours])
    assert told["drops"] == {"own-prefix": 1} and told["rules"][0]["packets"] == 1 and len(out) == 1


def test_path_mtu_is_told(replay):
    syn = bytes(IP(src=A, dst=B) / TCP(flags="S", options=[("MSS", 1460)]))
    config = "[rule clamp]\nproto = tcp\nclamp-mss = pmtu\n"
    out, _ = replay(config, [syn])
    assert out[0][0] == syn
    out, _ = replay(config, [syn], "--mtu", "1400")
    assert dict(IP(out[0][0])[TCP].options)["MSS"] == 1360


RANDOM = "[rule ids]\nfamily = ipv4\nset-ip-id = random\n"


def test_same_seed_same_bytes(replay):
    frames = [udp4()] * 20
    first, told = replay(RANDOM, frames, "--seed", "4711")
    again, _ = replay(RANDOM, frames, "--seed", "4711")
    other, _ = replay(RANDOM, frames, "--seed", "4712")
    assert first == again != other and told["seed"] == "4711"
    largest = str(2 ** 64 - 1)
    assert replay(RANDOM, frames, "--seed", largest)[1]["seed"] == largest
    drawn, told = replay(RANDOM, frames)
    again, _ = replay(RANDOM, frames, "--seed", told["seed"])
    assert drawn == again
    from_file, told = replay("[main]\nseed = 4711\n" + RANDOM, frames)
    assert from_file == first and told["seed"] == "4711"


def test_time_is_that_of_the_capture(replay):
    """Rejections have a bucket of 1,000 a second and 100 at once: simulated time refills it."""
    config = "[rule no]\nverdict = reject\n"
    _, told = replay(config, [(udp4(), START, 48)] * 150)
    assert told["drops"] == {"rejected": 100, "reject-limited": 50}
    _, told = replay(config, [(udp4(), START + i / 1000, 48) for i in range(150)], nano=True)
    assert told["drops"] == {"rejected": 150}
    _, told = replay(config, [(udp4(), START - i, 48) for i in range(150)])
    assert told["drops"] == {"rejected": 100, "reject-limited": 50} # never backwards


def test_fail_on_no_match(tmp_path):
    (tmp_path / "rules.conf").write_text(MARK + "[rule never]\nproto = tcp\nverdict = drop\n")
    write_pcap(tmp_path / "in.pcap", [udp4()])
    files = ["-c", tmp_path / "rules.conf", tmp_path / "in.pcap", tmp_path / "out.pcap"]
    ipmodctl("replay", "--fail-on-no-match", "mark", *files)
    done = ipmodctl("replay", "--fail-on-no-match", "mark, never", *files, code=1)
    assert done.stderr == "ipmodctl: rule never matched no packet\n"
    assert frames_of(tmp_path / "out.pcap") == [marked(udp4())]
    done = ipmodctl("replay", "--fail-on-no-match", "!mark", *files, code=2)
    assert "'!' has no meaning here" in done.stderr
    done = ipmodctl("replay", "--fail-on-no-match", "nevr", *files, code=2)
    assert "there is no rule 'nevr', but a rule 'never'" in done.stderr


def test_names_that_are_no_utf_8(tmp_path):
    config, capture = (os.fsdecode(os.fsencode(tmp_path) + name) for name in (b"/\xe9.conf",
                                                                              b"/\xe9.pcap"))
    with open(config, "w", encoding="ascii") as file:
        file.write(MARK)
    write_pcap(capture, [udp4()])
    with open(capture, "ab") as file:
        file.write(b"half")
    told = json.loads(ipmodctl("-j", "replay", "-c", config, capture, tmp_path / "out.pcap", code=1,
                               text=False).stdout)
    assert told["rules"][0]["file"] == f"{tmp_path}/?.conf" and told["rules"][0]["packets"] == 1
    assert told["incident"].startswith(f"{tmp_path}/?.pcap: after packet 1: ")


def test_table(tmp_path):
    (tmp_path / "rules.conf").write_text("[main]\npolicy = drop\n" + MARK)
    write_pcap(tmp_path / "in.pcap", [udp4()])
    text = ipmodctl("replay", "-c", tmp_path / "rules.conf", "--seed", "1", tmp_path / "in.pcap",
                    tmp_path / "out.pcap").stdout
    assert text == ("1 frames read, 0 written, seed 1\n"
                    "packets: in 1, out 0, edited 0, generated 0, malformed-passed 0\n\n"
                    "     packets          bytes  rule\n"
                    f"           1             48  mark ({tmp_path}/rules.conf:3)\n\n"
                    "     packets  dropped\n"
                    "           1  policy\n")


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 40])
def test_truncated_capture(replay, tmp_path, cut):
    """What was readable is there; the message says where it ends."""
    write_pcap(tmp_path / "in.pcap", [udp4(), udp4(), udp4()])
    data = (tmp_path / "in.pcap").read_bytes()
    (tmp_path / "in.pcap").write_bytes(data[:len(data) - 64 + cut])
    (tmp_path / "rules.conf").write_text(MARK)
    done = ipmodctl("replay", "-c", tmp_path / "rules.conf", tmp_path / "in.pcap",
                    tmp_path / "out.pcap", code=1)
    assert f"{tmp_path}/in.pcap: after packet 2: truncated dump file" in done.stderr
    assert "The capture was not read to its end." in done.stdout
    assert frames_of(tmp_path / "out.pcap") == [marked(udp4())] * 2


def test_corrupt_record(tmp_path):
    write_pcap(tmp_path / "in.pcap", [udp4(), udp4()])
    data = bytearray((tmp_path / "in.pcap").read_bytes())
    data[24 + 16 + 48 + 8:24 + 16 + 48 + 12] = b"\xff\xff\xff\x7f"
    (tmp_path / "in.pcap").write_bytes(data)
    (tmp_path / "rules.conf").write_text(MARK)
    files = ["-c", tmp_path / "rules.conf", tmp_path / "in.pcap", tmp_path / "out.pcap"]
    done = ipmodctl("replay", *files, code=1)
    assert "after packet 1: " in done.stderr
    told = summary("replay", *files, code=1)
    assert told["complete"] is False and "after packet 1" in told["incident"]
    assert frames_of(tmp_path / "out.pcap") == [marked(udp4())]


@pytest.mark.parametrize("cut, text", [(1, "truncated pcapng dump file"),
                                       (40, "truncated pcapng dump file")])
def test_truncated_pcapng(tmp_path, cut, text):
    data = write_pcapng(tmp_path / "in.pcapng", [udp4()] * 3).read_bytes()
    (tmp_path / "in.pcapng").write_bytes(data[:-cut])
    (tmp_path / "rules.conf").write_text(MARK)
    done = ipmodctl("replay", "-c", tmp_path / "rules.conf", tmp_path / "in.pcapng",
                    tmp_path / "out.pcap", code=1)
    assert f"{tmp_path}/in.pcapng: after packet 2: {text}" in done.stderr
    assert frames_of(tmp_path / "out.pcap") == [marked(udp4())] * 2


def test_corrupt_block_of_pcapng(tmp_path):
    """The length in front of a block and the one behind it differ."""
    data = bytearray(write_pcapng(tmp_path / "in.pcapng", [udp4()] * 2).read_bytes())
    data[-4] ^= 8
    (tmp_path / "in.pcapng").write_bytes(data)
    (tmp_path / "rules.conf").write_text(MARK)
    done = ipmodctl("replay", "-c", tmp_path / "rules.conf", tmp_path / "in.pcapng",
                    tmp_path / "out.pcap", code=1)
    assert "after packet 1: " in done.stderr
    assert frames_of(tmp_path / "out.pcap") == [marked(udp4())]


@pytest.mark.parametrize("content, text", [
    (b"", "is no capture that can be read"),
    (b"\xd4\xc3", "is no capture that can be read"),
    (b"[rule x]\n" * 10, "is no capture that can be read: unknown file format"),
    (b"\x1f\x8b\x08\x00 and so on", "is compressed: try zcat"),
    (b"\x28\xb5\x2f\xfd and so on", "is compressed: try zstdcat"),
])
def test_no_capture(tmp_path, content, text):
    (tmp_path / "in.pcap").write_bytes(content)
    (tmp_path / "rules.conf").write_text(MARK)
    done = ipmodctl("replay", "-c", tmp_path / "rules.conf", tmp_path / "in.pcap",
                    tmp_path / "out.pcap", code=1)
    assert text in done.stderr and not (tmp_path / "out.pcap").exists()


def test_files_that_cannot_be(tmp_path):
    (tmp_path / "rules.conf").write_text(MARK)
    good = write_pcap(tmp_path / "in.pcap", [udp4()])
    rules = ["-c", tmp_path / "rules.conf"]
    none = tmp_path / "none"
    for arguments, text in [
            ([*rules, none, tmp_path / "out"], "none: No such file or directory"),
            ([*rules, tmp_path, tmp_path / "out"], "is a directory"),
            ([*rules, good, none / "out"], "No such file or directory"),
            ([*rules, good, "/dev/full"], "/dev/full: not everything could be written: No space"),
            ([*rules, good, good], "is what is read"),
            (["-c", none, good, tmp_path / "out"], "none: ")]:
        assert text in ipmodctl("replay", *arguments, code=1).stderr, arguments
    assert frames_of(good) == [udp4()]


def test_wrong_configuration_is_told_with_its_place(tmp_path):
    (tmp_path / "rules.conf").write_text("[rule x]\nfrob = 1\ndport = 70000\n")
    write_pcap(tmp_path / "in.pcap", [udp4()])
    done = ipmodctl("replay", "-c", tmp_path / "rules.conf", tmp_path / "in.pcap",
                    tmp_path / "out.pcap", code=1)
    assert "rules.conf:2: [rule x] frob" in done.stderr
    assert "rules.conf:3: [rule x] dport" in done.stderr


def test_a_configuration_that_others_can_write_is_tried(tmp_path):
    """As a checkout has it: the daemon refuses it, but here nothing comes into force."""
    config = tmp_path / "rules.conf"
    config.write_text(MARK)
    files = write_pcap(tmp_path / "in.pcap", [udp4()]), tmp_path / "out.pcap"
    config.chmod(0o664)
    done = ipmodctl("replay", "-c", config, *files)
    assert done.stderr == (f"{config}: warning: can be written by others than its owner (mode 0664); "
                           "`chmod go-w` mends that\n")
    assert frames_of(files[1]) == [marked(udp4())]
    if os.geteuid() == 0:
        os.chown(config, 65534, 0)
        done = ipmodctl("trace", "-c", config, "udp 192.0.2.1:1 > 198.51.100.2:53")
        assert "warning: belongs to user 65534" in done.stderr and "matches" in done.stdout


@pytest.mark.parametrize("option, value, text", [
    ("--local", "192.0.2.0/33", "'192.0.2.0/33' is not a list of addresses or prefixes"),
    ("--local", "192.0.2.1,,", "is not a list of addresses or prefixes"),
    ("--local", "!192.0.2.1", "is not a list of addresses or prefixes"),
    ("--mtu", "67", "--mtu 67 is not a number of bytes from 68 to 65535"),
    ("--mtu", "x", "--mtu x is not a number of bytes"),
    ("--seed", "-1", "--seed -1 is not a number"),
    ("--seed", str(2 ** 64), "is not a number from 0 to 18446744073709551615"),
    ("--fail-on-no-match", ",", "',' is no list of rules"),
])
def test_wrong_values(tmp_path, option, value, text):
    (tmp_path / "rules.conf").write_text(MARK)
    write_pcap(tmp_path / "in.pcap", [udp4()])
    done = ipmodctl("replay", "-c", tmp_path / "rules.conf", option, value, tmp_path / "in.pcap",
                    tmp_path / "out.pcap", code=2)
    assert text in done.stderr and not (tmp_path / "out.pcap").exists()


@pytest.mark.parametrize("out", ["-", "/dev/stdout"])
def test_standard_input_and_output(tmp_path, out):
    """The capture has standard output for itself; the counters go to standard error."""
    (tmp_path / "rules.conf").write_text(MARK)
    data = write_pcap(tmp_path / "in.pcap", [udp4(), udp6()]).read_bytes()
    done = ipmodctl("replay", "-c", tmp_path / "rules.conf", "-", out, data=data, text=False)
    (tmp_path / "out.pcap").write_bytes(done.stdout)
    assert frames_of(tmp_path / "out.pcap") == [marked(udp4()), marked(udp6())]
    assert b"2 frames read, 2 written" in done.stderr


MANY = 20_000  # packets: more than all buffers between a replay and who reads its output hold


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_of_a_long_capture(tmp_path, terminal):
    """On a terminal alone; the line is gone in the end."""
    (tmp_path / "rules.conf").write_text(MARK)
    write_pcap(tmp_path / "in.pcap", [udp4()] * MANY)
    ours, theirs = pty.openpty() if terminal else os.pipe()
    with subprocess.Popen([IPMODCTL, "replay", "-c", tmp_path / "rules.conf", tmp_path / "in.pcap",
                           "-"], stdout=subprocess.PIPE, stderr=theirs) as running:
        os.close(theirs)
        running.stdout.read(1)  # it is under way, and goes on when somebody reads on
        time.sleep(0.7)  # more than the half second after which there is something to be seen
        running.stdout.read()
        said = read_all(ours)
    assert running.returncode == 0
    line = r"\r *\d+ %, (8192|16384) packets, \d+ a second, \d+ s to go\x1b\[K"
    assert bool(re.search(f"{line}.*\r\x1b\\[K20000 frames", said)) == terminal, said
    assert ("\x1b" in said) == terminal, said


def read_all(descriptor):
    """What is written to the other end of a pipe or terminal until it is closed."""
    said = b""
    try:
        while more := os.read(descriptor, 65536):
            said += more
    except OSError:  # a terminal that nobody has open any more
        pass
    os.close(descriptor)
    return said.decode()
