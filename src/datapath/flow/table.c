/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries, their lists, and the hand that goes round. */
#include "table.h"

#include "index.h"
#include "mapping.h"
#include "memory.h"
#include "shards.h"

#include "ipmodd/base/macro.h"

#include <assert.h>
#include <stdlib.h>

static_assert(sizeof(struct flow) <= 152, "an entry and its index fit 192 bytes");

enum {
    NONE = UINT32_MAX,
    WINDOW = 8, /* entries that a new flow without room looks at for one that is over */
};

/* What an entry holds, and which list it is in. */
enum entry_state {
    ENTRY_FREE,       /* nothing; in the list of the free ones, or never used */
    ENTRY_UNANSWERED, /* a flow in the list of those */
    ENTRY_ANSWERED,   /* a flow in no list */
};

struct flow_table {
    struct flow *flows;
    struct flow_index index;
    size_t capacity;
    size_t count, translated;
    size_t fresh; /* entries from here on have never been used */
    size_t hand;
    uint32_t free;           /* first of the entries that were used and are not now */
    uint32_t oldest, newest; /* of the flows that nobody has answered */
    uint64_t timeouts_ns[FLOW_CLASS_COUNT];
    struct flow_limits limits;
    struct mappings *mappings;            /* owned, or those of the shards */
    struct shards *shards;                /* borrowed; NULL: no other has flows */
    unsigned number;                      /* of this shard among them */
    const struct flow_observer *observer; /* borrowed; NULL: nobody */
    struct flow_table_counters counters;
};

static size_t flows_size(const struct flow_table *table)
{
    return table->capacity * sizeof(*table->flows);
}

struct flow_table *flow_table_new(const struct flow_limits *limits, uint64_t seed)
{
    struct flow_table *table = calloc(1, sizeof(*table));

    assert(limits->max >= FLOWS_MIN && limits->max <= FLOWS_MAX);
    if (table == NULL)
        return NULL;
    table->capacity = limits->max;
    table->flows = memory_map(flows_size(table));
    table->mappings = mappings_new(limits->max);
    if (table->flows == NULL || table->mappings == NULL ||
        flow_index_init(&table->index, table->flows, table->capacity) < 0) {
        flow_table_free(table);
        return NULL;
    }
    table->free = NONE;
    table->oldest = NONE;
    table->newest = NONE;
    flow_table_seed(table, seed);
    flow_table_set_limits(table, limits);
    return table;
}

void flow_table_set_limits(struct flow_table *table, const struct flow_limits *limits)
{
    table->limits = *limits;
    for (size_t i = 0; i < FLOW_CLASS_COUNT; i++)
        table->timeouts_ns[i] = limits->timeouts_s[i] * UINT64_C(1000000000);
}

void flow_table_seed(struct flow_table *table, uint64_t seed)
{
    if (table->count > 0)
        return;
    table->index.seed = seed;
    if (table->shards == NULL)
        mappings_seed(table->mappings, seed);
}

