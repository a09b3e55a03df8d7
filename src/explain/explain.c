/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts an explanation together from what an observer is told. */
#include "ipmodd/explain/explain.h"

#include "changes.h"
#include "flow.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

#include <errno.h>
#include <string.h>

struct explainer {
    struct path *path; /* borrowed */
    struct observer observer;
    const struct explainer_listener *listener; /* borrowed; NULL: none */
    bool all_rules;
    struct explanation told;
    struct packet_copy first, last; /* as it arrived; as the last rule left it */
    size_t next_rule;               /* the first that was not spoken of yet */
    bool out_of_memory;
};

static const struct ruleset *ruleset_of(const struct explainer *explainer)
{
    return path_ruleset(explainer->path);
}

static void forget(struct explanation *told)
{
    for (size_t i = 0; i < told->rule_count; i++) {
        free(told->rules[i].found);
        changes_clear(&told->rules[i].changes);
    }
    for (size_t i = 0; i < told->answer_count; i++)
        free(told->answers[i]);
    free(told->rules);
    free(told->answers);
    free(told->line);
    free(told->seen);
    explained_flow_clear(&told->flow);
    changes_clear(&told->restored);
    changes_clear(&told->translated);
    changes_clear(&told->repaired);
    *told = (struct explanation){.parsed = false};
}

/* NULL without memory. */
static char *make_line(const struct packet *packet)
{
    struct text_stream stream;
    FILE *memory = text_stream_open(&stream);

    if (memory == NULL)
        return NULL;
    detail_print_line(packet, memory);
    return text_stream_take(&stream);
}

static void received(void *context, const struct packet *packet)
{
    struct explainer *explainer = context;

    packet_copy_take(&explainer->first, packet);
}

/* What its flow has done to it before rules see it. */
static void note_restoration(struct explainer *explainer, const struct packet *packet)
{
    struct explanation *told = &explainer->told;

    explainer->first.packet.direction = packet->direction; /* found since, and no change */
    explainer->first.packet.proto = packet->proto;
    if (changes_find(&told->restored, &explainer->first.packet, packet) < 0)
        explainer->out_of_memory = true;
    if (told->restored.count == 0)
        return;
    told->seen = make_line(packet);
    explainer->out_of_memory |= told->seen == NULL;
}

static void arrived(void *context, const struct packet *packet, enum reason fault)
{
    struct explainer *explainer = context;

    forget(&explainer->told);
    explainer->next_rule = 0;
    explainer->out_of_memory = false;
    explainer->told.parsed = fault == REASON_NONE;
    explainer->told.fault = fault;
    explainer->told.waited = (packet->flags & PACKET_WAITED) != 0;
    packet_copy_take(&explainer->last, packet);
    explainer->told.before = explainer->first.packet;
    if (fault != REASON_NONE)
        return;
    explainer->told.line = make_line(&explainer->first.packet);
    explainer->out_of_memory = explainer->told.line == NULL;
    note_restoration(explainer, packet);
}

/* NULL without memory. */
static struct explained_rule *add_rule(struct explainer *explainer, size_t rule)
{
    struct explanation *told = &explainer->told;
    struct explained_rule *rules =
        reallocarray(told->rules, told->rule_count + 1, sizeof(*told->rules));

    if (rules == NULL) {
        explainer->out_of_memory = true;
        return NULL;
    }
    told->rules = rules;
    told->rules[told->rule_count] = (struct explained_rule){.rule = rule};
    return &told->rules[told->rule_count++];
}

/* Rules up to number END were passed over: PACKET is as they saw it. */
static void pass_over(struct explainer *explainer, size_t end, const struct packet *packet)
{
    const struct ruleset *ruleset = ruleset_of(explainer);

    for (size_t i = explainer->next_rule; i < end && explainer->all_rules; i++) {
        struct explained_rule *skipped = add_rule(explainer, i);

        if (skipped == NULL)
            return;
        skipped->disabled = !path_has_enabled(explainer->path, i);
        if (skipped->disabled)
            continue;
        skipped->obstacle = path_obstacle(explainer->path, i, packet);
        if (skipped->obstacle < ruleset->rules[i].match_count)
            skipped->found =
                detail_of_match(ruleset->rules[i].matches[skipped->obstacle].type->key, packet);
    }
    explainer->next_rule = end;
}

/* What is found out about a packet behind its arrival is no change of it. */
static void take_findings(struct explainer *explainer, const struct packet *packet)
{
    explainer->last.packet.direction = packet->direction;
    explainer->last.packet.proto = packet->proto;
}

static void matched(void *context, size_t rule, const struct packet *packet)
{
    struct explainer *explainer = context;
    struct explained_rule *added;

    take_findings(explainer, packet);
    pass_over(explainer, rule, packet);
    explainer->next_rule = rule + 1;
    added = add_rule(explainer, rule);
    if (added != NULL)
        added->matched = true;
}

static void acted(void *context, size_t rule, const struct packet *packet)
{
    struct explainer *explainer = context;
    struct explanation *told = &explainer->told;

    (void)rule;
    if (explainer->out_of_memory)
        return;
    if (changes_find(&told->rules[told->rule_count - 1].changes, &explainer->last.packet, packet) <
        0)
        explainer->out_of_memory = true;
    packet_copy_take(&explainer->last, packet);
}

