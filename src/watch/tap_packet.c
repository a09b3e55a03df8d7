/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tap as the observer of packets: one record a packet that somebody wants. */
#include "tap_state.h"

#include "ipmodd/explain/json.h"

#include <string.h>

/* A record of PACKET with its BYTES for WATCHERS, with room for what it becomes. */
static struct watch_record *begin_record_of(struct tap *tap, uint32_t watchers,
                                            const struct packet *packet, const uint8_t *bytes)
{
    size_t captured = MIN_OF(packet->length, watch_slots_snap_length(&tap->slots, watchers));
    struct watch_record *record = tap_claim(tap, WATCH_PACKETS, watchers, 2 * captured);

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

    memcpy(tap->wire, packet->data,
           MIN_OF(packet->length, watch_slots_snap_length(&tap->slots, tap->slots.active)));
    if (watch_slots_have(&tap->slots, WATCH_EXPLANATIONS))
        explainer_observer(tap->explainer)->received(tap->explainer, packet);
}

static void arrived(void *context, const struct packet *packet, enum reason fault)
{
    struct tap *tap = context;

    tap->number++;
    tap->segment = 0;
    tap->rule_count = 0;
    tap->record = NULL;
    tap->explained = watch_slots_select(&tap->slots, WATCH_EXPLANATIONS, tap->path, packet, fault);
    if (tap->explained != 0)
        explainer_observer(tap->explainer)->arrived(tap->explainer, packet, fault);
    tap->wanted = watch_slots_select(&tap->slots, WATCH_PACKETS, tap->path, packet, fault);
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
    record->watchers = watch_slots_select_stages(&tap->slots, record->watchers, stages);
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
    uint32_t wanted = tap->wanted | watch_slots_select(&tap->slots, WATCH_PACKETS, tap->path,
                                                       answer, REASON_NONE);
    struct watch_record *record;

    if (tap->explained != 0)
        explainer_observer(tap->explainer)->answered(tap->explainer, answer);
    wanted = watch_slots_select_stages(&tap->slots, wanted, WATCH_OUT);
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
        tap_lose(tap, watchers);
        return;
    }
    record = tap_claim(tap, WATCH_EXPLANATIONS, watchers, 0);
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

struct observer tap_packet_observer(struct tap *tap)
{
    return (struct observer){tap,   received, arrived,    matched, acted,
                             split, answered, translated, decided};
}
