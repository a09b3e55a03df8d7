/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules before the one for table local, and the turn that this takes. */
#include "kernel/apply_inbound.h"

#include "kernel/inbound.h"

#include <errno.h>

/* One family's rules as they are and should be. */
struct turn {
    struct apply *apply;
    enum ip_family family;
    const struct rule_list *there;
    size_t there_from;  /* of `there`, what is in the way from here on */
    size_t wanted_from; /* of the wanted rules, what is missing from here on */
    bool misplaced;     /* one of those before stands behind the kernel's rule */
};

static size_t next_inbound(const struct rule *rules, size_t count, enum ip_family family, size_t at)
{
    while (at < count && (rules[at].family != family || !inbound_is_rule(&rules[at])))
        at++;
    return at;
}

/* How far the rules are as they should be. */
static void compare(struct turn *turn)
{
    const struct wanted *wanted = turn->apply->wanted;
    const struct rule_list *there = turn->there;
    size_t w = next_inbound(wanted->rules, wanted->rule_count, turn->family, 0);
    size_t t = next_inbound(there->items, there->count, turn->family, 0);

    while (w < wanted->rule_count && t < there->count &&
           rule_equal(&wanted->rules[w], &there->items[t])) {
        turn->misplaced |= there->items[t].behind_local;
        w = next_inbound(wanted->rules, wanted->rule_count, turn->family, w + 1);
        t = next_inbound(there->items, there->count, turn->family, t + 1);
    }
    turn->wanted_from = w;
    turn->there_from = t;
}

static bool has_stand_in(const struct rule_list *list, enum ip_family family)
{
    const struct rule stand_in = inbound_stand_in(family);

    return rule_list_has(list->items, list->count, &stand_in);
}

static void count_step(struct apply *apply, int r, const char *doing, const struct rule *rule)
{
    char text[RULE_TEXT];

    if (r == 0) {
        apply->changes++;
        return;
    }
    apply->failures++;
    fault_set(apply->fault, r, "%s the %s rule `%s`", doing, ip_family_name(rule->family),
              rule_format(rule, text));
}

/* From the end, as everywhere. */
static void remove_rest(struct turn *turn)
{
    const struct rule_list *there = turn->there;

    for (size_t i = there->count; i > turn->there_from; i--) {
        const struct rule *rule = &there->items[i - 1];
        int r = 0;

        if (rule->family != turn->family || !inbound_is_rule(rule))
            continue;
        r = netlink_execute(turn->apply->netlink, rule_message_del(rule));
        if (r != -ENOENT)
            count_step(turn->apply, r, "removing", rule);
    }
}

static void add_rest(struct turn *turn)
{
    const struct wanted *wanted = turn->apply->wanted;

    for (size_t i = turn->wanted_from; i < wanted->rule_count;
         i = next_inbound(wanted->rules, wanted->rule_count, turn->family, i + 1)) {
        const struct rule *rule = &wanted->rules[i];

        count_step(turn->apply, netlink_execute(turn->apply->netlink, rule_message_new(rule)),
                   "adding", rule);
    }
}

/* The kernel's rule as it was before its turn. */
static struct rule local_rule(const struct ledger *ledger, enum ip_family family)
{
    uint8_t protocol = ledger->local_protocol[family];

    return (struct rule){.family = family,
                         .priority = INBOUND_PRIORITY,
                         .action = RULE_LOOKUP,
                         .table = RT_TABLE_LOCAL,
                         .protocol = protocol != 0 ? protocol : RTPROT_KERNEL};
}

/* The list of FAMILY says whether the kernel's rule is there; it is added if it is not. */
static int make_local(struct netlink *netlink, struct ledger *ledger, struct rule_list *list,
                      enum ip_family family)
{
    const struct rule rule = local_rule(ledger, family);
    int r = rule_list_read(list, netlink, family);

