/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The observer of a path that tells watchers of its packets. */
#include "ipmodd/watch/tap.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/explain/json.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct watch {
    const struct watch_wish *wish;
    struct filter_memory *memory; /* NULL: no filter */
    uint64_t fitted;              /* packets, of which a sample is taken */
    uint64_t told;
};

struct tap {
    struct path *path;
    unsigned queue;
    struct observer observer;
    struct flow_observer flow_observer;
    struct explainer *explainer;
    struct record_ring ring;
    struct watch *watches[WATCHES_MAX];
    uint32_t active;   /* slots with a watch */
    uint32_t of_flows; /* those among them of flows */
    atomic_uint_least64_t lost[WATCHES_MAX];

    /* The packet that is on its way. */
    uint64_t number;
    uint8_t *wire;               /* as it was read, as many bytes as anybody wants */
    uint32_t wanted;             /* by these watches */
    uint32_t explained;          /* and explained for these */
    size_t segment;              /* from 1, once it is split */
    struct watch_record *record; /* being filled; NULL: none */
    size_t rule_count;
    size_t whole_rule_count; /* before it was split */
    uint32_t rules[WATCH_RULES_MAX];
};

const struct watch_flow *watch_record_flow(const struct watch_record *record)
{
    assert(record->kind == WATCH_FLOWS);
    return (const struct watch_flow *)(const void *)record->data;
}

static bool wants(struct tap *tap, struct watch *watch, const struct packet *packet,
                  enum reason fault)
{
    const struct watch_wish *wish = watch->wish;

    if (wish->limit != 0 && watch->told >= wish->limit)
        return false;
    if (watch->memory != NULL &&
        (fault != REASON_NONE || !filter_fits(watch->memory, tap->path, packet)))
        return false;
    if (watch->fitted++ % wish->sample != 0)
        return false;
    watch->told++;
    return true;
}

/* The watches of KIND that want PACKET. */
static uint32_t select_watches(struct tap *tap, enum watch_kind kind, const struct packet *packet,
                               enum reason fault)
{
    uint32_t wanted = 0;

    for (uint32_t left = tap->active; left != 0; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctz(left);

        if (tap->watches[slot]->wish->kind == kind && wants(tap, tap->watches[slot], packet, fault))
            wanted |= 1u << slot;
    }
    return wanted;
}

/* Those of WATCHERS that want a record that has STAGES. */
static uint32_t select_stages(const struct tap *tap, uint32_t watchers, unsigned stages)
{
    for (uint32_t left = watchers; left != 0; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctz(left);

        if ((tap->watches[slot]->wish->stages & stages) == 0)
            watchers &= ~(1u << slot);
    }
    return watchers;
}

static size_t snap_length(const struct tap *tap, uint32_t watchers)
{
    size_t most = 0;

    for (uint32_t left = watchers; left != 0; left &= left - 1)
        most = MAX_OF(most, tap->watches[__builtin_ctz(left)]->wish->snap_length);
    return most;
}

static void count_lost(struct tap *tap, uint32_t watchers)
{
    for (uint32_t left = watchers; left != 0; left &= left - 1)
        atomic_fetch_add_explicit(&tap->lost[__builtin_ctz(left)], 1, memory_order_relaxed);
}

/* A record for WATCHERS with room for DATA bytes; NULL, and counted, without. */
static struct watch_record *claim(struct tap *tap, enum watch_kind kind, uint32_t watchers,
                                  size_t data)
{
    struct watch_record *record = record_ring_claim(&tap->ring, sizeof(*record) + data);
    struct record head;

    if (record == NULL) {
        count_lost(tap, watchers);
        return NULL;
    }
    head = record->record;
    *record = (struct watch_record){
        .record = head,
        .kind = kind,
        .watchers = watchers,
        .ruleset = path_ruleset(tap->path),
        .queue = tap->queue,
        .number = tap->number,
        .time_ns = path_now(tap->path)->wall_ns,
    };
    return record;
}

/* A record of PACKET with its BYTES for WATCHERS, with room for what it becomes. */
static struct watch_record *begin_record_of(struct tap *tap, uint32_t watchers,
                                            const struct packet *packet, const uint8_t *bytes)
{
    size_t captured = MIN_OF(packet->length, snap_length(tap, watchers));
    struct watch_record *record = claim(tap, WATCH_PACKETS, watchers, 2 * captured);

    if (record == NULL)
        return NULL;
    record->direction = packet->direction;
    record->segments = packet->segments;
    record->length = packet->length;
    record->captured = captured;
    memcpy(record->data, bytes, captured);
    return record;
}

/* As it is now. */
static struct watch_record *begin_record(struct tap *tap, uint32_t watchers,
                                         const struct packet *packet)
{
    return begin_record_of(tap, watchers, packet, packet->data);
}

/* Which watches want it is known when it is what filters are held against. */
static void received(void *context, const struct packet *packet)
{
    struct tap *tap = context;

    memcpy(tap->wire, packet->data, MIN_OF(packet->length, snap_length(tap, tap->active)));
    for (uint32_t left = tap->active; left != 0; left &= left - 1) {
        if (tap->watches[__builtin_ctz(left)]->wish->kind != WATCH_EXPLANATIONS)
            continue;
        explainer_observer(tap->explainer)->received(tap->explainer, packet);
        return;
    }
}

