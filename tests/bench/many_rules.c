/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules with the shape of real ones, and packets that they hold for. */
#include "many_rules.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD = 32, NETWORKS = 400 };

static size_t below(struct rng *rng, size_t bound)
{
    return (size_t)(rng_u64(rng) % bound);
}

static bool chance(struct rng *rng, unsigned percent)
{
    return below(rng, 100) < percent;
}

static void fill_random(uint8_t *bytes, size_t count, struct rng *rng)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)rng_u64(rng);
}

/* Lengths of prefixes by how often they occur. */
static const struct {
    uint8_t length, percent;
} lengths[FAMILY_COUNT][6] = {
    [FAMILY_IPV4] = {{32, 45}, {28, 12}, {24, 23}, {22, 5}, {20, 5}, {16, 10}},
    [FAMILY_IPV6] = {{128, 35}, {64, 35}, {56, 10}, {48, 10}, {40, 5}, {32, 5}},
};

static uint8_t pick_length(enum ip_family family, struct rng *rng)
{
    size_t dice = below(rng, 100), i = 0;

    while (dice >= lengths[family][i].percent)
        dice -= lengths[family][i++].percent;
    return lengths[family][i].length;
}

/* In one of a few networks, which a seed of its own draws the same way each time. */
static struct ip_prefix make_prefix(enum ip_family family, unsigned open_percent, struct rng *rng)
{
    struct rng network = rng_make(below(rng, NETWORKS));
    struct ip_prefix prefix = {.addr = {.family = family}, .len = pick_length(family, rng)};
    size_t network_bytes = family == FAMILY_IPV4 ? 2 : 4;

    if (chance(rng, open_percent))
        prefix.len = 0;
    fill_random(prefix.addr.bytes, network_bytes, &network);
    if (family == FAMILY_IPV4)
        prefix.addr.bytes[0] = (uint8_t)(1 + prefix.addr.bytes[0] % 126);
    else
        prefix.addr.bytes[0] = 0x20;
    /* Not all bits behind it are drawn freely, so that prefixes share their beginnings. */
    prefix.addr.bytes[network_bytes] = (uint8_t)below(rng, 16);
    fill_random(&prefix.addr.bytes[network_bytes + 1], IP_ADDR_BYTES(family) - network_bytes - 1,
                rng);
    return ip_prefix_network(&prefix);
}

static struct port_range make_ports(unsigned open, unsigned exact, struct rng *rng)
{
    static const uint16_t services[] = {20,   21,   22,   23,   25,   53,   80,   110,
                                        123,  143,  161,  179,  389,  443,  445,  514,
                                        587,  636,  993,  995,  1433, 1521, 1723, 2049,
                                        3128, 3306, 3389, 5060, 5432, 5900, 8080, 8443};
    size_t dice = below(rng, 100);
    uint16_t first = (uint16_t)(1 + below(rng, 60000));

    if (dice < open)
        return (struct port_range){0, UINT16_MAX};
    if (dice < open + exact) {
        uint16_t port = chance(rng, 75) ? services[below(rng, ARRAY_SIZE(services))] : first;

        return (struct port_range){port, port};
    }
    if (chance(rng, 50))
        return (struct port_range){1024, UINT16_MAX};
    return (struct port_range){first, (uint16_t)(first + below(rng, 2000))};
}

static uint8_t make_proto(struct rng *rng)
{
    size_t dice = below(rng, 100);

    if (dice < 65)
        return IPPROTO_TCP;
    return dice < 90 ? IPPROTO_UDP : 0;
}

static struct many_rule make_rule(struct rng *rng)
{
    enum ip_family family = chance(rng, 60) ? FAMILY_IPV4 : FAMILY_IPV6;
    size_t kind = below(rng, 100);
    struct many_rule rule = {.proto = make_proto(rng)};

    if (kind < 50) {
        rule.src = make_prefix(family, 25, rng);
        rule.dst = make_prefix(family, 2, rng);
        rule.sport = make_ports(97, 1, rng);
        rule.dport = make_ports(15, 65, rng);
    } else if (kind < 75) {
        rule.src = make_prefix(family, 55, rng);
        rule.dst = make_prefix(family, 45, rng);
        rule.sport = make_ports(75, 5, rng);
        rule.dport = make_ports(15, 60, rng);
    } else {
        rule.src = make_prefix(family, 4, rng);
        rule.dst = make_prefix(family, 4, rng);
        rule.sport = make_ports(60, 30, rng);
        rule.dport = make_ports(30, 55, rng);
    }
    /* A rule without any address would hold for a great part of all packets: a few of those. */
    if (rule.src.len == 0 && rule.dst.len == 0 && !chance(rng, 5))
        rule.dst = make_prefix(family, 0, rng);
    if (rule.proto == 0)
        rule.sport = rule.dport = (struct port_range){0, UINT16_MAX};
    return rule;
}

/* How narrow a prefix is, the same for a network or a host of either family. */
static unsigned depth(const struct ip_prefix *prefix)
{
    return prefix->len * 128u / IP_ADDR_BITS(prefix->addr.family);
}