    if (r < 0 || list->has_local[family])
        return r;
    if (!has_stand_in(list, family) && ledger->local_protocol[family] == 0)
        return 0; /* somebody has taken it away, who will know why */
    r = netlink_execute(netlink, rule_message_new(&rule));
    if (r < 0)
        return r;
    rule_list_clear(list);
    r = rule_list_read(list, netlink, family);
    return r == 0 && !list->has_local[family] ? -EAGAIN : r;
}

static int end_turn(struct netlink *netlink, struct ledger *ledger, enum ip_family family)
{
    const struct rule stand_in = inbound_stand_in(family);
    struct rule_list list = {.items = NULL};
    int r = make_local(netlink, ledger, &list, family);

    if (r == 0 && list.has_local[family] && has_stand_in(&list, family)) {
        r = netlink_execute(netlink, rule_message_del(&stand_in));
        r = r == -ENOENT ? 0 : r;
    }
    if (r == 0)
        r = ledger_move_local(ledger, family, 0);
    rule_list_clear(&list);
    return r;
}

static int end_turn_or_say(struct netlink *netlink, struct ledger *ledger, enum ip_family family,
                           struct fault *fault)
{
    int r = end_turn(netlink, ledger, family);

    return r < 0 ? fault_set(fault, r, "putting back the %s rule for table local",
                             ip_family_name(family))
                 : 0;
}

int inbound_end_turns(struct netlink *netlink, struct ledger *ledger, struct fault *fault)
{
    int first = 0;

    for (int family = 0; family < FAMILY_COUNT; family++) {
        int r = end_turn_or_say(netlink, ledger, (enum ip_family)family, fault);

        first = first < 0 ? first : r;
    }
    return first;
}

/* Up to the point where only the stand-in is there. 0 or -errno with the fault set. */
static int step_aside(struct turn *turn)
{
    struct apply *apply = turn->apply;
    const struct rule stand_in = inbound_stand_in(turn->family);
    const struct rule *local = &turn->there->local[turn->family];
    uint8_t protocol = local->protocol != 0 ? local->protocol : RTPROT_KERNEL;
    int r = 0;

    if (!has_stand_in(turn->there, turn->family))
        r = netlink_execute(apply->netlink, rule_message_new(&stand_in));
    if (r == 0 && turn->there->has_local[turn->family])
        r = ledger_move_local(apply->ledger, turn->family, protocol);
    if (r == 0 && turn->there->has_local[turn->family])
        r = netlink_execute(apply->netlink, rule_message_del(local));
    return r == 0 ? 0
                  : fault_set(apply->fault, r, "moving the %s rule for table local behind others",
                              ip_family_name(turn->family));
}

static bool can_turn(const struct turn *turn)
{
    if (turn->there->has_local[turn->family] || has_stand_in(turn->there, turn->family) ||
        turn->apply->ledger->local_protocol[turn->family] != 0)
        return true;
    fault_explain(turn->apply->fault, -EEXIST,
                  "direction = in needs the %s rule `0: from all lookup local` where the kernel "
                  "has it, but it is not there: put it back, or leave in out",
                  ip_family_name(turn->family));
    return false;
}

static void take_turn(struct turn *turn)
{
    struct apply *apply = turn->apply;

    if (!can_turn(turn)) {
        apply->failures++;
        return;
    }
    if (step_aside(turn) == 0) {
        remove_rest(turn);
        add_rest(turn);
    } else {
        apply->failures++;
    }
    if (end_turn_or_say(apply->netlink, apply->ledger, turn->family, apply->fault) < 0)
        apply->failures++;
}

void apply_inbound_rules(struct apply *apply, const struct rule_list *there)
{
    for (int family = 0; family < FAMILY_COUNT; family++) {
        struct turn turn = {.apply = apply, .family = (enum ip_family)family, .there = there};

        compare(&turn);
        if (turn.wanted_from < apply->wanted->rule_count || turn.misplaced) {
            take_turn(&turn);
            continue;
        }
        remove_rest(&turn);
        if (has_stand_in(there, turn.family) &&
            end_turn_or_say(apply->netlink, apply->ledger, turn.family, apply->fault) < 0)
            apply->failures++;
    }
}
