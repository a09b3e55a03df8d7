/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the policy rules equal to the wanted ones. */
#include "kernel/apply.h"
#include "kernel/apply_inbound.h"
#include "kernel/inbound.h"
#include "kernel/rule_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GUARDS = 2 }; /* of a family: lookup main, then unreachable */

int apply_priority_taken(struct netlink *netlink, enum ip_family family, uint32_t priority)
{
    struct rule_list list = {.priority = priority};
    int r = rule_list_read(&list, netlink, family);
    bool taken = list.priority_taken;

    rule_list_clear(&list);
    return r < 0 ? r : taken;
}

struct instance instance_of(const struct config *config)
{
    struct instance instance = {
        .table = config->divert.table,
        .divert_priority = config->divert.divert_priority,
    };

    memcpy(instance.tun, config->tun.name, sizeof(instance.tun));
    return instance;
}

struct instance instance_of_process(const struct config *config, const struct ledger *ledger)
{
    struct instance instance = instance_of(config);

    instance.inbound = ledger_has_inbound(ledger);
    return instance;
}

/* Guards name the device, divert rules the table; exclusions have a priority of their own. */
static bool belongs_to(const struct rule *rule, const struct instance *instance)
{
    if (inbound_is_stand_in(rule))
        return false; /* apply_inbound.c alone knows when it may go */
    if (inbound_is_rule(rule) || inbound_is_barrier(rule))
        return instance->inbound;
    if (rule->action == RULE_UNREACHABLE || strcmp(rule->iif, instance->tun) == 0)
        return strcmp(rule->iif, instance->tun) == 0;
    return rule->table == instance->table || rule->priority == instance->divert_priority - 1;
}

static void add_missing(struct apply *apply, const struct rule_list *there, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &apply->wanted->rules[i];
        char text[RULE_TEXT];
        int r;

        if (inbound_is_rule(rule) || rule_list_has(there->items, there->count, rule))
            continue;
        r = netlink_execute(apply->netlink, rule_message_new(rule));
        if (r == 0) {
            apply->changes++;
            continue;
        }
        apply->failures++;
        fault_set(apply->fault, r, "adding the %s rule `%s`%s%s", ip_family_name(rule->family),
                  rule_format(rule, text), netlink_refusal(apply->netlink)[0] != '\0' ? ": " : "",
                  netlink_refusal(apply->netlink));
    }
}

/* Which rules are to go. */
struct removal {
    const struct instance *instance; /* whose */
    const struct rule *keep;
    size_t keep_count;
    bool inbound_alone, but_barriers;
    unsigned changes; /* how many went */
};

static bool is_to_go(const struct removal *removal, const struct rule *rule)
{
    if (!belongs_to(rule, removal->instance) ||
        rule_list_has(removal->keep, removal->keep_count, rule))
        return false;
    if (removal->inbound_alone)
        return inbound_is_rule(rule);
    return !removal->but_barriers || !inbound_is_barrier(rule);
}

/* 0 or the first -errno. */
static int remove_rules(struct netlink *netlink, const struct rule_list *there,
                        struct removal *removal, struct fault *fault)
{
    int first = 0;

    /* From the end: the divert rules have the highest priority numbers and must go first. */
    for (size_t i = there->count; i > 0; i--) {
        const struct rule *rule = &there->items[i - 1];
        char text[RULE_TEXT];
        int r;

        if (!is_to_go(removal, rule))
            continue;
        r = netlink_execute(netlink, rule_message_del(rule));
        if (r < 0 && r != -ENOENT && first == 0)
            first = fault_set(fault, r, "removing the %s rule `%s`", ip_family_name(rule->family),
                              rule_format(rule, text));
        if (r == 0)
            removal->changes++;
    }
    return first;
}

static void remove_unwanted(struct apply *apply, const struct rule_list *there, bool inbound_alone)
{
    const struct instance instance = instance_of_process(apply->config, apply->ledger);
    struct removal removal = {
        .instance = &instance,
        .keep = apply->wanted->rules,
        .keep_count = apply->wanted->rule_count,
        .inbound_alone = inbound_alone,
    };

    if (remove_rules(apply->netlink, there, &removal, apply->fault) < 0)
        apply->failures++;
    apply->changes += removal.changes;
}

