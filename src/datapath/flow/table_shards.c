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
