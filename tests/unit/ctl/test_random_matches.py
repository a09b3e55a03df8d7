# SPDX-License-Identifier: GPL-2.0-or-later
"""Random matches of random packets, against a model that reads bytes: each rule counts what it should.

There are enough rules for the classifier, which the model knows nothing of. A run takes about
IPMODD_MATCHES_SECONDS (5) and prints its seed; with IPMODD_MATCHES_SEED it does the same again.
"""
import ipaddress
import os
import random
import re
import time

from ctl import RAW, ipmodctl_raw, summary, write_pcap
from test_random_edits import (DCCP, DESTINATION, FRAGMENT, HOP, ICMP, ICMPV6, ROUTING, SCTP, TCP,
                               UDP, UDPLITE, WITH_PORTS, make_packet, options_of)

PACKETS, RULES = 150, 40
NAMES = {"tcp": TCP, "udp": UDP, "sctp": SCTP, "dccp": DCCP, "udplite": UDPLITE, "icmpv6": ICMPV6}
FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"]
NETWORKS = ["192.0.2.0", "2001:db8:1::", "2001:db8:1:1::"]  # that packets are of; two touch


def list_holds(items, holds):
    """ITEMS: (negated, item); the rule for all lists."""
    positive = [item for negated, item in items if not negated]
    return not any(holds(item) for negated, item in items if negated) and \
        (not positive or any(holds(item) for item in positive))


def some(random_, make):
    """One item or several, some with `!`: (text, [(negated, item)])."""
    items = []
    for _ in range(random_.choice([1, 1, 1, 2, 3, 20])):
        text, item = make(random_)
        items.append((random_.random() < 0.2, text, item))
    return (", ".join("!" * negated + text for negated, text, _ in items),
            [(negated, item) for negated, _, item in items])


def a_range(random_, most):
    first = random_.randint(0, most)
    last = first if random_.random() < 0.5 else random_.randint(first, most)
    return (str(first) if first == last else f"{first}-{last}"), (first, last)


def numbers(get, most, least=0):
    """Of a number that GET finds in a packet; None: the packet has none."""
    def make(random_):
        def item(random_):
            text, (first, last) = a_range(random_, most - least)
            del text
            first, last = first + least, last + least
            return (str(first) if first == last else f"{first}-{last}"), (first, last)
        text, items = some(random_, item)

        def holds(packet):
            number = get(packet)
            return number is not None and list_holds(items, lambda i: i[0] <= number <= i[1])
        return text, holds
    return make


def kinds(get, family, proto, known):
    """Of the kinds of options or headers that a packet has."""
    def make(random_):
        def item(random_):
            name = random_.choice([*known, "any"])
            return name, set(range(256)) if name == "any" else {known[name]}
        text, items = some(random_, item)

        def holds(packet):
            return packet.family in family and packet.proto in proto and \
                list_holds(items, lambda item: bool(item & set(get(packet))))
        return text, holds
    return make


def an_address(random_):
    """(text, family, first, last), around the networks that packets are of."""
    base = int(ipaddress.ip_address(network := random_.choice(NETWORKS)))
    version = ipaddress.ip_address(network).version
    number, kind = base + random_.randrange(6), random_.random()
    name = ipaddress.ip_address
    if kind < 0.2:
        length = random_.choice([0, 24, 31] if version == 4 else [0, 32, 48, 64, 127])
        prefix = ipaddress.ip_network((number, length), strict=False) if version == 6 else \
            ipaddress.ip_network(f"{name(number)}/{length}", strict=False)
        return str(prefix), (version, int(prefix[0]), int(prefix[-1]))
    if kind < 0.4:
        last = number + random_.choice([1, 3, 2 ** 64 if version == 6 else 9])
        return f"{name(number)}-{name(last)}", (version, number, last)
    return str(name(number)), (version, number, number)


def addresses(ends):
    def make(random_):
        text, items = some(random_, an_address)
        families = {item[0] for negated, item in items if not negated} or \
            {item[0] for _, item in items}

        def holds(packet):
            found = [int.from_bytes(packet.ends()[end], "big") for end in ends]
            return packet.family in families and list_holds(items, lambda item: any(
                item[0] == packet.family and item[1] <= number <= item[2] for number in found))
        return text, holds
    return make


