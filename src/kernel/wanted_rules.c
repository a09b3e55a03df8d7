/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy rules that should be in the kernel. */
#include "kernel/wanted.h"

#include "kernel/inbound.h"
#include "kernel/rule_list.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int wanted_add_rule(struct wanted *wanted, const struct rule *rule)
{
    struct rule *rules = reallocarray(wanted->rules, wanted->rule_count + 1, sizeof(*rules));

    if (rules == NULL)
        return -ENOMEM;
    wanted->rules = rules;
    rules[wanted->rule_count++] = *rule;
    return 0;
}

static int add_guard_rules(struct wanted *wanted, const struct wanted_input *input,
                           enum ip_family family)
{
    const struct config *config = input->config;
    uint32_t moved = wanted->guard_priority[family];
    struct rule rule = {
        .family = family,
        .priority = moved != 0 ? moved : config->divert.priority,
        .action = RULE_LOOKUP,
        .table = RT_TABLE_MAIN,
        .suppress_group = wanted->tun_group,
    };

    memcpy(rule.iif, config->tun.name, sizeof(rule.iif));
    if (wanted_add_rule(wanted, &rule) < 0)
        return -ENOMEM;
    rule.priority++;
    rule.action = RULE_UNREACHABLE;
    rule.table = 0;
    rule.suppress_group = 0;
    return wanted_add_rule(wanted, &rule);
}

/* A rule that meets the packets of the configured directions. */
static struct rule direction_rule(const struct config *config, enum ip_family family,
                                  uint32_t priority, uint32_t table)
{
    struct rule rule = {
        .family = family,
        .priority = priority,
        .action = RULE_LOOKUP,
        .table = table,
    };

    if ((config->divert.directions & DIRECTIONS_FORWARD) == 0 ||
        (config->divert.directions & DIRECTIONS_OUT) == 0)
        strcpy(rule.iif, "lo");
    rule.invert = (config->divert.directions & DIRECTIONS_OUT) == 0;
    return rule;
}

/* IPsec packets: see xfrm.h. */
static int add_xfrm_rules(struct wanted *wanted, const struct rule *plain)
{
    struct rule rule = *plain;
    int r;

    rule.proto = IPPROTO_ESP;
    r = wanted_add_rule(wanted, &rule);
    rule.proto = IPPROTO_AH;
    return r < 0 ? r : wanted_add_rule(wanted, &rule);
}

static int add_exclusion_rules(struct wanted *wanted, const struct wanted_input *input,
                               enum ip_family family)
{
    const struct config *config = input->config;
    const struct config_divert *divert = &config->divert;
    const struct rule plain =
        direction_rule(config, family, divert->divert_priority - 1, RT_TABLE_MAIN);
    int r = 0;

    for (size_t i = 0; i < divert->exclude_uid_count && r == 0; i++) {
        struct rule rule = plain;

        /* A forwarded packet counts as root's; only this host's own have an owner. */
        strcpy(rule.iif, "lo");
        rule.invert = false;
        rule.has_uids = true;
        rule.uids = divert->exclude_uids[i];
        r = wanted_add_rule(wanted, &rule);
    }
    for (size_t i = 0; i < divert->exclude_port_count && r == 0; i++) {
        struct rule rule = plain;

        rule.proto = divert->exclude_ports[i].proto;
        rule.port_first = divert->exclude_ports[i].first;
        rule.port_last = divert->exclude_ports[i].last;
        r = wanted_add_rule(wanted, &rule);
    }
    if (r == 0 && input->snapshot->has_xfrm)
        r = add_xfrm_rules(wanted, &plain);
    if (r == 0 && divert->mirror == MIRROR_DEFAULT) {
        struct rule rule = plain;

        rule.suppress_default = true;
        r = wanted_add_rule(wanted, &rule);
    }
    return r;
}

/* One that meets what is sent, and with a list of devices one for each that packets come by. */
static int add_divert_rules(struct wanted *wanted, const struct wanted_input *input,
                            enum ip_family family)
{
    const struct config_divert *divert = &input->config->divert;
    struct rule rule =
        direction_rule(input->config, family, divert->divert_priority, divert->table);
    int r = 0;

    if (divert->interface_count == 0)
        return wanted_add_rule(wanted, &rule);
    rule.invert = false;
    strcpy(rule.iif, "lo");
    if ((divert->directions & DIRECTIONS_OUT) != 0)
        r = wanted_add_rule(wanted, &rule);
    for (size_t i = 0; i < divert->interface_count && r == 0; i++) {
        memcpy(rule.iif, divert->interfaces[i], sizeof(rule.iif));
        if ((divert->directions & DIRECTIONS_FORWARD) != 0 &&
            !rule_list_has(wanted->rules, wanted->rule_count, &rule))
            r = wanted_add_rule(wanted, &rule);
    }
    return r;
}

/* Of each family in turn. */
static int add_for_families(struct wanted *wanted, const struct wanted_input *input,
                            int (*add)(struct wanted *, const struct wanted_input *,
                                       enum ip_family))
{
    int r = 0;

    for (int family = 0; family < FAMILY_COUNT && r == 0; family++) {
        if ((input->snapshot->families & 1u << family) != 0)
            r = add(wanted, input, (enum ip_family)family);
    }
    return r;
}

int wanted_add_rules(struct wanted *wanted, const struct wanted_input *input)
{
    int r = add_for_families(wanted, input, add_guard_rules);

    if (r == 0)
        r = add_for_families(wanted, input, inbound_add_barriers);
    if (r == 0)
        r = add_for_families(wanted, input, inbound_add_rules);
    if (r < 0 || !wanted_mirrors(input->config))
        return r;
    r = add_for_families(wanted, input, add_exclusion_rules);
    return r < 0 ? r : add_for_families(wanted, input, add_divert_rules);
}
