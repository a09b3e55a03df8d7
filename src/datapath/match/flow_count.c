/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow-packets and flow-bytes: how much of a packet's flow has come so far, this one included. */
#include "table.h"

#include "list.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct count_item {
    uint64_t first, last; /* inclusive; UINT64_MAX: no end */
    bool negated;
};

struct count_list {
    size_t count;
    struct count_item items[];
};

static const struct unit {
    const char *name;
    uint64_t bytes;
} units[] = {
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"", 1},
};

/* WORD of LENGTH characters, with a unit where there are BYTES. False for no such number. */
static bool parse_count(const char *word, size_t length, bool bytes, uint64_t *ret_count)
{
    char text[24];
    uint64_t number;

    for (size_t i = bytes ? 0 : ARRAY_SIZE(units) - 1; i < ARRAY_SIZE(units); i++) {
        size_t unit = strlen(units[i].name);

        if (length < unit || length - unit >= sizeof(text) ||
            strncmp(word + length - unit, units[i].name, unit) != 0)
            continue;
        memcpy(text, word, length - unit);
        text[length - unit] = '\0';
        if (text_parse_number(text, UINT64_MAX / units[i].bytes - 1, &number) < 0)
            return false;
        *ret_count = number * units[i].bytes;
        return true;
    }
    return false;
}

/* "N", "N-M" or "N-". */
static bool parse_item(const char *text, bool bytes, struct count_item *item)
{
    const char *dash = strchr(text, '-');
    size_t length = dash != NULL ? (size_t)(dash - text) : strlen(text);

    if (!parse_count(text, length, bytes, &item->first) || item->first == 0)
        return false;
    item->last = item->first;
    if (dash == NULL)
        return true;
    item->last = UINT64_MAX;
    if (dash[1] != '\0' && !parse_count(dash + 1, strlen(dash + 1), bytes, &item->last))
        return false;
    return item->first <= item->last;
}

/* CONTEXT: a bool, whether bytes are counted. */
static int add_item(void *pointer, const struct text_item *text, const void *context,
                    struct value_error *error)
{
    struct count_list *list = pointer;
    const bool *bytes = context;

    list->items[list->count].negated = text->negated;
    if (!parse_item(text->text, *bytes, &list->items[list->count]))
        return value_refuse(error, "'%.40s' is not a count of %s: one such as %s, from 1 on",
                            text->text, *bytes ? "bytes" : "packets",
                            *bytes ? "1000, 1-64KiB or 10MiB-" : "1, 1-10 or 100-");
    list->count++;
    return 0;
}

static int parse(const char *text, bool bytes, void **ret_value, struct value_error *error)
{
    static const struct value_list kind = {sizeof(struct count_list), sizeof(struct count_item),
                                           add_item, free};

    return value_parse_list(text, &kind, &bytes, ret_value, error);
}

static bool holds(const struct count_list *list, uint64_t count)
{
    struct list_tally tally = {.held = false};

    for (size_t i = 0; i < list->count; i++) {
        const struct count_item *item = &list->items[i];

        list_tally_add(&tally, item->negated, item->first <= count && count <= item->last);
    }
    return list_tally_holds(&tally);
}

static void print_count(uint64_t count, bool bytes, FILE *out)
{
    size_t i = bytes ? 0 : ARRAY_SIZE(units) - 1;

    while (count % units[i].bytes != 0)
        i++;
    fprintf(out, "%" PRIu64 "%s", count / units[i].bytes, units[i].name);
}

static void print(const struct count_list *list, bool bytes, FILE *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct count_item *item = &list->items[i];

        fputs(i > 0 ? ", " : "", out);
        fputs(item->negated ? "!" : "", out);
        print_count(item->first, bytes, out);
        if (item->last == item->first)
            continue;
        fputc('-', out);
        if (item->last != UINT64_MAX)
            print_count(item->last, bytes, out);
    }
}

static int flow_packets_parse(const char *text, const struct scope *scope, void **ret_value,
                              struct value_error *error)
{
    (void)scope;
    return parse(text, false, ret_value, error);
}

/* Packets of no flow have no count. */
static bool flow_packets_test(const void *value, const struct match_context *context,
                              const struct packet *packet)
{
    (void)context;
    return packet->flow != NULL && holds(value, packet->flow_packets);
}

/* The segments of a super-packet have the counts one after the other. */
static enum holding flow_packets_test_segments(const void *value, const struct packet *packet)
{
    uint64_t last = packet->flow_packets, first = last - packet->segments + 1;
    bool any = false, all = true;

    if (packet->flow == NULL)
        return HOLDS_FOR_NONE;
    for (uint64_t count = first; count <= last; count++) {
        bool one = holds(value, count);

        any |= one;
        all &= one;
    }
    if (!any)
        return HOLDS_FOR_NONE;
    return all ? HOLDS_FOR_ALL : HOLDS_FOR_SOME;
}

static void flow_packets_print(const void *value, FILE *out)
{
    print(value, false, out);
}

const struct match_type match_flow_packets = {
    .key = "flow-packets",
    .grammar = "counts of packets, as 1-10 or 100-",
    .parse = flow_packets_parse,
    .free = free,
    .test = flow_packets_test,
    .print = flow_packets_print,
    .per_wire_packet = true,
    .test_segments = flow_packets_test_segments,
    .varies = true,
    .needs_flow = true,
};

static int flow_bytes_parse(const char *text, const struct scope *scope, void **ret_value,
                            struct value_error *error)
{
    (void)scope;
    return parse(text, true, ret_value, error);
}

static bool flow_bytes_test(const void *value, const struct match_context *context,
                            const struct packet *packet)
{
    (void)context;
    return packet->flow != NULL && holds(value, packet->flow_bytes);
}

static void flow_bytes_print(const void *value, FILE *out)
{
    print(value, true, out);
}

const struct match_type match_flow_bytes = {
    .key = "flow-bytes",
    .grammar = "counts of bytes, as 1-64KiB or 10MiB-",
    .parse = flow_bytes_parse,
    .free = free,
    .test = flow_bytes_test,
    .print = flow_bytes_print,
    .varies = true,
    .needs_flow = true,
};
