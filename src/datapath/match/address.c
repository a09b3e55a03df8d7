/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src, dst, host: addresses, prefixes and ranges of both families. */
#include "list.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

/* The addresses FIRST to LAST, as numbers in wire order; both of one family. */
struct address_item {
    struct ip_addr first, last;
    bool negated;
};

struct address_list {
    unsigned families; /* FAMILIES_* that it can hold for */
    size_t count;
    struct address_item items[];
};

/* First and last address of PREFIX; bits below its length do not matter. */
static void prefix_ends(const struct ip_prefix *prefix, struct address_item *item)
{
    item->first = ip_prefix_network(prefix).addr;
    item->last = item->first;
    for (unsigned bit = prefix->len; bit < IP_ADDR_BITS(prefix->addr.family); bit++)
        item->last.bytes[bit / 8] |= (uint8_t)(0x80u >> (bit % 8));
}

static int compare(const struct ip_addr *a, const uint8_t *bytes)
{
    return memcmp(a->bytes, bytes, IP_ADDR_BYTES(a->family));
}

static int refuse_address(const char *text, struct value_error *error)
{
    if (strchr(text, '/') != NULL)
        return value_refuse(error,
                            "'%.60s' is not a prefix: ADDRESS/LENGTH, LENGTH at most 32 for IPv4 "
                            "and 128 for IPv6",
                            text);
    return value_refuse(error,
                        "'%.60s' is not an address: write numbers as 192.0.2.1, 2001:db8::1, a "
                        "prefix 192.0.2.0/24 or a range 192.0.2.1-192.0.2.9",
                        text);
}

/* `A-B`. 0, -EINVAL with ERROR filled, or -ENOMEM. */
static int parse_range(const char *text, const char *dash, struct address_item *item,
                       struct value_error *error)
{
    char CLEANUP(cleanup_free) *first = strndup(text, (size_t)(dash - text));

    if (first == NULL)
        return -ENOMEM;
    if (ip_addr_parse(text_strip(first), &item->first) < 0 ||
        ip_addr_parse(dash + 1 + strspn(dash + 1, " \t"), &item->last) < 0)
        return refuse_address(text, error);
    if (item->first.family != item->last.family)
        return value_refuse(error, "the ends of '%.90s' are of different families", text);
    if (compare(&item->first, item->last.bytes) > 0)
        return value_refuse(error, "the range '%.90s' is inverted: the smaller address comes first",
                            text);
    return 0;
}

static int parse_item(const char *text, struct address_item *item, struct value_error *error)
{
    const char *dash = strchr(text, '-');
    struct ip_prefix prefix;

    if (dash != NULL)
        return parse_range(text, dash, item, error);
    if (ip_prefix_parse(text, &prefix) < 0)
        return refuse_address(text, error);
    prefix_ends(&prefix, item);
    return 0;
}

/* Families that LIST speaks of: those of its positive items, or of all where there are none. */
static unsigned list_families(const struct address_list *list)
{
    unsigned positive = 0, all = 0;

    for (size_t i = 0; i < list->count; i++) {
        unsigned family = 1u << list->items[i].first.family;

        all |= family;
        positive |= list->items[i].negated ? 0 : family;
    }
    return positive != 0 ? positive : all;
}

static int parse_items(const struct text_list *texts, struct address_list *list,
                       struct value_error *error)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct address_item *item = &list->items[list->count];
        int r = parse_item(texts->items[i].text, item, error);

        if (r < 0)
            return r;
        item->negated = texts->items[i].negated;
        list->count++;
    }
    list->families = list_families(list);
    return 0;
}

static int address_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    struct text_list CLEANUP(text_list_clear) texts = {.memory = NULL};
    struct address_list *list;
    int r = value_split_list(text, &texts, error);

    (void)scope;
    if (r < 0)
        return r;
    list = calloc(1, sizeof(*list) + texts.count * sizeof(list->items[0]));
    if (list == NULL)
        return -ENOMEM;
    r = parse_items(&texts, list, error);
    if (r < 0) {
        free(list);
        return r;
    }
    *ret_value = list;
    return 0;
}

static void address_narrow(const void *value, struct scope *scope)
{
    const struct address_list *list = value;

    scope_keep_families(scope, list->families);
}

static bool item_holds(const struct address_item *item, enum ip_family family, const uint8_t *bytes)
{
    return item->first.family == family && compare(&item->first, bytes) <= 0 &&
           compare(&item->last, bytes) >= 0;
}

/* The list rule for "A or B", two addresses of FAMILY. */
static bool list_holds_either(const struct address_list *list, enum ip_family family,
                              const uint8_t *a, const uint8_t *b)
{
    struct list_tally tally = {.held = false};

    if ((list->families & 1u << family) == 0)
        return false;
    for (size_t i = 0; i < list->count && !tally.excluded; i++) {
        const struct address_item *item = &list->items[i];

        list_tally_add(&tally, item->negated,
                       item_holds(item, family, a) || item_holds(item, family, b));
    }
    return list_tally_holds(&tally);
}

static bool src_test(const void *value, const struct packet *packet)
{
    return list_holds_either(value, packet->family, packet_src(packet), packet_src(packet));
}

static bool dst_test(const void *value, const struct packet *packet)
{
    return list_holds_either(value, packet->family, packet_dst(packet), packet_dst(packet));
}

static bool host_test(const void *value, const struct packet *packet)
{
    return list_holds_either(value, packet->family, packet_src(packet), packet_dst(packet));
}

/* The prefix that ITEM is; false when its ends are not those of a prefix. */
static bool item_to_prefix(const struct address_item *item, struct ip_prefix *ret_prefix)
{
    struct ip_prefix prefix = {.addr = item->first, .len = 0};
    struct address_item same = {.negated = false};

    for (unsigned len = 0; len <= IP_ADDR_BITS(item->first.family); len++) {
        prefix.len = (uint8_t)len;
        prefix_ends(&prefix, &same);
        if (ip_addr_equal(&same.first, &item->first) && ip_addr_equal(&same.last, &item->last)) {
            *ret_prefix = prefix;
            return true;
        }
    }
    return false;
}

static void print_item(const struct address_item *item, FILE *out)
{
    char first[IP_PREFIX_TEXT], last[IP_PREFIX_TEXT];
    struct ip_prefix prefix;

    if (item->negated)
        fputc('!', out);
    if (item_to_prefix(item, &prefix))
        fputs(ip_prefix_format(&prefix, first), out);
    else
        fprintf(out, "%s-%s", ip_addr_format(&item->first, first),
                ip_addr_format(&item->last, last));
}

static void address_print(const void *value, FILE *out)
{
    const struct address_list *list = value;

    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_item(&list->items[i], out);
    }
}

const struct match_type match_src = {
    .key = "src",
    .grammar = "addresses, prefixes and ranges of both families",
    .parse = address_parse,
    .free = free,
    .narrow = address_narrow,
    .test = src_test,
    .print = address_print,
};

const struct match_type match_dst = {
    .key = "dst",
    .grammar = "addresses, prefixes and ranges of both families",
    .parse = address_parse,
    .free = free,
    .narrow = address_narrow,
    .test = dst_test,
    .print = address_print,
};

const struct match_type match_host = {
    .key = "host",
    .grammar = "addresses, prefixes and ranges of both families",
    .parse = address_parse,
    .free = free,
    .narrow = address_narrow,
    .test = host_test,
    .print = address_print,
};