static void arrived(void *context, const struct packet *packet, enum reason fault)
{
    struct tap *tap = context;

    tap->number++;
    tap->segment = 0;
    tap->rule_count = 0;
    tap->record = NULL;
    tap->explained = select_watches(tap, WATCH_EXPLANATIONS, packet, fault);
    if (tap->explained != 0)
        explainer_observer(tap->explainer)->arrived(tap->explainer, packet, fault);
    tap->wanted = select_watches(tap, WATCH_PACKETS, packet, fault);
    if (tap->wanted == 0)
        return;
    tap->record = begin_record_of(tap, tap->wanted, packet, tap->wire);
    if (tap->record != NULL)
        tap->record->fault = fault;
}

static void matched(void *context, size_t rule, const struct packet *packet)
{
    struct tap *tap = context;

    if (tap->rule_count < WATCH_RULES_MAX)
        tap->rules[tap->rule_count] = (uint32_t)rule;
    tap->rule_count++;
    if (tap->explained != 0)
        explainer_observer(tap->explainer)->matched(tap->explainer, rule, packet);
}

static void acted(void *context, size_t rule, const struct packet *packet)
{
    struct tap *tap = context;

    if (tap->explained != 0)
        explainer_observer(tap->explainer)->acted(tap->explainer, rule, packet);
}

static void fill_translation(struct watch_record *record, const struct packet *packet)
{
    const struct flow *flow = packet->flow;

    record->is_translated = flow != NULL && flow_is_translated(flow);
    if (!record->is_translated)
        return;
    record->translation = (struct watch_translation){.rule = flow->rule, .way = packet->way};
    memcpy(record->translation.tuples, flow->tuples, sizeof(flow->tuples));
}

static void fill_outcome(const struct tap *tap, struct watch_record *record,
                         const struct packet *packet)
{
    fill_translation(record, packet);
    record->fate = packet->fate;
    record->reason = packet->reason;
    record->segment = tap->segment;
    record->rule_count = tap->rule_count;
    memcpy(record->rules, tap->rules,
           MIN_OF(tap->rule_count, (size_t)WATCH_RULES_MAX) * sizeof(*record->rules));
    record->is_edited = (packet->flags & PACKET_EDITED) != 0;
    if (!record->is_edited)
        return;
    record->length_after = packet->length;
    record->captured_after = MIN_OF(packet->length, record->captured);
    memcpy(record->data + record->captured, packet->data, record->captured_after);
}

/* The packet, which has STAGES to offer, is what it will be. */
static void end_record(struct tap *tap, const struct packet *packet, unsigned stages)
{
    struct watch_record *record = TAKE_PTR(tap->record);

    if (record == NULL)
        return;
    record->watchers = select_stages(tap, record->watchers, stages);
    if (record->watchers == 0 && record_ring_take_back(&tap->ring, &record->record))
        return;
    fill_outcome(tap, record, packet);
    record_ring_shrink(&tap->ring, &record->record,
                       sizeof(*record) + record->captured + record->captured_after);
    record_ring_push(&tap->ring);
}

static void split(void *context, const struct packet *packet, const struct packet *segment)
{
    struct tap *tap = context;

    if (tap->segment == 0) {
        end_record(tap, packet, WATCH_IN);
        tap->whole_rule_count = tap->rule_count;
        if (tap->explained != 0)
            explainer_observer(tap->explainer)->split(tap->explainer, packet, segment);
    }
    tap->segment++;
    tap->rule_count = tap->whole_rule_count;
    if (tap->wanted != 0)
        tap->record = begin_record(tap, tap->wanted, segment);
}

static void answered(void *context, const struct packet *answer)
{
    struct tap *tap = context;
    uint32_t wanted = tap->wanted | select_watches(tap, WATCH_PACKETS, answer, REASON_NONE);
    struct watch_record *record;

    if (tap->explained != 0)
        explainer_observer(tap->explainer)->answered(tap->explainer, answer);
    wanted = select_stages(tap, wanted, WATCH_OUT);
    if (wanted == 0)
        return;
    record = begin_record(tap, wanted, answer);
    if (record == NULL)
        return;
    fill_translation(record, answer);
    record->is_answer = true;
    record->direction = DIRECTION_OUT;
    record->fate = FATE_OUT;
    if (tap->record == NULL) /* else it is shown together with the packet that it answers */
        record_ring_push(&tap->ring);
}

static void translated(void *context, const struct packet *packet)
{
    struct tap *tap = context;

    if (tap->explained != 0)
        explainer_observer(tap->explainer)->translated(tap->explainer, packet);
}

