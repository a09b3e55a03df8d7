/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp-flags: which control bits a TCP segment carries.
 *
 * An item is one flag, several joined by `+` that are all set, or `none`; so `syn, !ack` is a
 * connection request, `fin, rst` any end of a connection, `syn+ack` the answer to a request.
 */
#include "list.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

/* RFC 9293 3.1 and RFC 3168 6.1, by bit number. */
static const char *const flag_names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};

struct flags_item {
    uint8_t set; /* bits that are all set; 0 = no bit is set */
    bool negated;
};

struct flags_list {
    size_t count;
    struct flags_item items[];
};

/* The bit called TEXT, or 0. */
static uint8_t flag_bit(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
        if (strcmp(flag_names[i], text) == 0)
            return (uint8_t)(1u << i);
    }
    return 0;
}

static int refuse_flag(const char *text, struct value_error *error)
{
    struct text_guess guess = TEXT_GUESS(text);

    for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
        text_guess_offer(&guess, flag_names[i]);
    if (guess.name != NULL)
        return value_refuse(error, "'%.40s' is not a TCP flag; did you mean '%s'?", text,
                            guess.name);
    return value_refuse(error,
                        "'%.40s' is not a TCP flag: fin, syn, rst, psh, ack, urg, ece, cwr, "
                        "several joined by +, or none",
                        text);
}

static int parse_item(const char *text, uint8_t *ret_set, struct value_error *error)
{
    char CLEANUP(cleanup_free) *memory = strdup(text);
    char *rest = memory;
    char *piece;
    uint8_t set = 0;

    if (memory == NULL)
        return -ENOMEM;
    while (strcmp(text, "none") != 0 && (piece = strsep(&rest, "+")) != NULL) {
        uint8_t bit = flag_bit(text_strip(piece));

        if (bit == 0)
            return refuse_flag(text_strip(piece), error);
        set |= bit;
    }
    *ret_set = set;
    return 0;
}

static bool item_holds(const struct flags_item *item, uint8_t flags)
{
    return item->set == 0 ? flags == 0 : (flags & item->set) == item->set;
}

static bool list_holds(const struct flags_list *list, uint8_t flags)
{
    struct list_tally tally = {.held = false};

    for (size_t i = 0; i < list->count && !tally.excluded; i++)
        list_tally_add(&tally, list->items[i].negated, item_holds(&list->items[i], flags));
    return list_tally_holds(&tally);
}

static bool can_hold(const struct flags_list *list)
{
    for (unsigned flags = 0; flags <= UINT8_MAX; flags++) {
        if (list_holds(list, (uint8_t)flags))
            return true;
    }
    return false;
}

static int parse_items(const struct text_list *texts, struct flags_list *list,
                       struct value_error *error)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct flags_item *item = &list->items[list->count];
        int r = parse_item(texts->items[i].text, &item->set, error);

        if (r < 0)
            return r;
        item->negated = texts->items[i].negated;
        list->count++;
    }
    if (!can_hold(list))
        return value_refuse(error, "the list excludes all that it includes, so it never holds");
    return 0;
}

static int tcp_flags_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    struct text_list CLEANUP(text_list_clear) texts = {.memory = NULL};
    struct flags_list *list;
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

static void tcp_flags_narrow(const void *value, struct scope *scope)
{
    const struct scope tcp = scope_tcp();

    (void)value;
    scope_intersect(scope, &tcp);
}

static bool tcp_flags_test(const void *value, const struct packet *packet)
{
    return packet_is_tcp(packet) && list_holds(value, packet_tcp_flags(packet));
}

static void print_item(const struct flags_item *item, FILE *out)
{
    const char *separator = item->negated ? "!" : "";

    if (item->set == 0)
        fprintf(out, "%snone", separator);
    for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
        if ((item->set & 1u << i) == 0)
            continue;
        fprintf(out, "%s%s", separator, flag_names[i]);
        separator = "+";
    }
}

static void tcp_flags_print(const void *value, FILE *out)
{
    const struct flags_list *list = value;

    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_item(&list->items[i], out);
    }
}

const struct match_type match_tcp_flags = {
    .key = "tcp-flags",
    .grammar = "flags (syn, ack, fin, rst, psh, urg, ece, cwr), syn+ack for both, none",
    .parse = tcp_flags_parse,
    .free = free,
    .narrow = tcp_flags_narrow,
    .test = tcp_flags_test,
    .print = tcp_flags_print,
    .per_wire_packet = true,
    .needs_header = true,
};