/* The explanation goes on with the first of them. */
static void split(void *context, const struct packet *packet, const struct packet *segment)
{
    struct explainer *explainer = context;

    explainer->told.split = packet->segments;
    packet_copy_take(&explainer->last, segment);
}

static bool is_last_rule_deciding(const struct explainer *explainer)
{
    const struct explanation *told = &explainer->told;

    return told->rule_count > 0 && told->rules[told->rule_count - 1].matched &&
           explainer->last.packet.fate != FATE_PENDING;
}

static enum decider find_decider(const struct explainer *explainer, const struct packet *packet)
{
    if (!explainer->told.parsed)
        return DECIDED_BY_PATH;
    if (is_last_rule_deciding(explainer) && explainer->last.packet.fate == packet->fate)
        return DECIDED_BY_RULE;
    if (packet->fate == FATE_OUT || packet->reason == REASON_POLICY)
        return DECIDED_BY_POLICY;
    return DECIDED_BY_PATH;
}

/* A fragment that is dropped for what it is has met no rule, or not all of them. */
static bool met_all_rules(const struct explainer *explainer)
{
    enum decider decider = explainer->told.decider;
    enum reason reason = explainer->told.reason;

    return decider == DECIDED_BY_POLICY || reason == REASON_OWN_PREFIX || reason == REASON_LOOP ||
           reason == REASON_NAT_EXHAUSTED || reason == REASON_NAT_LIMIT ||
           reason == REASON_NAT_NO_SOURCE;
}

/* All that rules had to do with it has been done, and its flow comes in. */
static void translated(void *context, const struct packet *packet)
{
    struct explainer *explainer = context;
    enum fate fate = explainer->last.packet.fate;
    struct packet as_seen = explainer->last.packet;

    if (explainer->out_of_memory)
        return;
    as_seen.shadow = packet->shadow;
    as_seen.direction = packet->direction;
    if (!is_last_rule_deciding(explainer))
        pass_over(explainer, ruleset_of(explainer)->rule_count, &as_seen);
    if (changes_find(&explainer->told.translated, &explainer->last.packet, packet) < 0)
        explainer->out_of_memory = true;
    packet_copy_take(&explainer->last, packet);
    explainer->last.packet.fate = fate; /* by which it is told who decided */
}

/* The end of PACKET into what is told of it. */
static void conclude(struct explainer *explainer, const struct packet *packet)
{
    struct explanation *told = &explainer->told;

    take_findings(explainer, packet);
    told->direction = packet->direction;
    told->before.direction = packet->direction;
    told->before.proto = packet->proto;
    told->fate = packet->fate;
    told->reason = packet->reason;
    told->decider = find_decider(explainer, packet);
    if (!told->parsed || explainer->out_of_memory)
        return;
    if (explained_flow_find(&told->flow, explainer->path, packet) < 0)
        explainer->out_of_memory = true;
    if (met_all_rules(explainer) && !is_last_rule_deciding(explainer))
        pass_over(explainer, ruleset_of(explainer)->rule_count, packet);
    if (changes_find(&told->repaired, &explainer->last.packet, packet) < 0)
        explainer->out_of_memory = true;
    packet_copy_take(&explainer->last, packet);
    told->after = explainer->last.packet;
}

static void decided(void *context, const struct packet *packet)
{
    struct explainer *explainer = context;

    conclude(explainer, packet);
    if (explainer->listener != NULL)
        explainer->listener->hear(explainer->listener->context, explainer_get(explainer));
}

static void answered(void *context, const struct packet *answer)
{
    struct explainer *explainer = context;
    struct explanation *told = &explainer->told;
    char **answers = reallocarray(told->answers, told->answer_count + 1, sizeof(*answers));
    char *line = answers != NULL ? make_line(answer) : NULL;

    if (answers != NULL)
        told->answers = answers;
    if (line == NULL)
        explainer->out_of_memory = true;
    else
        told->answers[told->answer_count++] = line;
}

struct explainer *explainer_new(struct path *path, bool all_rules)
{
    struct explainer *explainer = calloc(1, sizeof(*explainer));

    if (explainer == NULL)
        return NULL;
    *explainer = (struct explainer){
        .path = path,
        .observer = {explainer, received, arrived, matched, acted, split, answered, translated,
                     decided},
        .all_rules = all_rules,
    };
    if (packet_copy_init(&explainer->first) < 0 || packet_copy_init(&explainer->last) < 0) {
        explainer_free(explainer);
        return NULL;
    }
    return explainer;
}

void explainer_free(struct explainer *explainer)
{
    if (explainer == NULL)
        return;
    forget(&explainer->told);
    packet_copy_clear(&explainer->first);
    packet_copy_clear(&explainer->last);
    free(explainer);
}

const struct observer *explainer_observer(const struct explainer *explainer)
{
    return &explainer->observer;
}

void explainer_set_listener(struct explainer *explainer, const struct explainer_listener *listener)
{
    explainer->listener = listener;
}

const struct explanation *explainer_get(const struct explainer *explainer)
{
    return explainer->out_of_memory ? NULL : &explainer->told;
}
