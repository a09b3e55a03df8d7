/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the list of policy rules. */
#include "kernel/rule_list.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

static void list_restart(void *context)
{
    struct rule_list *list = context;

    free(list->items);
    list->items = NULL;
    list->count = 0;
    list->priority_taken = false;
    memset(list->has_local, 0, sizeof(list->has_local));
    memset(list->first, 0, sizeof(list->first));
}

void rule_list_clear(struct rule_list *list)
{
    list_restart(list);
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

static void note_local(struct rule_list *list, const struct rule *rule)
{
    if (list->has_local[rule->family])
        return;
    list->has_local[rule->family] = true;
    list->local[rule->family] = *rule;
}

static int append(struct rule_list *list, const struct rule *rule)
{
    struct rule *items = reallocarray(list->items, list->count + 1, sizeof(*items));

    if (items == NULL)
        return -ENOMEM;
    list->items = items;
    items[list->count++] = *rule;
    return 0;
}

static int list_add(void *context, const struct nlmsghdr *message)
{
    struct rule_list *list = context;
    enum rule_owner owner;
    struct rule rule;
    int r = rule_parse(message, &rule, &owner);

    if (r < 0)
        return r;
    switch (owner) {
    case RULE_OURS:
        rule.behind_local = rule.priority == 0 && list->has_local[rule.family];
        return append(list, &rule);
    case RULE_LOCAL:
        note_local(list, &rule);
        break;
    case RULE_FOREIGN:
    case RULE_OWNER_COUNT:
        note_foreign(list, &rule);
        break;
    }
    return 0;
}

int rule_list_read(struct rule_list *list, struct netlink *netlink, enum ip_family family)
{
    int r = netlink_dump(netlink, rule_message_dump(family), list_add, list_restart, list);

    return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

int rule_list_read_all(struct rule_list *list, struct netlink *netlink)
{
    struct rule_list one = {.table = list->table};
    int r4 = rule_list_read(list, netlink, FAMILY_IPV4);
    /* A list of its own: a dump that starts again clears what it collected. */
    int r6 = rule_list_read(&one, netlink, FAMILY_IPV6);

    for (size_t i = 0; i < one.count && r6 != -ENOMEM; i++) {
        if (append(list, &one.items[i]) < 0)
            r6 = -ENOMEM;
    }
    list->first[FAMILY_IPV6] = one.first[FAMILY_IPV6];
    list->has_local[FAMILY_IPV6] = one.has_local[FAMILY_IPV6];
    list->local[FAMILY_IPV6] = one.local[FAMILY_IPV6];
    rule_list_clear(&one);
    return r4 < 0 ? r4 : r6;
}

bool rule_list_has(const struct rule *rules, size_t count, const struct rule *rule)
{
    for (size_t i = 0; i < count; i++) {
        if (rule_equal(&rules[i], rule))
            return true;
    }
    return false;
}
