/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linear probing, and holes that are closed. */
#include "places.h"

size_t places_for(size_t capacity)
{
    size_t count = 1;

    while (count < 2 * capacity)
        count *= 2;
    return count;
}

static size_t after(const struct places *places, size_t place)
{
    return (place + 1) & places->mask;
}

void places_add(struct places *places, uint32_t hash, uint32_t number)
{
    size_t place = hash & places->mask;

    while (places->items[place].number != 0)
        place = after(places, place);
    places->items[place] = (struct place){hash, number};
}

/* Knuth's algorithm R (TAOCP 6.4): what stands behind the hole and may move into it does. */
static void close_hole(struct places *places, size_t hole)
{
    struct place *items = places->items;

    for (size_t i = after(places, hole); items[i].number != 0; i = after(places, i)) {
        size_t from_home = (i - items[i].hash) & places->mask;

        if (from_home < ((i - hole) & places->mask))
            continue;
        items[hole] = items[i];
        hole = i;
    }
    items[hole].number = 0;
}

void places_remove(struct places *places, uint32_t hash, uint32_t number)
{
    size_t place = hash & places->mask;

    while (places->items[place].number != number)
        place = after(places, place);
    close_hole(places, place);
}
