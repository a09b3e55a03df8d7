/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What single rules do that was hardly meant, seen on forged packets. */
#include "rule_lint.h"
#include "rule_reach.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/tcp.h"

#include <netinet/in.h>
#include <string.h>

enum {
    TTL_MAX = 255,
    PROBE_BYTES = IP4_HEADER_MIN + TCP_HEADER_MIN + 4,
    MSS_OPTION = IP4_HEADER_MIN + TCP_HEADER_MIN, /* the one option of the probe */
    SOME_ID = 4660,
};

/* A SYN of IPv4 in memory of its own. */
struct probe {
    uint8_t bytes[PROBE_BYTES];
    struct packet packet;
};

static void probe_init(struct probe *probe, enum direction direction)
{
    uint8_t *tcp = probe->bytes + IP4_HEADER_MIN;

    *probe = (struct probe){.bytes = {[IP4_VERSION_IHL] = 0x45, [IP4_PROTO] = IPPROTO_TCP}};
    probe->packet = (struct packet){
        .data = probe->bytes,
        .length = PROBE_BYTES,
        .capacity = PROBE_BYTES,
        .family = FAMILY_IPV4,
        .proto = IPPROTO_TCP,
        .flags = PACKET_HAS_IP | PACKET_HAS_L4,
        .l4_offset = IP4_HEADER_MIN,
        .payload_offset = PROBE_BYTES,
        .segments = 1,
        .direction = direction,
    };
    be16_store(probe->bytes + IP4_TOTAL_LENGTH, PROBE_BYTES);
    be16_store(probe->bytes + IP4_ID, SOME_ID);
    tcp[TCP_DATA_OFFSET] = (TCP_HEADER_MIN + 4) << 2;
    tcp[TCP_FLAGS] = TCP_FLAG_SYN;
    probe->bytes[MSS_OPTION] = TCP_OPTION_MSS;
    probe->bytes[MSS_OPTION + 1] = 4;
}

/* Whether the matches of RULE that read nothing but FIELDS hold for PROBE. */
static bool holds(const struct rule *rule, field_set fields, const struct probe *probe)
{
    static const struct match_context nothing;

    for (size_t i = 0; i < rule->match_count; i++) {
        const struct match_type *type = rule->matches[i].type;

        if (type->varies || (type->reads & ~fields) != 0)
            continue;
        if (!type->test(rule->matches[i].value, &nothing, &probe->packet))
            return false;
    }
    return true;
}

/* Applies the actions of RULE called KEY, or OTHER if that is not NULL, to PROBE. */
static void apply(const struct rule *rule, const char *key, const char *other, struct probe *probe)
{
    struct rng rng = rng_make(1);
    const struct action_context context = {.rng = &rng};

    for (size_t i = 0; i < rule->action_count; i++) {
        const struct rule_action *action = &rule->actions[i];

        if (strcmp(action->type->key, key) == 0 ||
            (other != NULL && strcmp(action->type->key, other) == 0))
            action->type->apply(action->value, &context, &probe->packet);
    }
}

static bool raises_ttl(const struct rule *rule)
{
    for (unsigned ttl = 1; ttl < TTL_MAX; ttl++) {
        struct probe probe;

        probe_init(&probe, DIRECTION_FORWARD);
        probe.bytes[IP4_TTL] = (uint8_t)ttl;
        if (!holds(rule, FIELD_BIT(FIELD_TTL) | FIELD_BIT(FIELD_DIRECTION), &probe))
            continue;
        apply(rule, "set-ttl", NULL, &probe);
        if (packet_ttl(&probe.packet) > ttl)
            return true;
    }
    return false;
}

/* Sizes that hosts announce, and the ends of the range. */
static const uint16_t announced[] = {1,    88,   216,  536,  1000,  1200,  1220, 1240,
                                     1340, 1360, 1380, 1400, 1420,  1440,  1452, 1460,
                                     2048, 4096, 8940, 8960, 16344, 65483, 65495};

static bool raises_mss(const struct rule *rule)
{
    for (size_t i = 0; i < ARRAY_SIZE(announced); i++) {
        struct probe probe;
        uint16_t mss;

        probe_init(&probe, DIRECTION_FORWARD);
        be16_store(probe.bytes + MSS_OPTION + 2, announced[i]);
        if (!holds(rule, FIELD_BIT(FIELD_TCP_FLAGS) | FIELD_BIT(FIELD_TCP_OPTIONS), &probe))
            continue;
        apply(rule, "set-mss", NULL, &probe);
        if (packet_tcp_mss(&probe.packet, &mss) && mss > announced[i])
            return true;
    }
    return false;
}

static bool clears_df_of_id_0(const struct rule *rule)
{
    struct probe probe;

    probe_init(&probe, DIRECTION_OUT);
    be16_store(probe.bytes + IP4_FRAGMENT, IP4_DF);
    be16_store(probe.bytes + IP4_ID, 0);
    if (!holds(rule, FIELD_BIT(FIELD_DF) | FIELD_BIT(FIELD_IP_ID), &probe))
        return false;
    apply(rule, "set-df", "set-ip-id", &probe);
    return !packet_df(&probe.packet) && packet_ip_id(&probe.packet) == 0;
}

static bool sees(const struct rule *rule, const struct config_divert *divert,
                 enum direction direction)
{
    return (rule_reach_directions(rule, divert) & 1u << direction) != 0;
}

void rule_lint(const struct rule *rule, const struct config_divert *divert,
               const struct section *section, struct report *report)
{
    const struct entry *ttl = section_find_entry(section, "set-ttl");
    const struct entry *mss = section_find_entry(section, "set-mss");
    const struct entry *df = section_find_entry(section, "set-df");
    const struct entry *dst = section_find_entry(section, "set-dst");
    struct place place;

    if (ttl != NULL && sees(rule, divert, DIRECTION_FORWARD) && raises_ttl(rule)) {
        place = entry_place(section, ttl);
        report_warning(report, &place,
                       "may raise the TTL of forwarded packets, and one that circles would never "
                       "end: write max N, or match those with more by ttl");
    }
    if (mss != NULL && raises_mss(rule)) {
        place = entry_place(section, mss);
        report_warning(
            report, &place,
            "may raise the MSS beyond what a host can receive: write max N, or clamp-mss");
    }
    if (df != NULL && clears_df_of_id_0(rule)) {
        place = entry_place(section, df);
        report_warning(report, &place,
                       "clears DF of packets whose identification is 0, and their fragments would "
                       "be mixed up: add set-ip-id = random, or match ip-id = !0");
    }
    if (dst != NULL && sees(rule, divert, DIRECTION_OUT)) {
        place = entry_place(section, dst);
        report_warning(
            report, &place,
            "sends this host's own packets elsewhere, but their answers do not come this "
            "way, so programs get them from an address that they did not ask: write "
            "direction = forward if only packets of others are meant");
    }
}
