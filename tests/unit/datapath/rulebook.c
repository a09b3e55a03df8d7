/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small match and action types for tests. */
#include "rulebook.h"

#include "../unit.h"
#include "ipmodd/datapath/answer.h"
#include "ipmodd/datapath/edit.h"

void *rulebook_value(uintptr_t value)
{
    return (void *)value; /* never followed */
}

static void keep(void *value)
{
    (void)value;
}

static bool test_dport(const void *value, const struct match_context *context,
                       const struct packet *packet)
{
    (void)context;
    return packet_has_ports(packet) && packet_dport(packet) == (uintptr_t)value;
}

static bool test_ttl(const void *value, const struct match_context *context,
                     const struct packet *packet)
{
    (void)context;
    return packet_ttl(packet) == (uintptr_t)value;
}

static bool test_direction(const void *value, const struct match_context *context,
                           const struct packet *packet)
{
    (void)context;
    return packet->direction == (uintptr_t)value;
}

const struct match_type match_dport = {.key = "dport", .free = keep, .test = test_dport};
const struct match_type match_ttl = {.key = "ttl", .free = keep, .test = test_ttl};
const struct match_type match_direction = {
    .key = "direction", .free = keep, .test = test_direction};

static enum step apply_ttl(const void *value, const struct action_context *context,
                           struct packet *packet)
{
    (void)context;
    edit_ttl(packet, (uint8_t)(uintptr_t)value);
    return STEP_NEXT;
}

static enum step apply_dport(const void *value, const struct action_context *context,
                             struct packet *packet)
{
    (void)context;
    edit_dport(packet, (uint16_t)(uintptr_t)value);
    return STEP_NEXT;
}

static enum step apply_dst(const void *value, const struct action_context *context,
                           struct packet *packet)
{
    bool is_ip4 = packet->family == FAMILY_IPV4;
    struct ip_addr addr;

    (void)context;
    assert_int_equal(ip_addr_parse(is_ip4 ? "203.0.113.0" : "2001:db8:cafe::", &addr), 0);
    addr.bytes[is_ip4 ? 3 : 15] = (uint8_t)(uintptr_t)value;
    edit_dst(packet, &addr);
    return STEP_NEXT;
}

static enum step apply_drop(const void *value, const struct action_context *context,
                            struct packet *packet)
{
    (void)value;
    (void)context;
    packet->fate = FATE_DROP;
    packet->reason = REASON_RULE;
    return STEP_END;
}

static enum step apply_accept(const void *value, const struct action_context *context,
                              struct packet *packet)
{
    (void)value;
    (void)context;
    packet->fate = FATE_OUT;
    return STEP_END;
}

static enum step apply_reject(const void *value, const struct action_context *context,
                              struct packet *packet)
{
    answer_reject(context->answerer, packet, (enum reject_kind)(uintptr_t)value);
    return STEP_END;
}

static enum step apply_echo(const void *value, const struct action_context *context,
                            struct packet *packet)
{
    (void)value;
    return answer_echo(context->answerer, packet) ? STEP_END : STEP_NEXT;
}

const struct action_type action_ttl = {.key = "ttl", .free = keep, .apply = apply_ttl};
const struct action_type action_dport = {.key = "dport", .free = keep, .apply = apply_dport};
const struct action_type action_dst = {.key = "dst", .free = keep, .apply = apply_dst};
const struct action_type action_drop = {
    .key = "drop", .free = keep, .apply = apply_drop, .decides = true};
const struct action_type action_accept = {
    .key = "accept", .free = keep, .apply = apply_accept, .decides = true};
const struct action_type action_reject = {
    .key = "reject", .free = keep, .apply = apply_reject, .decides = true};
const struct action_type action_echo = {
    .key = "echo", .free = keep, .apply = apply_echo, .decides = true};

struct rule rulebook_rule(const char *name)
{
    struct rule rule;

    assert_int_equal(rule_init(&rule, name, "test.conf", 1), 0);
    return rule;
}

void rulebook_add(struct ruleset *ruleset, const char *name, const struct match_type *match,
                  uintptr_t match_value, const struct action_type *action, uintptr_t action_value)
{
    struct rule rule = rulebook_rule(name);

    if (match != NULL)
        assert_int_equal(rule_add_match(&rule, match, rulebook_value(match_value)), 0);
    if (action != NULL)
        assert_int_equal(rule_add_action(&rule, action, rulebook_value(action_value)), 0);
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}
