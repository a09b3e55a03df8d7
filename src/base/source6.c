/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The choice among IPv6 source addresses (RFC 6724 section 5), as Linux makes it for a packet that
 * it masquerades: all addresses of the host compete, those of the outgoing device win by rule 5.
 */
#include "host_view_ways.h"
#include "ipmodd/base/macro.h"

#include <string.h>

struct label {
    struct ip_prefix prefix;
    int label;
};

/* RFC 6724 section 2.1, in the order of the longest match, with those that Linux has beside it. */
static const struct label labels[] = {
    {{{FAMILY_IPV6, {[15] = 1}}, 128}, 0},
    {{{FAMILY_IPV6, {[10] = 0xff, 0xff}}, 96}, 4},
    {{{FAMILY_IPV6, {0}}, 96}, 3},
    {{{FAMILY_IPV6, {0x20, 0x01}}, 32}, 6},
    {{{FAMILY_IPV6, {0x20, 0x01, 0x00, 0x10}}, 28}, 7},
    {{{FAMILY_IPV6, {0x20, 0x02}}, 16}, 2},
    {{{FAMILY_IPV6, {0x3f, 0xfe}}, 16}, 12},
    {{{FAMILY_IPV6, {0xfe, 0xc0}}, 10}, 11},
    {{{FAMILY_IPV6, {0xfc}}, 7}, 5},
    {{{FAMILY_IPV6, {0}}, 0}, 1},
};

static int label_of(const uint8_t *bytes)
{
    size_t i = 0;

    while (!ip_prefix_covers_bytes(&labels[i].prefix, bytes))
        i++; /* the last one covers everything */
    return labels[i].label;
}

/* RFC 4291 2.7 numbers, for unicast: site-local or global. */
static int scope_of(const uint8_t *bytes)
{
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0 ? 0x5 : 0xe;
}

/* 2001:10::/28 (RFC 4843). */
static bool is_orchid(const uint8_t *bytes)
{
    return label_of(bytes) == 7;
}

static int common_bits(const uint8_t *a, const uint8_t *b, int limit)
{
    int bits = 0;

    while (bits < limit && ((a[bits / 8] ^ b[bits / 8]) & 0x80u >> bits % 8) == 0)
        bits++;
    return bits;
}

/* Rule 2: of those that reach far enough the nearest; of the others the farthest. */
static int scope_merit(int source, int destination)
{
    return source >= destination ? -source : source - 128;
}

enum {
    RULE_SAME,      /* 1 */
    RULE_SCOPE,     /* 2 */
    RULE_PREFERRED, /* 3: not deprecated */
    RULE_INTERFACE, /* 5 */
    RULE_LABEL,     /* 6 */
    RULE_TEMPORARY, /* 7: as the device prefers */
    RULE_ORCHID,    /* of RFC 3484's successors, in Linux between 7 and 8 */
    RULE_LONGEST,   /* 8 */
    RULE_COUNT,
};

/* How well SOURCE does by each rule; more is better, and an earlier rule decides. */
static void judge(const struct host_source *source, uint32_t ifindex, const uint8_t *dst,
                  int ret_merits[static RULE_COUNT])
{
    const uint8_t *bytes = source->addr.bytes;

    ret_merits[RULE_SAME] = memcmp(bytes, dst, 16) == 0;
    ret_merits[RULE_SCOPE] = scope_merit(scope_of(bytes), scope_of(dst));
    ret_merits[RULE_PREFERRED] = !source->deprecated;
    ret_merits[RULE_INTERFACE] = source->ifindex == ifindex;
    ret_merits[RULE_LABEL] = label_of(bytes) == label_of(dst);
    ret_merits[RULE_TEMPORARY] = source->temporary == source->wants_temporary;
    ret_merits[RULE_ORCHID] = is_orchid(bytes) == is_orchid(dst);
    ret_merits[RULE_LONGEST] = common_bits(bytes, dst, source->subnet.len);
}

static bool is_better(const int a[static RULE_COUNT], const int b[static RULE_COUNT])
{
    for (size_t rule = 0; rule < RULE_COUNT; rule++) {
        if (a[rule] != b[rule])
            return a[rule] > b[rule];
    }
    return false;
}

const struct host_source *source6_best(const struct host_view *view, uint32_t ifindex,
                                       const uint8_t *dst_wire)
{
    const struct host_source *best = NULL;
    int best_merits[RULE_COUNT] = {0}, merits[RULE_COUNT];

    for (size_t i = 0; i < view->source_count; i++) {
        const struct host_source *source = &view->sources[i];

        if (source->addr.family != FAMILY_IPV6)
            continue;
        judge(source, ifindex, dst_wire, merits);
        if (best != NULL && !is_better(merits, best_merits))
            continue;
        best = source;
        memcpy(best_merits, merits, sizeof(merits));
    }
    return best;
}