static bool is_open(const struct port_range *ports)
{
    return ports->first == 0 && ports->last == UINT16_MAX;
}

static int compare_rules(const void *a, const void *b)
{
    const struct many_rule *left = a, *right = b;
    unsigned left_depth = depth(&left->src) + depth(&left->dst);
    unsigned right_depth = depth(&right->src) + depth(&right->dst);

    if (left_depth != right_depth)
        return left_depth > right_depth ? -1 : 1;
    return (int)is_open(&left->dport) - (int)is_open(&right->dport);
}

void many_rules_make(struct many_rule *rules, size_t count, struct rng *rng)
{
    for (size_t i = 0; i < count; i++)
        rules[i] = make_rule(rng);
    qsort(rules, count, sizeof(*rules), compare_rules);
}

static void write_ports(const char *key, const struct port_range *ports, FILE *out)
{
    if (is_open(ports))
        return;
    if (ports->first == ports->last)
        fprintf(out, "%s = %" PRIu16 "\n", key, ports->first);
    else
        fprintf(out, "%s = %" PRIu16 "-%" PRIu16 "\n", key, ports->first, ports->last);
}

void many_rules_write(const struct many_rule *rules, size_t count, FILE *out)
{
    char text[IP_PREFIX_TEXT];

    for (size_t i = 0; i < count; i++) {
        fprintf(out, "[rule r%zu]\n", i);
        fprintf(out, "src = %s\n", ip_prefix_format(&rules[i].src, text));
        fprintf(out, "dst = %s\n", ip_prefix_format(&rules[i].dst, text));
        if (rules[i].proto != 0)
            fprintf(out, "proto = %s\n", rules[i].proto == IPPROTO_TCP ? "tcp" : "udp");
        write_ports("sport", &rules[i].sport, out);
        write_ports("dport", &rules[i].dport, out);
        fputs("set-dscp = ef\nverdict = accept\n", out);
    }
}

static void draw_address(const struct ip_prefix *prefix, struct rng *rng, uint8_t *bytes)
{
    uint8_t random[16];
    size_t count = IP_ADDR_BYTES(prefix->addr.family);

    fill_random(random, count, rng);
    for (size_t i = 0; i < count; i++) {
        unsigned bits = prefix->len > 8 * i ? (unsigned)MIN_OF(prefix->len - 8 * i, (size_t)8) : 0;
        uint8_t mask = (uint8_t)(0xff00u >> bits);

        bytes[i] = (uint8_t)((prefix->addr.bytes[i] & mask) | (random[i] & ~mask));
    }
}

static uint16_t draw_port(const struct port_range *ports, struct rng *rng)
{
    return (uint16_t)(ports->first + below(rng, (size_t)(ports->last - ports->first) + 1));
}

static size_t put_l4(const struct many_rule *rule, uint8_t proto, struct rng *rng, uint8_t *bytes)
{
    size_t header = proto == IPPROTO_TCP ? (size_t)TCP_HEADER_MIN : (size_t)UDP_HEADER;

    memset(bytes, 0, header + PAYLOAD);
    be16_store(bytes + UDP_SPORT, draw_port(&rule->sport, rng));
    be16_store(bytes + UDP_DPORT, draw_port(&rule->dport, rng));
    if (proto == IPPROTO_TCP) {
        bytes[TCP_DATA_OFFSET] = TCP_HEADER_MIN / 4 << 4;
        bytes[TCP_FLAGS] = TCP_FLAG_ACK;
    } else {
        be16_store(bytes + UDP_LENGTH, (uint16_t)(header + PAYLOAD));
    }
    return header + PAYLOAD;
}

size_t many_rules_packet(const struct many_rule *rule, struct rng *rng,
                         uint8_t bytes[static MANY_RULES_PACKET_MAX])
{
    bool is_ip4 = rule->src.addr.family == FAMILY_IPV4;
    size_t header = is_ip4 ? (size_t)IP4_HEADER_MIN : (size_t)IP6_HEADER;
    uint8_t proto = rule->proto != 0 ? rule->proto : IPPROTO_UDP;
    size_t length = put_l4(rule, proto, rng, bytes + header);

    memset(bytes, 0, header);
    draw_address(&rule->src, rng, bytes + (is_ip4 ? IP4_SRC : IP6_SRC));
    draw_address(&rule->dst, rng, bytes + (is_ip4 ? IP4_DST : IP6_DST));
    if (is_ip4) {
        bytes[0] = 0x45;
        be16_store(bytes + IP4_TOTAL_LENGTH, (uint16_t)(header + length));
        bytes[IP4_TTL] = 64;
        bytes[IP4_PROTO] = proto;
    } else {
        bytes[0] = 0x60;
        be16_store(bytes + IP6_PAYLOAD_LENGTH, (uint16_t)length);
        bytes[IP6_NEXT_HEADER] = proto;
        bytes[IP6_HOP_LIMIT] = 64;
    }
    return header + length;
}
