/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of either type, and finding them by name. */
#include "ipmodd/datapath/set.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "prefix_set.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS = 65536 };

struct set {
    char *name;
    char *elements, *file; /* as configured; NULL: not */
    enum set_type type;
    uint64_t digest;
    struct prefix_set prefixes[FAMILY_COUNT]; /* with SET_PREFIX */
    uint64_t *ports;                          /* with SET_PORT: bit P % 64 of word P / 64 */
};

static const char *const type_names[] = {[SET_PREFIX] = "prefix", [SET_PORT] = "port"};
static_assert(ARRAY_SIZE(type_names) == SET_TYPE_COUNT, "a name for each type");

struct set *set_new(const char *name, enum set_type type)
{
    struct set *set = calloc(1, sizeof(*set));

    if (set == NULL)
        return NULL;
    set->type = type;
    set->digest = text_digest(TEXT_DIGEST_START, type_names[type]);
    set->name = strdup(name);
    if (type == SET_PORT)
        set->ports = calloc(PORTS / 64, sizeof(*set->ports));
    if (set->name == NULL || (type == SET_PORT && set->ports == NULL)) {
        set_free(set);
        return NULL;
    }
    return set;
}

void set_free(struct set *set)
{
    if (set == NULL)
        return;
    for (size_t f = 0; f < FAMILY_COUNT; f++)
        prefix_set_clear(&set->prefixes[f]);
    free(set->ports);
    free(set->elements);
    free(set->file);
    free(set->name);
    free(set);
}

const char *set_name(const struct set *set)
{
    return set->name;
}

enum set_type set_type(const struct set *set)
{
    return set->type;
}

void set_note_text(struct set *set, const char *text)
{
    set->digest = text_digest(set->digest, text);
}

uint64_t set_digest(const struct set *set)
{
    return set->digest;
}

int set_add_addresses(struct set *set, const struct address_range *range)
{
    assert(set->type == SET_PREFIX);
    return prefix_set_add(&set->prefixes[range->first.family], range);
}

void set_add_ports(struct set *set, uint16_t first, uint16_t last)
{
    assert(set->type == SET_PORT);
    for (uint32_t port = first; port <= last; port++)
        set->ports[port / 64] |= UINT64_C(1) << port % 64;
}

int set_note_elements(struct set *set, const char *text)
{
    set->elements = strdup(text);
    return set->elements != NULL ? 0 : -ENOMEM;
}

int set_note_file(struct set *set, const char *path)
{
    set->file = strdup(path);
    return set->file != NULL ? 0 : -ENOMEM;
}

void set_print(const struct set *set, FILE *out)
{
    fprintf(out, "type = %s\n", type_names[set->type]);
    if (set->elements != NULL)
        fprintf(out, "elements = %s\n", set->elements);
    if (set->file != NULL)
        fprintf(out, "file = %s\n", set->file);
}

int set_finish(struct set *set)
{
    int r = 0;

    for (size_t f = 0; r == 0 && f < FAMILY_COUNT; f++)
        r = prefix_set_finish(&set->prefixes[f]);
    return r;
}

unsigned set_families(const struct set *set)
{
    unsigned families = 0;

    for (size_t f = 0; f < FAMILY_COUNT; f++)
        families |= set->prefixes[f].count > 0 ? 1u << f : 0;
    return families;
}

bool set_has_address(const struct set *set, enum ip_family family, const uint8_t *bytes)
{
    return prefix_set_has(&set->prefixes[family], family, bytes);
}

bool set_has_port(const struct set *set, uint16_t port)
{
    return (set->ports[port / 64] >> port % 64 & 1) != 0;
}

size_t set_memory(const struct set *set)
{
    size_t bytes = sizeof(*set) + (set->ports != NULL ? PORTS / 8 : 0);

    for (size_t f = 0; f < FAMILY_COUNT; f++)
        bytes += prefix_set_memory(&set->prefixes[f]);
    return bytes;
}

int set_list_add(struct set_list *sets, struct set *set)
{
    struct set **larger = reallocarray(sets->items, sets->count + 1, sizeof(struct set *));

    if (larger == NULL) {
        set_free(set);
        return -ENOMEM;
    }
    sets->items = larger;
    sets->items[sets->count++] = set;
    return 0;
}

const struct set *set_list_find(const struct set_list *sets, const char *name)
{
    for (size_t i = 0; i < sets->count; i++) {
        if (strcmp(sets->items[i]->name, name) == 0)
            return sets->items[i];
    }
    return NULL;
}

void set_list_clear(struct set_list *sets)
{
    for (size_t i = 0; i < sets->count; i++)
        set_free(sets->items[i]);
    free(sets->items);
    *sets = (struct set_list){.items = NULL};
}

static int refuse_unknown(const char *name, const struct set_list *sets, struct value_error *error)
{
    struct text_guess guess = TEXT_GUESS(name);

    for (size_t i = 0; i < sets->count; i++)
        text_guess_offer(&guess, sets->items[i]->name);
    if (guess.name != NULL)
        return value_refuse(error, "there is no [set %.40s]; did you mean '@%s'?", name,
                            guess.name);
    return value_refuse(error, "there is no [set %.40s]", name);
}

int set_ref_bind(struct set_ref *ref, const struct set_list *sets, enum set_type type,
                 struct value_error *error)
{
    const struct set *set = set_list_find(sets, ref->name);

    if (set == NULL)
        return refuse_unknown(ref->name, sets, error);
    if (set->type != type)
        return value_refuse(error, "'@%.40s' has type = %s, here type = %s is needed", ref->name,
                            type_names[set->type], type_names[type]);
    ref->set = set;
    return 0;
}