/* The guards, which alone name tun0, stand first in the list, and the barriers behind them. */
static size_t guard_count(const struct apply *apply)
{
    const struct wanted *wanted = apply->wanted;
    size_t count = 0;

    while (count < wanted->rule_count &&
           (strcmp(wanted->rules[count].iif, apply->config->tun.name) == 0 ||
            inbound_is_barrier(&wanted->rules[count])))
        count++;
    return count;
}

/* Where the first guard has to stand so that no rule of others takes packets of tun0 from it. */
static uint32_t guard_priority(const struct rule_list *there, uint32_t configured,
                               enum ip_family family)
{
    uint32_t first = there->first[family];

    if (first == 0 || first > configured + 1)
        return configured;
    return first > GUARDS ? first - GUARDS : configured; /* the check for loops tells of that */
}

static void place_guards(struct wanted *wanted, const struct config *config,
                         const struct rule_list *there)
{
    for (size_t i = 0; i < wanted->rule_count; i++) {
        struct rule *rule = &wanted->rules[i];
        uint32_t base = guard_priority(there, config->divert.priority, rule->family);

        if (strcmp(rule->iif, config->tun.name) != 0)
            continue;
        rule->priority = base + (rule->action == RULE_UNREACHABLE ? 1 : 0);
        wanted->guard_priority[rule->family] = base;
    }
}

int apply_place_guards(struct netlink *netlink, const struct config *config, struct wanted *wanted,
                       struct fault *fault)
{
    struct rule_list there = {.table = config->divert.table};
    int r = rule_list_read_all(&there, netlink);

    if (r < 0)
        fault_set(fault, r, "reading the list of rules");
    else
        place_guards(wanted, config, &there);
    rule_list_clear(&there);
    return r;
}

int apply_guard_rules(struct apply *apply)
{
    struct rule_list there = {.table = apply->config->divert.table};
    int r = rule_list_read_all(&there, apply->netlink);

    if (r == 0) {
        place_guards(apply->wanted, apply->config, &there);
        add_missing(apply, &there, guard_count(apply));
        remove_unwanted(apply, &there, true);
    } else {
        fault_set(apply->fault, r, "reading the list of rules");
    }
    rule_list_clear(&there);
    return r;
}

int apply_rules(struct apply *apply)
{
    struct rule_list there = {.items = NULL};
    int r = rule_list_read_all(&there, apply->netlink);

    if (r == 0) {
        add_missing(apply, &there, apply->wanted->rule_count);
        if (ledger_has_inbound(apply->ledger))
            apply_inbound_rules(apply, &there);
        remove_unwanted(apply, &there, false);
    } else {
        fault_set(apply->fault, r, "reading the list of rules");
    }
    rule_list_clear(&there);
    return r;
}

/* What is known of a list that keeps changing has to go all the same. */
static int read_and_remove(struct netlink *netlink, struct removal *removal, struct fault *fault)
{
    struct rule_list there = {.items = NULL};
    int r = rule_list_read_all(&there, netlink);
    int removed;

    if (r < 0)
        fault_set(fault, r, "reading the list of rules");
    removed = remove_rules(netlink, &there, removal, fault);
    rule_list_clear(&there);
    return r < 0 ? r : removed;
}

int apply_remove_rules(struct netlink *netlink, const struct instance *instance,
                       const struct wanted *keep, struct fault *fault)
{
    struct removal removal = {.instance = instance};

    if (keep != NULL) {
        removal.keep = keep->rules;
        removal.keep_count = keep->rule_count;
    }
    return read_and_remove(netlink, &removal, fault);
}

int apply_remove_diverting(struct netlink *netlink, const struct instance *instance,
                           struct fault *fault)
{
    struct removal removal = {.instance = instance, .but_barriers = true};

    return read_and_remove(netlink, &removal, fault);
}

int apply_withdraw(struct apply *apply)
{
    const struct instance instance = instance_of_process(apply->config, apply->ledger);
    const struct wanted guards = {
        .rules = apply->wanted->rules,
        .rule_count = guard_count(apply),
    };

    return apply_remove_rules(apply->netlink, &instance, &guards, apply->fault);
}
