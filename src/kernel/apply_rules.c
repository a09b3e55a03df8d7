/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the policy rules equal to the wanted ones. */
#include "kernel/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GUARDS = 2 }; /* of a family: lookup main, then unreachable */

/* Our rules as the kernel has them, and what matters of those of others. */
struct rule_list {
    struct rule *items;
    size_t count;
    uint32_t priority; /* looked for */
    bool priority_taken;
    uint32_t table;               /* the one that leads to tun0 */
    uint32_t first[FAMILY_COUNT]; /* lowest priority that meets packets of any device; 0 = none */
};

static void list_clear(void *context)
{
    struct rule_list *list = context;

    free(list->items);
    list->items = NULL;
    list->count = 0;
    list->priority_taken = false;
    memset(list->first, 0, sizeof(list->first));
}

static void note_foreign(struct rule_list *list, const struct rule *rule)
{
    uint32_t *first = &list->first[rule->family];

    list->priority_taken |= rule->priority == list->priority;
    /* The rule for the local table is where it belongs; who names a device means its packets. */
    if (rule->priority == 0 || (rule->iif[0] != '\0' && rule->table != list->table))
        return;
    if (*first == 0 || rule->priority < *first)
        *first = rule->priority;
}

static int list_add(void *context, const struct nlmsghdr *message)
{
    struct rule_list *list = context;
    enum rule_owner owner;
    struct rule *items;
    struct rule rule;
    int r = rule_parse(message, &rule, &owner);

    if (r < 0)
        return r;
    if (owner == RULE_FOREIGN) {
        note_foreign(list, &rule);
        return 0;
    }
    items = reallocarray(list->items, list->count + 1, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    list->items = items;
    items[list->count++] = rule;
    return 0;
}

static int list_read(struct rule_list *list, struct netlink *netlink, enum ip_family family)
{
    int r = netlink_dump(netlink, rule_message_dump(family), list_add, list_clear, list);

    return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

/* After an error the list holds what could be read. */
static int list_read_all(struct rule_list *list, struct netlink *netlink)
{
    struct rule_list one = {.table = list->table};
    int r4 = list_read(list, netlink, FAMILY_IPV4);
    /* A list of its own: a dump that starts again clears what it collected. */
    int r6 = list_read(&one, netlink, FAMILY_IPV6);

    for (size_t i = 0; i < one.count && r6 != -ENOMEM; i++) {
        struct rule *items = reallocarray(list->items, list->count + 1, sizeof(*items));

        if (items == NULL) {
            r6 = -ENOMEM;
            break;
        }
        list->items = items;
        items[list->count++] = one.items[i];
    }
    list->first[FAMILY_IPV6] = one.first[FAMILY_IPV6];
    list_clear(&one);
    return r4 < 0 ? r4 : r6;
}

int apply_priority_taken(struct netlink *netlink, enum ip_family family, uint32_t priority)
{
    struct rule_list list = {.priority = priority};
    int r = list_read(&list, netlink, family);
    bool taken = list.priority_taken;

    list_clear(&list);
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

/* Guards name the device, divert rules the table; exclusions have a priority of their own. */
static bool belongs_to(const struct rule *rule, const struct instance *instance)
{
    if (rule->action == RULE_UNREACHABLE || strcmp(rule->iif, instance->tun) == 0)
        return strcmp(rule->iif, instance->tun) == 0;
    return rule->table == instance->table || rule->priority == instance->divert_priority - 1;
}

static bool list_has(const struct rule *rules, size_t count, const struct rule *rule)
{
    for (size_t i = 0; i < count; i++) {
        if (rule_equal(&rules[i], rule))
            return true;
    }
    return false;
}

static void add_missing(struct apply *apply, const struct rule_list *there, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &apply->wanted->rules[i];
        char text[RULE_TEXT];
        int r;

        if (list_has(there->items, there->count, rule))
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

/* Takes out each rule of INSTANCE that is not in KEEP. 0 or the first -errno. */
static int remove_unwanted(struct netlink *netlink, const struct rule_list *there,
                           const struct instance *instance, const struct wanted *keep,
                           unsigned *changes, struct fault *fault)
{
    int first = 0;

    /* From the end: the divert rules have the highest priority numbers and must go first. */
    for (size_t i = there->count; i > 0; i--) {
        const struct rule *rule = &there->items[i - 1];
        char text[RULE_TEXT];
        int r;

        if (!belongs_to(rule, instance))
            continue;
        if (keep != NULL && list_has(keep->rules, keep->rule_count, rule))
            continue;
        r = netlink_execute(netlink, rule_message_del(rule));
        if (r < 0 && r != -ENOENT && first == 0)
            first = fault_set(fault, r, "removing the %s rule `%s`", ip_family_name(rule->family),
                              rule_format(rule, text));
        if (r == 0)
            (*changes)++;
    }
    return first;
}

/* The guards stand first in the list, and they alone name tun0. */
static size_t guard_count(const struct apply *apply)
{
    size_t count = 0;

    while (count < apply->wanted->rule_count &&
           strcmp(apply->wanted->rules[count].iif, apply->config->tun.name) == 0)
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
    int r = list_read_all(&there, netlink);

    if (r < 0)
        fault_set(fault, r, "reading the list of rules");
    else
        place_guards(wanted, config, &there);
    list_clear(&there);
    return r;
}

int apply_guard_rules(struct apply *apply)
{
    struct rule_list there = {.table = apply->config->divert.table};
    int r = list_read_all(&there, apply->netlink);

    if (r == 0) {
        place_guards(apply->wanted, apply->config, &there);
        add_missing(apply, &there, guard_count(apply));
    } else {
        fault_set(apply->fault, r, "reading the list of rules");
    }
    list_clear(&there);
    return r;
}

int apply_rules(struct apply *apply)
{
    const struct instance instance = instance_of(apply->config);
    struct rule_list there = {.items = NULL};
    int r = list_read_all(&there, apply->netlink);

    if (r == 0) {
        add_missing(apply, &there, apply->wanted->rule_count);
        if (remove_unwanted(apply->netlink, &there, &instance, apply->wanted, &apply->changes,
                            apply->fault) < 0)
            apply->failures++;
    } else {
        fault_set(apply->fault, r, "reading the list of rules");
    }
    list_clear(&there);
    return r;
}

int apply_remove_rules(struct netlink *netlink, const struct instance *instance,
                       const struct wanted *keep, struct fault *fault)
{
    struct rule_list there = {.items = NULL};
    unsigned changes = 0;
    int r = list_read_all(&there, netlink);
    int removed;

    if (r < 0)
        fault_set(fault, r, "reading the list of rules");
    /* What is known of a list that keeps changing has to go all the same. */
    removed = remove_unwanted(netlink, &there, instance, keep, &changes, fault);
    list_clear(&there);
    return r < 0 ? r : removed;
}

int apply_withdraw(struct apply *apply)
{
    const struct instance instance = instance_of(apply->config);
    const struct wanted guards = {
        .rules = apply->wanted->rules,
        .rule_count = guard_count(apply),
    };

    return apply_remove_rules(apply->netlink, &instance, &guards, apply->fault);
}
