# SPDX-License-Identifier: GPL-2.0-or-later
"""Random edits of random packets, against a model that edits bytes and sums up all of them anew.

Packets have options, extension headers and every protocol with a checksum; some checksums are
wrong, some not there, and some come out as zero. What ipmodctl does by difference must be what the
model does by letter: a right checksum right again, a wrong one wrong by as much as before.

A run takes about IPMODD_EDITS_SECONDS (5) and prints its seed; with IPMODD_EDITS_SEED it does the
same again.
"""
import os
import random
import socket
import struct
import time

from ctl import RAW, frames_of, ipmodctl, write_pcap

ICMP, TCP, UDP, DCCP, ICMPV6, SCTP, UDPLITE = 1, 6, 17, 33, 58, 132, 136
HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
CHECKSUM_AT = {ICMP: 2, TCP: 16, UDP: 6, DCCP: 6, ICMPV6: 2, UDPLITE: 6, SCTP: 8}
ZERO_IS_NONE = (UDP, UDPLITE)
WITH_PORTS = (TCP, UDP, DCCP, SCTP, UDPLITE)
PACKETS = 200  # of each set of rules


def words_of(data):
    data = bytes(data) + bytes(len(data) % 2)
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def fold(number):
    """In one's complement, where 0 and 0xffff are the same: 1 to 0xffff."""
    return (number - 1) % 0xffff + 1


def crc_of_byte(crc):
    for _ in range(8):
        crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc


CRC_OF_BYTES = [crc_of_byte(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC_OF_BYTES[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


class Packet:
    """Bytes, and where things are in them."""

    def __init__(self, data, l4, proto, payload, hidden):
        self.data, self.l4, self.proto, self.payload = bytearray(data), l4, proto, payload
        self.family = data[0] >> 4
        self.hidden = hidden  # source and destination that checksums cover instead, or None

    def copy(self):
        return Packet(self.data, self.l4, self.proto, self.payload, self.hidden)

    def ends(self):
        """Source and destination."""
        at, size = (12, 4) if self.family == 4 else (8, 16)
        return self.data[at:at + size], self.data[at + size:at + 2 * size]

    def addresses(self):
        """Those that checksums cover."""
        src, dst = self.ends()
        return self.hidden[0] or src, self.hidden[1] or dst

    def covered(self):
        """What the checksum of the upper layer is over, the field as zero."""
        segment = bytearray(self.data[self.l4:])
        size = len(segment)
        if self.proto in (UDP, UDPLITE):
            size = struct.unpack_from("!H", segment, 4)[0] or size
        elif self.proto == DCCP and segment[5] & 15:
            size = segment[4] * 4 + (segment[5] % 16 - 1) * 4
        at = CHECKSUM_AT[self.proto]
        segment[at:at + (4 if self.proto == SCTP else 2)] = bytes(4 if self.proto == SCTP else 2)
        return bytes(segment[:size])

    def sum(self):
        """Of all that the checksum covers; of SCTP the CRC."""
        covered = self.covered()
        if self.proto == SCTP:
            return crc32c(covered)
        total = words_of(covered)
        if self.proto != ICMP:
            length = len(covered) if self.proto == UDP else len(self.data) - self.l4
            total += sum(words_of(address) for address in self.addresses()) + self.proto + length
        return fold(total)

    def header_sum(self):
        header = bytearray(self.data[:(self.data[0] & 15) * 4])
        header[10:12] = bytes(2)
        return fold(words_of(header))

    def field(self, at, size=2):
        return int.from_bytes(self.data[at:at + size], "big")

    def put(self, at, value, size=2):
        self.data[at:at + size] = value.to_bytes(size, "big")

    def seal(self):
        """Right checksums, as they are sent."""
        if self.family == 4:
            self.put(10, 0xffff - self.header_sum())
        at = self.l4 + CHECKSUM_AT[self.proto]
        if self.proto == SCTP:
            self.data[at:at + 4] = struct.pack("<I", self.sum())
            return
        checksum = 0xffff - self.sum()
        self.put(at, 0xffff if checksum == 0 and self.proto in ZERO_IS_NONE else checksum)


def extension(following, kind, random_):
    """(bytes, home address of the source, last stop of a route that is under way)."""
    if kind == FRAGMENT:  # an atomic one: all of the datagram
        return bytes([following, 0, 0, 0]) + random_.randbytes(4), None, None
    if kind == ROUTING:
        stops, left = [random_.randbytes(16) for _ in range(2)], random_.randrange(3)
        return (bytes([following, 4, 0, left]) + bytes(4) + b"".join(stops), None,
                stops[-1] if left else None)
    if kind == DESTINATION and random_.random() < 0.5:
        home = random_.randbytes(16)  # RFC 6275 6.3
        return bytes([following, 2, 1, 2, 0, 0, 201, 16]) + home, home, None
    return bytes([following, 1, 1, 12]) + bytes(12), None, None


def route4(random_):
    """A loose source route: (option, the last stop if it is under way)."""
    stops, pointer = [random_.randbytes(4) for _ in range(2)], random_.choice([4, 8, 12])
    return bytes([131, 11, pointer]) + b"".join(stops), stops[-1] if pointer < 12 else None


def ip6_header(proto, random_):
    """(bytes, addresses that checksums cover instead of those in them)."""
    chain, following, hidden = b"", proto, (None, None)
    for kind in (DESTINATION, FRAGMENT, ROUTING, DESTINATION, HOP):  # from the last to the first
        if random_.random() < 0.2:
            part, home, stop = extension(following, kind, random_)
            chain, following = part + chain, kind
            hidden = hidden[0] or home, hidden[1] or stop
    first = 6 << 28 | random_.getrandbits(28)
    src, dst = (b"\x20\x01" + random_.randbytes(14) for _ in range(2))
    return struct.pack("!IHBB", first, 0, following, random_.randrange(256)) + src + dst + chain, hidden


def ip4_header(proto, random_):
    """Likewise."""
    options, stop = b"", None
    if random_.random() < 0.4:
        options, stop = random_.choice([
            (b"\x94\x04\0\0", None), (b"\x07\x07\x04" + bytes(4), None), (b"\1\1\1\0", None),
            route4(random_)])
        options += bytes(-len(options) % 4)
    src, dst = (bytes([random_.randrange(1, 224)]) + random_.randbytes(3) for _ in range(2))
    return (struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, random_.randrange(256), 0,
                        random_.randrange(65536), random_.choice([0, 0x4000]),
                        random_.randrange(256), proto, 0) + src + dst + options, (None, stop))


def tcp_options(random_):
    """Any order, padded to words."""
    known = [b"\2\4" + random_.randbytes(2), b"\3\3\7", b"\4\2", b"\x08\x0a" + random_.randbytes(8),
             b"\1", b"\x22\4" + random_.randbytes(2)]
    chosen = b"".join(random_.sample(known, random_.randrange(len(known) + 1)))
    return chosen + bytes(-len(chosen) % 4)


def l4_header(proto, random_, size):
    """In front of SIZE bytes of payload."""
    ports = random_.randbytes(4)
    if proto == TCP:
        options = tcp_options(random_)
        return (ports + random_.randbytes(8) + bytes([(20 + len(options)) << 2,
                random_.randrange(256)]) + random_.randbytes(2) + bytes(2) + random_.randbytes(2) +
                options)
    if proto == UDP:
        return ports + struct.pack("!HH", 8 + size, 0)
    if proto == UDPLITE:
        return ports + struct.pack("!HH", random_.choice([0, 8, 8 + size, 8 + size // 2]), 0)
    if proto == DCCP:
        coverage = random_.choice([0, 1, 1 + size // 4 // 2])
        return ports + bytes([4, coverage, 0, 0, 1 << 1]) + random_.randbytes(7)
    if proto == SCTP:
        return ports + random_.randbytes(4) + bytes(4)
    return bytes([random_.randrange(256) for _ in range(2)]) + bytes(2) + random_.randbytes(4)


def make_packet(random_):
    family = random_.choice([4, 6])
    proto = random_.choice([ICMP if family == 4 else ICMPV6, TCP, TCP, UDP, UDP, DCCP, SCTP,
                            UDPLITE])
    payload = bytes(random_.choice(b"abc\0\xff") for _ in range(random_.randrange(0, 60)))
    head, hidden = (ip4_header if family == 4 else ip6_header)(proto, random_)
    header = l4_header(proto, random_, len(payload))
    data = bytearray(head + header + payload)
    struct.pack_into("!H", data, 2 if family == 4 else 4,
                     len(data) - (0 if family == 4 else 40))
    packet = Packet(data, len(head), proto, len(head) + len(header), hidden)
    packet.seal()
    return packet


def spoil(packet, random_):
    """Now and then a checksum that is wrong, or none."""
    at, kind = packet.l4 + CHECKSUM_AT[packet.proto], random_.random()
    if kind < 0.1 and packet.proto in ZERO_IS_NONE + (SCTP,):
        packet.put(at, 0, 4 if packet.proto == SCTP else 2)
    elif kind < 0.3:
        packet.data[at + random_.randrange(2)] ^= 1 << random_.randrange(8)
    if packet.family == 4 and random_.random() < 0.1:
        packet.data[10 + random_.randrange(2)] ^= 1 << random_.randrange(8)


def arithmetic(random_, low, high):
    """(text, what it makes of a number)."""
    number = random_.randint(low, high)
    sign, change = random_.choice([
        ("", lambda old: number), ("+", lambda old: old + number), ("-", lambda old: old - number),
        ("min ", lambda old: max(old, number)), ("max ", lambda old: min(old, number))])
    return f"{sign}{number}", lambda old: min(max(change(old), low), high)


def edit_ttl(random_):
    text, change = arithmetic(random_, 1, 254)

    def edit(packet):
        at = 8 if packet.family == 4 else 7
        packet.data[at] = change(packet.data[at])
    return text, edit


def edit_tos(random_, keep, shift, most):
    number = random_.randint(0, most)

    def edit(packet):
        if packet.family == 4:
            packet.data[1] = packet.data[1] & keep | number << shift
        else:
            tos = packet.field(0) >> 4 & 0xff & keep | number << shift
            packet.put(0, packet.field(0) & 0xf00f | tos << 4)
    return str(number), edit


def edit_dscp(random_):
    return edit_tos(random_, 3, 2, 63)


def edit_ecn(random_):
    text, edit = edit_tos(random_, 0xfc, 0, 3)
    return text, edit


def edit_df(random_):
    value = random_.choice(["yes", "no"])

    def edit(packet):
        if packet.family == 4:
            packet.put(6, packet.field(6) & 0xbfff | (0x4000 if value == "yes" else 0))
    return value, edit


def edit_ip_id(random_):
    text, change = arithmetic(random_, 0, 65535)

    def edit(packet):
        if packet.family == 4:
            packet.put(4, change(packet.field(4)))
    return text, edit


def edit_flow_label(random_):
    text, change = arithmetic(random_, 0, 0xfffff)

    def edit(packet):
        if packet.family == 6:
            word = packet.field(0, 4)
            packet.put(0, word & 0xfff00000 | change(word & 0xfffff), 4)
    return text, edit


def edit_address(random_, end):
    family = random_.choice([4, 6])
    address = random_.randbytes(4 if family == 4 else 16)

    def edit(packet):
        if packet.family == family:
            at = (12 if family == 4 else 8) + end * len(address)
            packet.data[at:at + len(address)] = address
    return socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, address), edit


def edit_src(random_):
    return edit_address(random_, 0)


def edit_dst(random_):
    return edit_address(random_, 1)


def edit_port(random_, end):
    text, change = arithmetic(random_, 0, 65535)

    def edit(packet):
        if packet.proto in WITH_PORTS:
            at = packet.l4 + 2 * end
            packet.put(at, change(packet.field(at)))
    return text, edit


def edit_sport(random_):
    return edit_port(random_, 0)


def edit_dport(random_):
    return edit_port(random_, 1)


def edit_window(random_):
    text, change = arithmetic(random_, 0, 65535)

    def edit(packet):
        if packet.proto == TCP:
            packet.put(packet.l4 + 14, change(packet.field(packet.l4 + 14)))
    return text, edit


FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"]


def edit_tcp_flags(random_):
    chosen = random_.sample(range(8), 3)
    text = f"+{FLAGS[chosen[0]]}, -{FLAGS[chosen[1]]}, +{FLAGS[chosen[2]]}"

    def edit(packet):
        if packet.proto == TCP:
            packet.data[packet.l4 + 13] |= 1 << chosen[0] | 1 << chosen[2]
            packet.data[packet.l4 + 13] &= 0xff ^ 1 << chosen[1]
    return text, edit


def options_of(packet):
    """(kind, place, size) of each option of a TCP header that has a value."""
    at = packet.l4 + 20
    while at < packet.payload and packet.data[at] != 0:
        if packet.data[at] == 1:
            at += 1
            continue
        yield packet.data[at], at, packet.data[at + 1]
        at += packet.data[at + 1]


def edit_mss(random_):
    text, change = arithmetic(random_, 1, 65535)

    def edit(packet):
        if packet.proto == TCP and packet.data[packet.l4 + 13] & 2:
            for kind, at, _ in options_of(packet):
                if kind == 2:
                    packet.put(at + 2, change(packet.field(at + 2)))
    return text, edit


def edit_strip(random_):
    kinds = random_.sample([2, 3, 4, 8, 34], 2)

    def edit(packet):
        if packet.proto == TCP:
            for kind, at, size in list(options_of(packet)):
                if kind in kinds:
                    packet.data[at:at + size] = b"\1" * size
    return ", ".join(map(str, kinds)), edit


def edit_payload(random_):
    new, at = random_.randbytes(random_.randint(1, 9)), random_.randrange(40)

    def edit(packet):
        if packet.payload + at + len(new) <= len(packet.data):
            packet.data[packet.payload + at:packet.payload + at + len(new)] = new
    return f"0x{new.hex()} @ {at}", edit


def edit_replace(random_):
    size = random_.randint(1, 2)
    old, new = (bytes(random_.choice(b"abc\0\xff") for _ in range(size)) for _ in range(2))

    def edit(packet):
        payload = bytes(packet.data[packet.payload:])
        packet.data[packet.payload:] = payload.replace(old, new)
    return f"0x{old.hex()} -> 0x{new.hex()}", edit


EDITS = {
    "set-ttl": edit_ttl, "set-dscp": edit_dscp, "set-ecn": edit_ecn, "set-df": edit_df,
    "set-ip-id": edit_ip_id, "set-flow-label": edit_flow_label, "set-src": edit_src,
    "set-dst": edit_dst, "set-sport": edit_sport, "set-dport": edit_dport,
    "set-window": edit_window, "set-tcp-flags": edit_tcp_flags, "set-mss": edit_mss,
    "strip-tcp-option": edit_strip, "set-payload": edit_payload, "replace": edit_replace,
}


def make_rules(random_):
    """(configuration, edits in its order): a rule for each, since some are for one family."""
    text, edits = "", []
    for key in random_.choices(list(EDITS), k=random_.randint(1, 6)):
        value, edit = EDITS[key](random_)
        text += f"[rule r{len(edits)}]\n{key} = {value}\n"
        edits.append(edit)
    return text, edits


def edited(packet, edits):
    """What the model makes of it, with the checksums still to be judged."""
    after = packet.copy()
    for edit in edits:
        edit(after)
    return after


def bring_zero_out(packet, edits):
    """Changes the payload so that the checksum after EDITS is zero, if they leave its end alone."""
    if packet.proto == SCTP or (len(packet.data) - packet.l4) % 2 or \
            len(packet.data) < packet.payload + 2:
        return
    old = packet.field(len(packet.data) - 2)
    after = edited(packet, edits)
    packet.put(len(packet.data) - 2, fold(old + 0xffff - after.sum()) % 0x10000)
    packet.seal()


def check_checksum(before, after, got, field, total):
    """FIELD and TOTAL say of a packet what the checksum is and what the sum."""
    old = field(before)
    if old == 0xffff - total(before):
        assert field(got) == 0xffff - total(after)
    else:
        assert fold(field(got) + total(after)) == fold(old + total(before))


def check_l4(before, after, got):
    at = before.l4 + CHECKSUM_AT[before.proto]
    if before.proto == SCTP:
        old, new = (struct.unpack_from("<I", packet.data, at)[0] for packet in (before, got))
        assert new == (old and old ^ before.sum() ^ after.sum())
        return
    old = before.field(at)
    if before.proto in ZERO_IS_NONE and old == 0:
        assert got.field(at) == 0
        return
    if old == (0xffff - before.sum() or (0xffff if before.proto in ZERO_IS_NONE else 0)):
        after = after.copy()
        after.seal()
        assert got.field(at) == after.field(at)
    else:
        assert fold(got.field(at) + after.sum()) == fold(old + before.sum())
        assert before.proto not in ZERO_IS_NONE or got.field(at) != 0


def check(before, edits, data):
    after, got = edited(before, edits), before.copy()
    got.data = bytearray(data)
    check_l4(before, after, got)
    if before.family == 4:
        check_checksum(before, after, got, lambda packet: packet.field(10), Packet.header_sum)
    for packet in (after, got):
        at = packet.l4 + CHECKSUM_AT[packet.proto]
        packet.data[at:at + (4 if packet.proto == SCTP else 2)] = b""
        if packet.family == 4:
            packet.data[10:12] = b""
    assert got.data == after.data


def run(seed, directory):
    random_ = random.Random(seed)
    text, edits = make_rules(random_)
    packets = [make_packet(random_) for _ in range(PACKETS)]
    for packet in packets:
        if random_.random() < 0.2:
            bring_zero_out(packet, edits)
        spoil(packet, random_)
    (directory / "rules.conf").write_text(text)
    write_pcap(directory / "in.pcap", [bytes(packet.data) for packet in packets], link=RAW)
    ipmodctl("replay", "-c", directory / "rules.conf", directory / "in.pcap",
             directory / "out.pcap")
    out = frames_of(directory / "out.pcap")
    assert len(out) == len(packets)
    for number, (packet, data) in enumerate(zip(packets, out)):
        try:
            check(packet, edits, data)
        except AssertionError as error:
            raise AssertionError(
                f"IPMODD_EDITS_SEED={seed}, packet {number}, rules:\n{text}\n"
                f"in:  {packet.data.hex()}\nout: {data.hex()}") from error


def test_edits_by_difference_are_edits_by_letter(tmp_path):
    given = os.environ.get("IPMODD_EDITS_SEED")
    seed = int(given) if given else random.SystemRandom().getrandbits(32)
    end = time.monotonic() + float(os.environ.get("IPMODD_EDITS_SECONDS", "5"))
    print(f"first seed {seed}")
    first = seed
    while seed == first or (not given and time.monotonic() < end):
        run(seed, tmp_path)
        seed += 1
    print(f"{(seed - first) * PACKETS} packets")