def ports(places):
    def make(random_):
        def item(random_):
            if random_.random() < 0.5:
                number = random_.randrange(8)
                return str(number), (number, number)
            return a_range(random_, 65535)
        text, items = some(random_, item)

        def holds(packet):
            found = [packet.field(packet.l4 + place) for place in places]
            return packet.proto in WITH_PORTS and list_holds(
                items, lambda item: any(item[0] <= number <= item[1] for number in found))
        return text, holds
    return make


def protos(random_):
    def item(random_):
        if random_.random() < 0.6:
            name = random_.choice([*NAMES, "icmp"])
            return name, (lambda packet: packet.proto == NAMES[name]) if name != "icmp" else \
                lambda packet: packet.proto == (ICMP if packet.family == 4 else ICMPV6)
        text, (first, last) = a_range(random_, 255)
        return text, lambda packet: first <= packet.proto <= last
    text, items = some(random_, item)
    return text, lambda packet: list_holds(items, lambda holds: holds(packet))


def tcp_flags(random_):
    def item(random_):
        chosen = random_.sample(range(8), random_.randrange(3))
        bits = sum(1 << bit for bit in chosen)
        return ("+".join(FLAGS[bit] for bit in chosen) or "none"), bits
    text, items = some(random_, item)

    def holds(packet):
        if packet.proto != TCP:
            return False
        flags = packet.data[packet.l4 + 13]
        return list_holds(items, lambda bits: flags & bits == bits if bits else flags == 0)
    return text, holds


def named(names, get):
    """Of a number that is written as a name alone."""
    def make(random_):
        def item(random_):
            name = random_.choice(list(names))
            return name, names[name]
        text, items = some(random_, item)

        def holds(packet):
            number = get(packet)
            return number is not None and list_holds(items, lambda i: number in i)
        return text, holds
    return make


def payload(random_):
    needle = bytes(random_.choice(b"abc\0\xff") for _ in range(random_.randint(1, 3)))
    negated, at = random_.random() < 0.3, random_.choice([None, 0, 1, 5])

    def holds(packet):
        data = bytes(packet.data[packet.payload:])
        found = needle in data if at is None else data[at:at + len(needle)] == needle
        return found != negated
    return "!" * negated + f"0x{needle.hex()}" + ("" if at is None else f" @ {at}"), holds


def payload_regex(random_):
    pattern = random_.choice(["^a", "b.c", "[ab]{3}", "c$", "(a|b)c*a", r"\xff\x00", "^[^a]*$"])
    negated = random_.random() < 0.3
    compiled = re.compile(pattern.encode().replace(b"$", rb"(?=\n?\Z)"))

    def holds(packet):
        return bool(compiled.search(bytes(packet.data[packet.payload:]))) != negated
    return "!" * negated + f'"{pattern}"', holds


def tos(packet):
    return packet.data[1] if packet.family == 4 else packet.field(0) >> 4 & 0xff


def ip_options(packet):
    at, end = 20, (packet.data[0] & 15) * 4
    while at < end and packet.data[at] != 0:
        if packet.data[at] == 1:
            at += 1
            continue
        yield packet.data[at]
        at += packet.data[at + 1]


def extension_headers(packet):
    at, kind = 40, packet.data[6]
    while at < packet.l4:
        yield kind
        size = 8 if kind == FRAGMENT else 8 + 8 * packet.data[at + 1]
        kind, at = packet.data[at], at + size


def mss(packet):
    if packet.proto == TCP and packet.data[packet.l4 + 13] & 2:
        for kind, at, _ in options_of(packet):
            if kind == 2:
                return packet.field(at + 2)
    return None


def of_family(family, get):
    return lambda packet: get(packet) if packet.family == family else None


def of_tcp(get):
    return lambda packet: get(packet) if packet.proto == TCP else None


