/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a table has in common with those of other threads. */
#include "table_state.h"

#include "mapping.h"
#include "shards.h"

void table_disclaim(struct flow_table *table, const struct flow_tuple *tuple)
{
    const struct flow_tuple turned = flow_tuple_turn(tuple);
    enum flow_way way;

    if (table->shards != NULL && flow_index_find(&table->index, tuple, &way) == NULL &&
        flow_index_find(&table->index, &turned, &way) == NULL)
        directory_give_back(shards_directory(table->shards), tuple, table->number);
}

void table_give_up(struct flow_table *table, const struct flow *flow)
{
    if (table->shards != NULL)
        directory_give_back(shards_directory(table->shards), &flow->tuples[FLOW_ORIGINAL],
                            table->number);
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

static void change_translated(struct flow_table *table, const struct flow *flow, int change)
{
    if (!flow_is_translated(flow))
        return;
    table->translated += (size_t)change;
    if (table->shards != NULL)
        shards_change_translated(table->shards, change);
}

void table_count_translated(struct flow_table *table, const struct flow *flow)
{
    change_translated(table, flow, 1);
}

void table_discount_translated(struct flow_table *table, const struct flow *flow)
{
    change_translated(table, flow, -1);
}

bool table_translates(const struct flow_table *table)
{
    return table->translated > 0 || (table->shards != NULL && shards_translate(table->shards));
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
