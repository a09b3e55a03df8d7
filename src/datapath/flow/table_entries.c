/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries, their lists, and the hand that goes round. */
#include "table_state.h"

#include "mapping.h"

enum { WINDOW = 8 }; /* entries that a new flow without room looks at for one that is over */

uint64_t flow_time_left(const struct flow_table *table, const struct flow *flow, uint64_t now_ns)
{
    uint64_t end_ns = flow->seen_ns + table->timeouts_ns[flow->class];

    return now_ns < end_ns ? end_ns - now_ns : 0;
}

static void tell(const struct flow_table *table, const struct flow *flow,
                 const struct flow_event *event)
{
    if (table->observer != NULL && (flow->flags & FLOW_DECIDED) != 0)
        table->observer->tell(table->observer->context, flow, event);
}

void table_tell(const struct flow_table *table, const struct flow *flow, enum flow_change change,
                uint64_t now_ns)
{
    tell(table, flow, &(struct flow_event){.change = change, .now_ns = now_ns});
}

/* Whether another one than FLOW has TUPLE. */
static bool is_taken(const struct flow_table *table, const struct flow_tuple *tuple,
                     const struct flow *flow)
{
    enum flow_way way;
    const struct flow *holder = flow_index_find(&table->index, tuple, &way);

    return holder != NULL && holder != flow;
}

/* A flow to itself (both tuples the same) has one place. */
static bool has_one_tuple(const struct flow *flow)
{
    return flow_tuple_equal(&flow->tuples[FLOW_ORIGINAL], &flow->tuples[FLOW_REPLY]);
}

/* Whether REPLY has a place of its own. */
static bool has_reply_place(const struct flow *flow)
{
    return (flow->flags & FLOW_REPLY_TAKEN) == 0 && !has_one_tuple(flow);
}

static uint32_t number_of(const struct flow_table *table, const struct flow *flow)
{
    return (uint32_t)(flow - table->flows);
}

static void list_one_sided(struct flow_table *table, struct flow *flow)
{
    uint32_t number = number_of(table, flow);

    flow->entry_state = ENTRY_ONE_SIDED;
    flow->previous = table->newest;
    flow->next = TABLE_NONE;
    if (table->newest != TABLE_NONE)
        table->flows[table->newest].next = number;
    else
        table->oldest = number;
    table->newest = number;
}

static void unlist(struct flow_table *table, const struct flow *flow)
{
    if (flow->previous != TABLE_NONE)
        table->flows[flow->previous].next = flow->next;
    else
        table->oldest = flow->next;
    if (flow->next != TABLE_NONE)
        table->flows[flow->next].previous = flow->previous;
    else
        table->newest = flow->previous;
}

void table_note_both_sides(struct flow_table *table, struct flow *flow)
{
    if (flow->entry_state != ENTRY_ONE_SIDED)
        return;
    unlist(table, flow);
    flow->entry_state = ENTRY_BOTH_SIDED;
}

static void release_mappings(struct flow_table *table, const struct flow *flow)
{
    bool any = false;

    for (size_t i = 0; i < FLOW_MAPPINGS; i++)
        any = any || flow->mappings[i] != 0;
    if (!any)
        return;
    table_lock_mappings(table);
    for (size_t i = 0; i < FLOW_MAPPINGS; i++)
        mappings_release(table->mappings, flow->mappings[i]);
    table_unlock_mappings(table);
}

void table_release(struct flow_table *table, struct flow *flow, enum flow_end why, uint64_t now_ns)
{
    tell(table, flow, &(struct flow_event){FLOW_ENDS, why, now_ns});
    flow_index_remove(&table->index, flow, FLOW_ORIGINAL);
    if (has_reply_place(flow))
        flow_index_remove(&table->index, flow, FLOW_REPLY);
    table_disclaim(table, &flow->tuples[FLOW_ORIGINAL]);
    if (flow_is_translated(flow))
        table_disclaim(table, &flow->tuples[FLOW_REPLY]);
    release_mappings(table, flow);
    if (flow->entry_state == ENTRY_ONE_SIDED)
        unlist(table, flow);
    table_discount_translated(table, flow);
    flow->entry_state = ENTRY_FREE;
    flow->next = table->free;
    table->free = number_of(table, flow);
    table->count--;
}

void flow_table_remove(struct flow_table *table, struct flow *flow, enum flow_end why,
                       uint64_t now_ns)
{
    assert(flow->entry_state != ENTRY_FREE);
    table_release(table, flow, why, now_ns);
    table->counters.ended++;
}

/* FLOW has had its time. */
static void expire(struct flow_table *table, struct flow *flow, uint64_t now_ns)
{
    enum flow_tcp_state state = flow_tcp_state_of(flow);
    bool closed = state == FLOW_TCP_TIME_WAIT || state == FLOW_TCP_CLOSE;

    flow_table_remove(table, flow, closed ? FLOW_END_CLOSED : FLOW_END_TIMEOUT, now_ns);
}