MATCHES = {
    "family": named({"ipv4": [4], "ipv6": [6]}, lambda packet: packet.family),
    "proto": protos, "src": addresses([0]), "dst": addresses([1]), "host": addresses([0, 1]),
    "sport": ports([0]), "dport": ports([2]), "port": ports([0, 2]), "tcp-flags": tcp_flags,
    "ttl": numbers(lambda packet: packet.data[8 if packet.family == 4 else 7], 255),
    "dscp": numbers(lambda packet: tos(packet) >> 2, 63),
    "ecn": named({"not-ect": [0], "ect1": [1], "ect0": [2], "ce": [3]},
                 lambda packet: tos(packet) & 3),
    "df": named({"yes": [True], "no": [False]},
                of_family(4, lambda packet: bool(packet.data[6] & 0x40))),
    "fragment": named({"yes": [1, 2], "no": [0], "first": [1], "later": [2]}, lambda _: 0),
    "length": numbers(lambda packet: len(packet.data), 200, 20),
    "ip-id": numbers(of_family(4, lambda packet: packet.field(4)), 65535),
    "flow-label": numbers(of_family(6, lambda packet: packet.field(0, 4) & 0xfffff), 0xfffff),
    "window": numbers(of_tcp(lambda packet: packet.field(packet.l4 + 14)), 65535),
    "mss": numbers(mss, 65535),
    "ip-option": kinds(ip_options, [4], range(256),
                       {"router-alert": 148, "record-route": 7, "lsrr": 131}),
    "ext-header": kinds(extension_headers, [6], range(256),
                        {"hop-by-hop": HOP, "routing": ROUTING, "fragment": FRAGMENT,
                         "destination": DESTINATION}),
    "tcp-option": kinds(lambda packet: [kind for kind, _, _ in options_of(packet)], [4, 6], [TCP],
                        {"mss": 2, "window-scale": 3, "sack-permitted": 4, "timestamps": 8}),
    "payload": payload, "payload-regex": payload_regex,
}
OFTEN = ["src", "dst", "sport", "dport", "proto"]


def make_rule(random_):
    """(lines, what it holds for)."""
    keys = {random_.choice(OFTEN) if random_.random() < 0.6 else random_.choice(list(MATCHES))
            for _ in range(random_.randint(1, 3))}
    made = {key: MATCHES[key](random_) for key in sorted(keys)}
    return ("".join(f"{key} = {text}\n" for key, (text, _) in made.items()),
            lambda packet: all(holds(packet) for _, holds in made.values()))


def place(packet, random_):
    """Addresses and ports of which rules speak."""
    at, size = (12, 4) if packet.family == 4 else (8, 16)
    for end in range(2):
        network = random_.choice([n for n in NETWORKS if (":" in n) == (packet.family == 6)])
        number = int(ipaddress.ip_address(network)) + random_.randrange(6)
        packet.put(at + end * size, number, size)
        if packet.proto in WITH_PORTS and random_.random() < 0.7:
            packet.put(packet.l4 + 2 * end, random_.randrange(8))
    packet.seal()


def run(seed, directory):
    random_ = random.Random(seed)
    packets = [make_packet(random_) for _ in range(PACKETS)]
    for packet in packets:
        place(packet, random_)
    write_pcap(directory / "in.pcap", [bytes(packet.data) for packet in packets], link=RAW)
    rules = {f"r{number}": make_rule(random_) for number in range(RULES)}
    refused = refused_rules(rules, directory)
    for name in refused:  # because no packet fits them, as they say
        assert not any(map(rules.pop(name)[1], packets)), f"IPMODD_MATCHES_SEED={seed}, {name}"
    write_rules(rules, directory)
    told = summary("replay", "-c", directory / "rules.conf", directory / "in.pcap",
                   directory / "out.pcap")
    for rule in told["rules"]:
        text, holds = rules[rule["name"]]
        wanted = [number for number, packet in enumerate(packets) if holds(packet)]
        assert rule["packets"] == len(wanted), \
            f"IPMODD_MATCHES_SEED={seed}, {rule['name']} {wanted}:\n{text}"


def write_rules(rules, directory):
    (directory / "rules.conf").write_text(
        "".join(f"[rule {name}]\n{text}" for name, (text, _) in rules.items()))


def refused_rules(rules, directory):
    """Names of those that --check would not have."""
    write_rules(rules, directory)
    done = ipmodctl_raw("replay", "-c", directory / "rules.conf", directory / "in.pcap",
                        directory / "out.pcap")
    assert done.returncode in (0, 1), done.stderr
    lines = [line for line in done.stderr.splitlines() if "warning: " not in line]
    assert all("no packet fits" in line or "never holds" in line for line in lines), done.stderr
    return {re.search(r"\[rule (r\d+)\]", line)[1] for line in lines}


def test_matches_hold_for_what_they_say(tmp_path):
    given = os.environ.get("IPMODD_MATCHES_SEED")
    seed = int(given) if given else random.SystemRandom().getrandbits(32)
    end = time.monotonic() + float(os.environ.get("IPMODD_MATCHES_SECONDS", "5"))
    print(f"first seed {seed}")
    first = seed
    while seed == first or (not given and time.monotonic() < end):
        run(seed, tmp_path)
        seed += 1
    print(f"{(seed - first) * RULES} rules, {(seed - first) * PACKETS} packets")
