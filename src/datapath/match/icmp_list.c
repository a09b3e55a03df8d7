/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of ICMP types or codes. */
#include "icmp_list.h"

#include "list.h"

#include "ipmodd/base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What an item asks of a packet of one family: both inside their bounds. */
struct icmp_bounds {
    uint8_t first_type, last_type;
    uint8_t first_code, last_code;
};

struct icmp_item {
    const char *name;  /* as written; NULL for numbers */
    unsigned families; /* FAMILIES_* that it can hold in */
    struct icmp_bounds of[FAMILY_COUNT];
    bool negated;
};

struct icmp_list {
    unsigned families; /* FAMILIES_* that the list can hold in */
    bool codes;
    size_t count;
    struct icmp_item items[];
};

const char *icmp_vocabulary_find(const struct icmp_vocabulary *vocabulary, enum ip_family family,
                                 uint8_t type, uint8_t code)
{
    for (size_t i = 0; i < vocabulary->name_count; i++) {
        const struct icmp_meaning *meaning = &vocabulary->names[i].of[family];

        if (meaning->known && meaning->type == type &&
            (!vocabulary->codes || meaning->code == code))
            return vocabulary->names[i].name;
    }
    return NULL;
}

static void item_from_name(const struct icmp_name *name, bool codes, struct icmp_item *item)
{
    item->name = name->name;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        const struct icmp_meaning *meaning = &name->of[family];

        item->families |= meaning->known ? 1u << family : 0;
        item->of[family] = (struct icmp_bounds){
            .first_type = meaning->type,
            .last_type = meaning->type,
            .first_code = codes ? meaning->code : 0,
            .last_code = codes ? meaning->code : UINT8_MAX,
        };
    }
}

static void item_from_numbers(const struct value_name *range, bool codes, enum ip_family family,
                              struct icmp_item *item)
{
    struct icmp_bounds *bounds = &item->of[family];

    *bounds = (struct icmp_bounds){.last_type = UINT8_MAX, .last_code = UINT8_MAX};
    item->families = 1u << family;
    *(codes ? &bounds->first_code : &bounds->first_type) = (uint8_t)range->first;
    *(codes ? &bounds->last_code : &bounds->last_type) = (uint8_t)range->last;
}

static int refuse_name(const char *text, const struct icmp_vocabulary *vocabulary,
                       struct value_error *error)
{
    struct text_guess guess = TEXT_GUESS(text);

    for (size_t i = 0; i < vocabulary->name_count; i++)
        text_guess_offer(&guess, vocabulary->names[i].name);
    if (guess.name != NULL)
        return value_refuse(error, "'%.40s' is not %s; did you mean '%s'?", text, vocabulary->noun,
                            guess.name);
    return value_refuse(error,
                        "'%.40s' is not %s: a name such as %s, or with family = ipv4 or ipv6 a "
                        "number from 0 to 255",
                        text, vocabulary->noun, vocabulary->names[0].name);
}

/* A number or a range: SCOPE must have one family, since numbers differ between the two. */
static int parse_numbers(const char *text, const struct icmp_vocabulary *vocabulary,
                         const struct scope *scope, struct icmp_item *item,
                         struct value_error *error)
{
    const struct value_domain domain = {.noun = vocabulary->noun, .max = UINT8_MAX};
    unsigned families = scope_families(scope);
    struct value_name range;
    int r = value_parse_range(text, &domain, &range, error);

    if (r < 0)
        return r;
    if (families != FAMILIES_IPV4 && families != FAMILIES_IPV6)
        return value_refuse(error,
                            "the number %.10s means different things in ICMP and ICMPv6: add "
                            "family = ipv4 or ipv6, or write a name such as %s",
                            text, vocabulary->names[0].name);
    item_from_numbers(&range, vocabulary->codes,
                      families == FAMILIES_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6, item);
    return 0;
}

static int parse_item(const char *text, const struct icmp_vocabulary *vocabulary,
                      const struct scope *scope, struct icmp_item *item, struct value_error *error)
{
    for (size_t i = 0; i < vocabulary->name_count; i++) {
        if (strcmp(vocabulary->names[i].name, text) == 0) {
            item_from_name(&vocabulary->names[i], vocabulary->codes, item);
            return 0;
        }
    }
    if (*text < '0' || *text > '9')
        return refuse_name(text, vocabulary, error);
    return parse_numbers(text, vocabulary, scope, item, error);
}

/* Families that LIST can hold in: of its positive items, or of all where there are none. */
static unsigned list_families(const struct icmp_list *list)
{
    unsigned positive = 0, all = 0;

    for (size_t i = 0; i < list->count; i++) {
        all |= list->items[i].families;
        positive |= list->items[i].negated ? 0 : list->items[i].families;
    }
    return positive != 0 ? positive : all;
}

static bool item_holds(const struct icmp_item *item, enum ip_family family, uint8_t type,
                       uint8_t code)
{
    const struct icmp_bounds *bounds = &item->of[family];

    return (item->families & 1u << family) != 0 && type >= bounds->first_type &&
           type <= bounds->last_type && code >= bounds->first_code && code <= bounds->last_code;
}

