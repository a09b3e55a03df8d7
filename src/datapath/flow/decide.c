/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of the rules: what a flow is from now on, and what becomes of the packet. */
#include "choose.h"
#include "mapping.h"
#include "table.h"
#include "translate.h"

static bool has_notes(const struct packet *packet)
{
    return packet->notes[PACKET_SRC].translation != NULL ||
           packet->notes[PACKET_DST].translation != NULL;
}

/* Whoever FLOW sends to may send to its mapping. */
static void give_permit(const struct tracking *tracking, struct flow *flow)
{
    const struct mapping_inside permit = mapping_permit(&flow->tuples[FLOW_REPLY]);
    struct mappings *mappings = table_mappings(tracking->table);
    uint32_t number;

    if (table_limits(tracking->table)->nat_filtering != NAT_ADDRESS_DEPENDENT)
        return;
    number = mappings_find_inside(mappings, &permit, NULL);
    if (number == 0)
        number = mappings_add(mappings, &permit, NULL);
    flow_table_hold_mapping(tracking->table, flow, PACKET_DST, number);
}

/* The REPLY of FLOW, whose packet would leave as LEAVING, is decided. */
static void settle(const struct tracking *tracking, struct flow *flow,
                   const struct flow_tuple *leaving, uint32_t mapping)
{
    const struct flow_tuple reply = flow_tuple_turn(leaving);

    flow_table_set_reply(tracking->table, flow, &reply);
    flow_table_hold_mapping(tracking->table, flow, PACKET_SRC, mapping);
    if (mapping != 0 && (flow->flags & FLOW_INWARD) == 0)
        give_permit(tracking, flow);
    flow->flags |= FLOW_DECIDED;
}

/* With the lock of the mappings. */
static enum reason choose(const struct tracking *tracking, struct packet *packet)
{
    const struct translation_note *notes = packet->notes;
    struct flow *flow = packet->flow;
    enum reason reason = REASON_NONE;
    struct flow_tuple leaving;
    uint32_t mapping;

    flow_tuple_of(packet, &leaving);
    if (notes[PACKET_DST].translation != NULL && (flow->flags & FLOW_INWARD) == 0)
        reason = choose_destination(tracking, &notes[PACKET_DST], &leaving);
    if (reason == REASON_NONE)
        reason = choose_source(tracking, flow, &notes[PACKET_SRC], &leaving, &mapping);
    if (reason != REASON_NONE)
        return reason;
    settle(tracking, flow, &leaving, mapping);
    if ((flow->flags & FLOW_INWARD) == 0)
        flow->rule = notes[PACKET_SRC].translation != NULL ? notes[PACKET_SRC].rule
                                                           : notes[PACKET_DST].rule;
    return REASON_NONE;
}

static enum reason choose_alone(const struct tracking *tracking, struct packet *packet)
{
    enum reason reason;

    table_lock_mappings(tracking->table);
    reason = choose(tracking, packet);
    table_unlock_mappings(tracking->table);
    return reason;
}

static enum reason decide(const struct tracking *tracking, struct packet *packet)
{
    struct flow *flow = packet->flow;
    enum reason reason = REASON_NONE;

    if (packet->relation == RELATION_RELATED)
        return REASON_NONE;
    if (flow == NULL && has_notes(packet) && !translate_by_prefixes(packet))
        return packet->relation == RELATION_NEW ? REASON_NAT_EXHAUSTED : REASON_UNTRANSLATABLE;
    if (flow == NULL || (flow->flags & FLOW_DECIDED) != 0 || packet->way != FLOW_ORIGINAL)
        return REASON_NONE;
    if (has_notes(packet) || (flow->flags & FLOW_REPLY_TAKEN) != 0)
        reason = choose_alone(tracking, packet);
    else
        flow->flags |= FLOW_DECIDED;
    if (reason == REASON_NONE)
        table_tell(tracking->table, flow, FLOW_BEGINS, tracking->now_ns);
    return reason;
}

enum reason track_leaving(const struct tracking *tracking, struct packet *packet)
{
    enum reason reason = decide(tracking, packet);

    if (reason != REASON_NONE)
        return reason;
    return translate_packet(packet, TRANSLATE_AFTER_RULES) ? REASON_NONE : REASON_UNTRANSLATABLE;
}