void flow_table_set_observer(struct flow_table *table, const struct flow_observer *observer)
{
    table->observer = observer;
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

uint64_t flow_time_left(const struct flow_table *table, const struct flow *flow, uint64_t now_ns)
{
    uint64_t end_ns = flow->seen_ns + table->timeouts_ns[flow->class];

    return now_ns < end_ns ? end_ns - now_ns : 0;
}

static bool is_over(const struct flow_table *table, const struct flow *flow, uint64_t now_ns)
{
    return flow_time_left(table, flow, now_ns) == 0;
}

/* Whether another one than FLOW has TUPLE. */
static bool is_taken(const struct flow_table *table, const struct flow_tuple *tuple,
                     const struct flow *flow)
{
    enum flow_way way;
    const struct flow *holder = flow_index_find(&table->index, tuple, &way);

    return holder != NULL && holder != flow;
}

void table_disclaim(struct flow_table *table, const struct flow_tuple *tuple)
{
    const struct flow_tuple turned = flow_tuple_turn(tuple);
    enum flow_way way;

    if (table->shards != NULL && flow_index_find(&table->index, tuple, &way) == NULL &&
        flow_index_find(&table->index, &turned, &way) == NULL)
        directory_give_back(shards_directory(table->shards), tuple, table->number);
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

static void list_unanswered(struct flow_table *table, struct flow *flow)
{
    uint32_t number = number_of(table, flow);

    flow->entry_state = ENTRY_UNANSWERED;
    flow->previous = table->newest;
    flow->next = NONE;
    if (table->newest != NONE)
        table->flows[table->newest].next = number;
    else
        table->oldest = number;
    table->newest = number;
}

static void unlist(struct flow_table *table, const struct flow *flow)
{
    if (flow->previous != NONE)
        table->flows[flow->previous].next = flow->next;
    else
        table->oldest = flow->next;
    if (flow->next != NONE)
        table->flows[flow->next].previous = flow->previous;
    else
        table->newest = flow->previous;
}

void table_note_answer(struct flow_table *table, struct flow *flow)
{
    if (flow->entry_state != ENTRY_UNANSWERED)
        return;
    unlist(table, flow);
    flow->entry_state = ENTRY_ANSWERED;
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

static void release(struct flow_table *table, struct flow *flow, enum flow_end why, uint64_t now_ns)
{
    tell(table, flow, &(struct flow_event){FLOW_ENDS, why, now_ns});
    flow_index_remove(&table->index, flow, FLOW_ORIGINAL);
    if (has_reply_place(flow))
        flow_index_remove(&table->index, flow, FLOW_REPLY);
    table_disclaim(table, &flow->tuples[FLOW_ORIGINAL]);
    if (flow_is_translated(flow))
        table_disclaim(table, &flow->tuples[FLOW_REPLY]);
    release_mappings(table, flow);
    if (flow->entry_state == ENTRY_UNANSWERED)
        unlist(table, flow);
    table->translated -= flow_is_translated(flow);
    flow->entry_state = ENTRY_FREE;
    flow->next = table->free;
    table->free = number_of(table, flow);
    table->count--;
}

void flow_table_remove(struct flow_table *table, struct flow *flow, enum flow_end why,
                       uint64_t now_ns)
{
    assert(flow->entry_state != ENTRY_FREE);
    release(table, flow, why, now_ns);
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

    if (flow == NULL || !is_over(table, flow, now_ns))
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

        if (flow->entry_state != ENTRY_FREE && is_over(table, flow, now_ns))
            expire(table, flow, now_ns);
    }
}

/* In a full table. */
static void make_room(struct flow_table *table, uint64_t now_ns)
{
    flow_table_sweep(table, WINDOW, now_ns);
    if (table->count < table->capacity || table->oldest == NONE)
        return;
    release(table, &table->flows[table->oldest], FLOW_END_DISPLACED, now_ns);
    table->counters.displaced++;
}

/* NULL when none is free. */
static struct flow *take_entry(struct flow_table *table)
{
    struct flow *flow;

    if (table->free != NONE) {
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
    list_unanswered(table, flow);
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
    table->translated += flow_is_translated(flow);
    table->counters.added++;
    return flow;
}

void flow_table_set_reply(struct flow_table *table, struct flow *flow,
                          const struct flow_tuple *reply)
{
    const struct flow_tuple before = flow->tuples[FLOW_REPLY];

    if ((flow->flags & FLOW_REPLY_TAKEN) == 0 && flow_tuple_equal(&before, reply))
        return;
    table->translated -= flow_is_translated(flow);
    if (has_reply_place(flow))
        flow_index_remove(&table->index, flow, FLOW_REPLY);
    flow->flags &= (uint8_t)~FLOW_REPLY_TAKEN;
    flow->tuples[FLOW_REPLY] = *reply;
    if (has_reply_place(flow))
        flow_index_add(&table->index, flow, FLOW_REPLY);
    table_disclaim(table, &before);
    table->translated += flow_is_translated(flow);
}

void flow_table_hold_mapping(struct flow_table *table, struct flow *flow, size_t i, uint32_t number)
{
    mappings_hold(table->mappings, number);
    mappings_release(table->mappings, flow->mappings[i]);
    flow->mappings[i] = number;
}

void table_join(struct flow_table *table, struct shards *shards, unsigned number)
{
    if (shards == NULL || table->shards == shards)
        return;
    assert(table->shards == NULL && table->count == 0);
    mappings_free(table->mappings);
    table->mappings = shards_mappings(shards);
    table->shards = shards;
    table->number = number;
}

bool table_is_elsewhere(const struct flow_table *table, const struct flow_tuple *tuple,
                        unsigned *ret_owner)
{
    if (table->shards == NULL)
        return false;
    *ret_owner = directory_find(shards_directory(table->shards), tuple);
    return *ret_owner != DIRECTORY_NOBODY && *ret_owner != table->number;
}

bool table_claim(struct flow_table *table, const struct flow_tuple *tuple, unsigned *ret_owner)
{
    if (table->shards == NULL)
        return true;
    *ret_owner = directory_claim(shards_directory(table->shards), tuple, table->number);
    return *ret_owner == table->number;
}

void table_lock_mappings(struct flow_table *table)
{
    if (table->shards != NULL)
        shards_lock(table->shards);
}

void table_unlock_mappings(struct flow_table *table)
{
    if (table->shards != NULL)
        shards_unlock(table->shards);
}

const struct flow_limits *table_limits(const struct flow_table *table)
{
    return &table->limits;
}

uint64_t table_hash(const struct flow_table *table, const void *bytes, size_t size)
{
    return flow_index_hash(&table->index, bytes, size);
}

struct mappings *table_mappings(const struct flow_table *table)
{
    return table->mappings;
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

/* What it has of what they share goes back, and nobody is told. */
static void leave_shards(struct flow_table *table)
{
    table->observer = NULL;
    for (size_t i = 0; i < table->fresh; i++) {
        if (table->flows[i].entry_state != ENTRY_FREE)
            release(table, &table->flows[i], FLOW_END_FLUSHED, 0);
    }
}

void flow_table_free(struct flow_table *table)
{
    if (table == NULL)
        return;
    if (table->shards != NULL)
        leave_shards(table);
    memory_unmap(table->flows, flows_size(table));
    flow_index_clear(&table->index);
    if (table->shards == NULL)
        mappings_free(table->mappings);
    free(table);
}

size_t flow_table_count(const struct flow_table *table)
{
    return table->count;
}

size_t flow_table_translated(const struct flow_table *table)
{
    return table->translated;
}

size_t flow_table_capacity(const struct flow_table *table)
{
    return table->capacity;
}

size_t flow_table_used(const struct flow_table *table)
{
    return table->fresh;
}

const struct flow_table_counters *flow_table_counters(const struct flow_table *table)
{
    return &table->counters;
}

size_t flow_table_memory(const struct flow_table *table)
{
    size_t shared = mappings_memory(table->mappings);

    if (table->shards != NULL)
        shared = (shared + directory_size(shards_directory(table->shards))) /
                 shards_count(table->shards);
    return sizeof(*table) + flows_size(table) + flow_index_size(&table->index) + shared;
}

const struct flow *flow_table_next(const struct flow_table *table, size_t *cursor, size_t end,
                                   uint64_t now_ns)
{
    end = MIN_OF(end, (size_t)table->fresh);
    while (*cursor < end) {
        const struct flow *flow = &table->flows[(*cursor)++];

        if (flow->entry_state != ENTRY_FREE && !is_over(table, flow, now_ns))
            return flow;
    }
    return NULL;
}