static bool list_holds(const struct icmp_list *list, enum ip_family family, uint8_t type,
                       uint8_t code)
{
    struct list_tally tally = {.held = false};

    for (size_t i = 0; i < list->count && !tally.excluded; i++)
        list_tally_add(&tally, list->items[i].negated,
                       item_holds(&list->items[i], family, type, code));
    return list_tally_holds(&tally);
}

/* Where what ITEM says of types, or of codes, begins to hold; 0 where that is behind the last. */
static uint8_t edge_of(const struct icmp_item *item, enum ip_family family, bool of_codes)
{
    const struct icmp_bounds *bounds = &item->of[family];
    uint8_t first = of_codes ? bounds->first_code : bounds->first_type;
    uint8_t last = of_codes ? bounds->last_code : bounds->last_type;

    return item->negated ? (uint8_t)(last + 1) : first;
}

/* Whether it holds for any message of FAMILY: if so, then for one at edges of both its numbers. */
static bool can_hold_in(const struct icmp_list *list, enum ip_family family)
{
    for (size_t i = 0; i <= list->count; i++) {
        uint8_t type = i < list->count ? edge_of(&list->items[i], family, false) : 0;

        for (size_t j = 0; j <= list->count; j++) {
            uint8_t code = j < list->count ? edge_of(&list->items[j], family, true) : 0;

            if (list_holds(list, family, type, code))
                return true;
        }
    }
    return false;
}

static bool can_hold(const struct icmp_list *list)
{
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        if ((list->families & 1u << family) != 0 && can_hold_in(list, family))
            return true;
    }
    return false;
}

/* What items are read with. */
struct reading {
    const struct icmp_vocabulary *vocabulary;
    const struct scope *scope;
};

static int add_item(void *pointer, const struct text_item *text, const void *context,
                    struct value_error *error)
{
    const struct reading *reading = context;
    struct icmp_list *list = pointer;
    struct icmp_item *item = &list->items[list->count];
    int r = parse_item(text->text, reading->vocabulary, reading->scope, item, error);

    if (r < 0)
        return r;
    item->negated = text->negated;
    list->count++;
    return 0;
}

int icmp_list_parse(const char *text, const struct icmp_vocabulary *vocabulary,
                    const struct scope *scope, void **ret_list, struct value_error *error)
{
    static const struct value_list kind = {sizeof(struct icmp_list), sizeof(struct icmp_item),
                                           add_item, free};
    const struct reading reading = {vocabulary, scope};
    void *parsed = NULL;
    int r = value_parse_list(text, &kind, &reading, &parsed, error);
    struct icmp_list *list = parsed;

    if (r < 0)
        return r;
    list->families = list_families(list);
    list->codes = vocabulary->codes;
    if (!can_hold(list)) {
        free(list);
        return value_refuse_empty_list(error);
    }
    *ret_list = list;
    return 0;
}

void icmp_list_narrow(const struct icmp_list *list, struct scope *scope)
{
    const struct scope icmp = scope_icmp();

    scope_intersect(scope, &icmp);
    scope_keep_families(scope, list->families);
}

/* By the types of the positive items, which those for codes have too. */
bool icmp_list_bound(const struct icmp_list *list, struct box *box)
{
    struct cover cover = {.count = 0};
    bool positive = false, negated = false;

    for (size_t i = 0; i < list->count; i++) {
        const struct icmp_item *item = &list->items[i];
        const struct icmp_bounds *bounds = &item->of[box->family];

        positive |= !item->negated;
        negated |= item->negated;
        if (!item->negated && (item->families & 1u << box->family) != 0)
            cover_add(&cover, bounds->first_type, bounds->last_type);
    }
    if (positive)
        box_bound(box, DIMENSION_ICMP_TYPE, &cover);
    return positive && !negated && !list->codes;
}

bool icmp_list_test(const struct icmp_list *list, const struct packet *packet)
{
    return packet_is_icmp(packet) && (list->families & 1u << packet->family) != 0 &&
           list_holds(list, packet->family, packet_icmp_type(packet), packet_icmp_code(packet));
}

static void print_item(const struct icmp_item *item, bool codes, FILE *out)
{
    enum ip_family family = item->families == FAMILIES_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;
    const struct icmp_bounds *bounds = &item->of[family];
    uint8_t first = codes ? bounds->first_code : bounds->first_type;
    uint8_t last = codes ? bounds->last_code : bounds->last_type;

    fputs(item->negated ? "!" : "", out);
    if (item->name != NULL)
        fputs(item->name, out);
    else if (first == last)
        fprintf(out, "%" PRIu8, first);
    else
        fprintf(out, "%" PRIu8 "-%" PRIu8, first, last);
}

void icmp_list_print(const struct icmp_list *list, FILE *out)
{
    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_item(&list->items[i], list->codes, out);
    }
}
