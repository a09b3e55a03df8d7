/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table's life, and what is told of it. */
#include "table_state.h"

#include "mapping.h"
#include "memory.h"
#include "shards.h"

#include "ipmodd/base/macro.h"

#include <stdlib.h>

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
    table->free = TABLE_NONE;
    table->oldest = TABLE_NONE;
    table->newest = TABLE_NONE;
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

bool table_is_mapping_full(const struct flow_table *table, uint32_t number)
{
    uint32_t limit = table->limits.nat_flows;

    return number != 0 && limit != NAT_FLOWS_UNLIMITED &&
           mappings_get(table->mappings, number)->users >= limit;
}

/* What it has of what they share goes back, and nobody is told. */
static void leave_shards(struct flow_table *table)
{
    table->observer = NULL;
    for (size_t i = 0; i < table->fresh; i++) {
        if (table->flows[i].entry_state != ENTRY_FREE)
            table_release(table, &table->flows[i], FLOW_END_FLUSHED, 0);
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

        if (flow->entry_state != ENTRY_FREE && !table_is_over(table, flow, now_ns))
            return flow;
    }
    return NULL;
}