struct flow *flow_table_find(struct flow_table *table, const struct flow_tuple *tuple,
                             uint64_t now_ns, enum flow_way *ret_way)
{
    struct flow *flow = flow_index_find(&table->index, tuple, ret_way);

    if (flow == NULL || !table_is_over(table, flow, now_ns))
        return flow;
    expire(table, flow, now_ns);
    return NULL;
}

void flow_table_prefetch(const struct flow_table *table, const struct flow_tuple *tuples,
                         size_t count)
{
    flow_index_prefetch(&table->index, tuples, count);
}

static struct flow *next_under_hand(struct flow_table *table)
{
    struct flow *flow = &table->flows[table->hand];

    table->hand = table->hand + 1 < table->fresh ? table->hand + 1 : 0;
    return flow;
}

void flow_table_sweep(struct flow_table *table, size_t count, uint64_t now_ns)
{
    if (count > table->fresh)
        count = table->fresh;
    for (size_t i = 0; i < count; i++) {
        struct flow *flow = next_under_hand(table);

        if (flow->entry_state != ENTRY_FREE && table_is_over(table, flow, now_ns))
            expire(table, flow, now_ns);
    }
}

/* In a full table. */
static void make_room(struct flow_table *table, uint64_t now_ns)
{
    flow_table_sweep(table, WINDOW, now_ns);
    if (table->count < table->capacity || table->oldest == TABLE_NONE)
        return;
    table_release(table, &table->flows[table->oldest], FLOW_END_DISPLACED, now_ns);
    table->counters.displaced++;
}

/* NULL when none is free. */
static struct flow *take_entry(struct flow_table *table)
{
    struct flow *flow;

    if (table->free != TABLE_NONE) {
        flow = &table->flows[table->free];
        table->free = flow->next;
        return flow;
    }
    return table->fresh < table->capacity ? &table->flows[table->fresh++] : NULL;
}

/* With its ORIGINAL the table has its turned one as well. */
static bool owns_reply(struct flow_table *table, const struct flow *flow)
{
    unsigned owner;

    return table->shards == NULL || !flow_is_translated(flow) ||
           table_claim(table, &flow->tuples[FLOW_REPLY], &owner);
}

/* In an entry that is free and in no index yet. */
static void fill(struct flow_table *table, struct flow *flow, const struct flow_tuple *original,
                 const struct flow_tuple *reply, uint64_t now_ns)
{
    *flow = (struct flow){.tuples = {*original, *reply}, .made_ns = now_ns, .seen_ns = now_ns};
    list_one_sided(table, flow);
    flow_index_add(&table->index, flow, FLOW_ORIGINAL);
    if (is_taken(table, reply, flow) || !owns_reply(table, flow))
        flow->flags |= FLOW_REPLY_TAKEN;
    else if (has_reply_place(flow))
        flow_index_add(&table->index, flow, FLOW_REPLY);
}

struct flow *flow_table_add(struct flow_table *table, const struct flow_tuple *original,
                            const struct flow_tuple *reply, uint64_t now_ns)
{
    struct flow *flow;

    if (table->count == table->capacity)
        make_room(table, now_ns);
    flow = take_entry(table);
    if (flow == NULL) {
        table->counters.refused++;
        table_disclaim(table, original);
        return NULL;
    }
    fill(table, flow, original, reply, now_ns);
    table->count++;
    table_count_translated(table, flow);
    table->counters.added++;
    return flow;
}

void flow_table_set_reply(struct flow_table *table, struct flow *flow,
                          const struct flow_tuple *reply)
{
    const struct flow_tuple before = flow->tuples[FLOW_REPLY];

    if ((flow->flags & FLOW_REPLY_TAKEN) == 0 && flow_tuple_equal(&before, reply))
        return;
    table_discount_translated(table, flow);
    if (has_reply_place(flow))
        flow_index_remove(&table->index, flow, FLOW_REPLY);
    flow->flags &= (uint8_t)~FLOW_REPLY_TAKEN;
    flow->tuples[FLOW_REPLY] = *reply;
    if (has_reply_place(flow))
        flow_index_add(&table->index, flow, FLOW_REPLY);
    table_disclaim(table, &before);
    table_count_translated(table, flow);
}

void flow_table_hold_mapping(struct flow_table *table, struct flow *flow, size_t i, uint32_t number)
{
    mappings_hold(table->mappings, number);
    mappings_release(table->mappings, flow->mappings[i]);
    flow->mappings[i] = number;
}

size_t flow_table_flush(struct flow_table *table, size_t entry, size_t count,
                        bool (*wanted)(const void *context, const struct flow *flow),
                        const void *context, uint64_t now_ns)
{
    size_t removed = 0;

    for (; count > 0 && entry < table->fresh; entry++, count--) {
        struct flow *flow = &table->flows[entry];

        if (flow->entry_state == ENTRY_FREE || (wanted != NULL && !wanted(context, flow)))
            continue;
        flow_table_remove(table, flow, FLOW_END_FLUSHED, now_ns);
        removed++;
    }
    return removed;
}
