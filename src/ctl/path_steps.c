/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the places at which a packet was seen tell. */
#include "path_steps.h"

#include "ipmodd/base/macro.h"
#include "view.h"

#include <assert.h>
#include <string.h>

static bool is_last_of_hook(const struct path_step *step, enum hook hook)
{
    return hook_points[step->sight.point].hook == hook &&
           hook_point_next(step->sight.point) == NULL;
}

static bool leaves_by_tun(const struct steps *steps, const struct path_step *step)
{
    return steps->tun != NULL && is_last_of_hook(step, HOOK_POSTROUTING) &&
           strcmp(step->sight.out, steps->tun) == 0;
}

/* Over the loopback device: it is received again. */
static bool comes_back(const struct path_step *step)
{
    return is_last_of_hook(step, HOOK_POSTROUTING) && strcmp(step->sight.out, "lo") == 0;
}

bool steps_add(struct steps *steps, const struct hook_sight *sight)
{
    struct path_step *before = steps->count > 0 ? &steps->items[steps->count - 1] : NULL;
    struct path_step *step = &steps->items[steps->count];

    if (steps->count == STEPS_MAX)
        return false;
    *step = (struct path_step){.sight = *sight};
    step->is_parsed = packet_read(&step->packet, step->sight.bytes, step->sight.length) ==
                      REASON_NONE;
    if (before != NULL && before->is_parsed && step->is_parsed)
        changes_find(&step->changes, &before->packet, &step->packet);
    step->enters_tun = leaves_by_tun(steps, step);
    steps->count++;
    return true;
}

void steps_clear(struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++)
        changes_clear(&steps->items[i].changes);
    json_decref(steps->passage);
    *steps = (struct steps){.tun = NULL};
}

bool steps_are_over(const struct steps *steps)
{
    const struct path_step *last = steps->count > 0 ? &steps->items[steps->count - 1] : NULL;

    return last != NULL && !last->enters_tun && !comes_back(last) &&
           (is_last_of_hook(last, HOOK_POSTROUTING) || is_last_of_hook(last, HOOK_INPUT));
}

bool steps_enter_tun(const struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        if (steps->items[i].enters_tun)
            return true;
    }
    return false;
}

const char *path_end_name(enum path_end end)
{
    static const char *const names[] = {
        [PATH_LEFT] = "left",
        [PATH_DELIVERED] = "delivered",
        [PATH_VANISHED] = "vanished",
        [PATH_UNSEEN] = "unseen",
    };
    static_assert(ARRAY_SIZE(names) == PATH_END_COUNT, "a name for each end");

    return names[end];
}

/* What stands between REASON and the rule that matched last; "" when it was not that rule. */
static const char *words_before_rule(const char *reason)
{
    static const char *const of_rules[] = {"rejected", "reject-silent", "reject-limited",
                                           "answered"};

    if (strcmp(reason, "rule") == 0)
        return " ";
    for (size_t i = 0; i < ARRAY_SIZE(of_rules); i++) {
        if (strcmp(of_rules[i], reason) == 0)
            return " by rule ";
    }
    return "";
}

/* The last one that matched in the daemon, or NULL. */
static const json_t *last_rule(const struct steps *steps)
{
    const json_t *rules = json_object_get(steps->passage, "rules");

    return json_array_get(rules, json_array_size(rules) - 1);
}

static enum path_end judge_in_tun(const struct steps *steps, char text[static PATH_TEXT])
{
    const char *fate = view_string(steps->passage, "fate");
    const json_t *rule = last_rule(steps);
    const char *reason = view_string(steps->passage, "reason");
    const char *by = rule != NULL ? words_before_rule(reason) : "";

    if (steps->passage == NULL)
        snprintf(text, PATH_TEXT,
                 "it vanished in %s: it went in, and the daemon told of no such packet (a full "
                 "queue, or a daemon that does not answer)",
                 steps->tun);
    else if (strcmp(fate, "drop") == 0)
        snprintf(text, PATH_TEXT, "it vanished in ipmodd, which dropped it: %s%s%s", reason, by,
                 *by != '\0' ? view_string(rule, "name") : "");
    else
        snprintf(text, PATH_TEXT,
                 "it vanished on its way back from %s: ipmodd wrote it there, and no hook saw it "
                 "(a cookie that a rule changed, a wrong checksum)",
                 steps->tun);
    return PATH_VANISHED;
}

static enum path_end judge_between(const struct hook_point *at, const struct hook_point *next,
                                   char text[static PATH_TEXT])
{
    snprintf(text, PATH_TEXT,
             "it vanished in %s, between priority %d (%s) and %d (%s): a chain there dropped it; "
             "`nft list ruleset` has it",
             hook_name(at->hook), at->priority, at->place, next->priority, next->place);
    return PATH_VANISHED;
}

static enum path_end judge_routing(enum hook hook, const char *in, char text[static PATH_TEXT])
{
    snprintf(text, PATH_TEXT,
             "it vanished behind %s, where it is routed%s%s: a reverse path filter, no route, no "
             "forwarding, or a TTL that ended; `ipmodctl doctor` looks at these",
             hook_name(hook), in[0] != '\0' ? " as from " : "", in);
    return PATH_VANISHED;
}

/* The answer to a probe has its bytes, and is what was seen behind the daemon then. */
static enum path_end judge_delivered(const struct steps *steps, char text[static PATH_TEXT])
{
    if (strcmp(view_string(steps->passage, "reason"), "answered") == 0)
        snprintf(text, PATH_TEXT, "rule %s answered it, and the answer was delivered to this host",
                 view_string(last_rule(steps), "name"));
    else
        snprintf(text, PATH_TEXT, "it was delivered to this host");
    return PATH_DELIVERED;
}

enum path_end steps_judge(const struct steps *steps, char text[static PATH_TEXT])
{
    const struct path_step *last = steps->count > 0 ? &steps->items[steps->count - 1] : NULL;
    const struct hook_point *point, *next;

    if (last == NULL) {
        snprintf(text, PATH_TEXT, "no hook of netfilter saw it: it was not sent");
        return PATH_UNSEEN;
    }
    point = &hook_points[last->sight.point];
    next = hook_point_next(last->sight.point);
    if (last->enters_tun)
        return judge_in_tun(steps, text);
    if (next != NULL)
        return judge_between(point, next, text);
    if (point->hook == HOOK_POSTROUTING && !comes_back(last)) {
        snprintf(text, PATH_TEXT, "it left this host by %s", last->sight.out);
        return PATH_LEFT;
    }
    if (point->hook == HOOK_INPUT)
        return judge_delivered(steps, text);
    return judge_routing(point->hook, last->sight.in, text);
}
