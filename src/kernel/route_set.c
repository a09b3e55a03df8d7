/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of routes by key, with the variants that main may have under one key. */
#include "kernel/route.h"

#include <errno.h>
#include <string.h>

/* Multiply and fold, eight bytes at a time; the constant is 2^64 divided by the golden ratio. */
unsigned route_key_hash(const void *key)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    const uint8_t *bytes = key;
    uint64_t hash = 0;

    for (size_t i = 0; i < sizeof(struct route_key); i += sizeof(hash)) {
        uint64_t word;

        memcpy(&word, bytes + i, sizeof(word));
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    return (unsigned)hash;
}

struct route *route_set_find(const struct route_set *set, const struct route_key *key)
{
    struct route *route;

    HASH_FIND(hh, set->routes, key, sizeof(*key), route);
    return route;
}

/* Puts ROUTE, whose key is not in SET, into the hash; frees it on failure. */
static int set_insert(struct route_set *set, struct route *route)
{
    HASH_ADD(hh, set->routes, key, sizeof(route->key), route);
    if (route->hh.tbl != NULL)
        return 0;
    while (route != NULL) {
        struct route *next = route->next;

        route_free(route);
        route = next;
    }
    return -ENOMEM;
}

void route_set_remove(struct route_set *set, struct route *route)
{
    HASH_DEL(set->routes, route);
    while (route != NULL) {
        struct route *next = route->next;

        route_free(route);
        route = next;
    }
}

int route_set_replace(struct route_set *set, struct route *route)
{
    struct route *old = route_set_find(set, &route->key);

    if (old != NULL)
        route_set_remove(set, old);
    return set_insert(set, route);
}

int route_set_prepend(struct route_set *set, struct route *route)
{
    struct route *old = route_set_find(set, &route->key);

    if (old != NULL)
        HASH_DEL(set->routes, old);
    route->next = old;
    return set_insert(set, route);
}

int route_set_append(struct route_set *set, struct route *route)
{
    struct route *last = route_set_find(set, &route->key);

    if (last == NULL)
        return set_insert(set, route);
    while (last->next != NULL)
        last = last->next;
    last->next = route;
    return 0;
}

bool route_set_remove_same(struct route_set *set, const struct route *route)
{
    struct route *first = route_set_find(set, &route->key);
    struct route *same = first;
    struct route *before = NULL;

    while (same != NULL && !route_same(same, route)) {
        before = same;
        same = same->next;
    }
    if (same == NULL)
        return false;
    if (before != NULL) {
        before->next = same->next;
        route_free(same);
        return true;
    }
    HASH_DEL(set->routes, first);
    if (first->next != NULL)
        set_insert(set, first->next);
    route_free(first);
    return true;
}

size_t route_set_count(const struct route_set *set)
{
    return HASH_COUNT(set->routes);
}

void route_set_clear(struct route_set *set)
{
    struct route *route, *safe;

    HASH_ITER(hh, set->routes, route, safe) {
        route_set_remove(set, route);
    }
}