/* Another thread has the explanation from here on. */
static void send_explanation(struct tap *tap)
{
    const struct explanation *told = explainer_get(tap->explainer);
    uint32_t watchers = tap->explained;
    struct watch_record *record;
    json_t *explanation;

    tap->explained = 0;
    explanation = told != NULL ? explain_to_json(told, path_ruleset(tap->path)) : NULL;
    if (explanation == NULL) {
        count_lost(tap, watchers);
        return;
    }
    record = claim(tap, WATCH_EXPLANATIONS, watchers, 0);
    if (record == NULL) {
        json_decref(explanation);
        return;
    }
    record->explanation = explanation;
    record_ring_push(&tap->ring);
}

/* What has waited or was split has come in before. */
static unsigned stages_of(const struct tap *tap, const struct packet *packet)
{
    unsigned in = tap->segment == 0 && (packet->flags & PACKET_WAITED) == 0 ? WATCH_IN : 0;

    if (packet->fate == FATE_PARKED)
        return in;
    return in | (packet->fate == FATE_OUT ? WATCH_OUT : WATCH_DROP);
}

static void decided(void *context, const struct packet *packet)
{
    struct tap *tap = context;
    end_record(tap, packet, stages_of(tap, packet));
    if (tap->explained == 0)
        return;
    explainer_observer(tap->explainer)->decided(tap->explainer, packet);
    send_explanation(tap);
}

/* The watches that want to hear of EVENT. */
static uint32_t select_flow_watches(const struct tap *tap, const struct flow *flow,
                                    const struct flow_event *event)
{
    uint32_t wanted = 0;

    for (uint32_t left = tap->of_flows; left != 0; left &= left - 1) {
        const struct watch_wish *wish = tap->watches[__builtin_ctz(left)]->wish;

        if ((wish->changes & WATCH_CHANGE(event->change)) != 0 &&
            flow_filter_fits(&wish->flows, flow))
            wanted |= left & -left;
    }
    return wanted;
}

/* May come in the middle of a packet, and is then shown together with that. */
static void told_of_flow(void *context, const struct flow *flow, const struct flow_event *event)
{
    struct tap *tap = context;
    const struct moment *moment = path_now(tap->path);
    uint32_t wanted = select_flow_watches(tap, flow, event);
    struct watch_record *record;
    struct watch_flow told;

    if (wanted == 0)
        return;
    record = claim(tap, WATCH_FLOWS, wanted, sizeof(told));
    if (record == NULL)
        return;
    record->time_ns += event->now_ns - moment->now_ns; /* it may be no packet that caused it */
    told = (struct watch_flow){*flow, *event,
                               flow_time_left(path_flows(tap->path), flow, event->now_ns)};
    memcpy(record->data, &told, sizeof(told));
    if (tap->record == NULL)
        record_ring_push(&tap->ring);
}

struct tap *tap_new(struct path *path, unsigned queue)
{
    struct tap *tap = aligned_alloc(_Alignof(struct tap), sizeof(*tap));

    if (tap == NULL)
        return NULL;
    *tap = (struct tap){
        .path = path,
        .queue = queue,
        .observer = {tap, received, arrived, matched, acted, split, answered, translated, decided},
        .flow_observer = {tap, told_of_flow},
        .explainer = explainer_new(path, true),
        .wire = malloc(PACKET_CAPACITY),
    };
    if (tap->explainer != NULL && tap->wire != NULL &&
        record_ring_init(&tap->ring, TAP_RING_BYTES) == 0)
        return tap;
    explainer_free(tap->explainer);
    free(tap->wire);
    free(tap);
    return NULL;
}

void tap_free(struct tap *tap)
{
    const struct watch_record *record;

    if (tap == NULL)
        return;
    while ((record = tap_pop(tap)) != NULL)
        json_decref(record->explanation);
    record_ring_clear(&tap->ring);
    explainer_free(tap->explainer);
    free(tap->wire);
    free(tap);
}

struct watch *watch_new(const struct watch_wish *wish)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    assert(wish->sample > 0);
    if (watch == NULL)
        return NULL;
    watch->wish = wish;
    if (wish->filter == NULL)
        return watch;
    watch->memory = filter_memory_new(wish->filter);
    if (watch->memory != NULL)
        return watch;
    free(watch);
    return NULL;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    filter_memory_free(watch->memory);
    free(watch);
}

void tap_set_watch(struct tap *tap, unsigned slot, struct watch *watch)
{
    assert(slot < WATCHES_MAX);
    tap->watches[slot] = watch;
    tap->active &= ~(1u << slot);
    tap->of_flows &= ~(1u << slot);
    if (watch != NULL)
        tap->active |= 1u << slot;
    if (watch != NULL && watch->wish->kind == WATCH_FLOWS)
        tap->of_flows |= 1u << slot;
    path_set_observer(tap->path, tap->active != tap->of_flows ? &tap->observer : NULL);
    path_set_flow_observer(tap->path, tap->of_flows != 0 ? &tap->flow_observer : NULL);
}

const struct watch_record *tap_pop(struct tap *tap)
{
    return record_ring_pop(&tap->ring);
}

uint64_t tap_lost(const struct tap *tap, unsigned slot)
{
    return atomic_load_explicit(&tap->lost[slot], memory_order_relaxed);
}

bool tap_is_empty(const struct tap *tap)
{
    return record_ring_is_empty(&tap->ring);
}
