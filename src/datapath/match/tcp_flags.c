/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp-flags: which control bits a TCP segment carries.
 *
 * An item is one flag, several joined by `+` that are all set, or `none`; so `syn, !ack` is a
 * connection request, `fin, rst` any end of a connection, `syn+ack` the answer to a request.
 */
#include "list.h"
#include "table.h"

#include "ipmodd/base/text.h"
#include "ipmodd/datapath/tcp_flag.h"
#include "ipmodd/wire/tcp.h"

#include <stdlib.h>

struct flags_item {
    uint8_t set; /* bits that are all set; 0 = no bit is set */
    bool negated;
};

struct flags_list {
    size_t count;
    struct flags_item items[];
};

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

static int add_item(void *pointer, const struct text_item *text, const void *context,
                    struct value_error *error)
{
    struct flags_list *list = pointer;
    struct flags_item *item = &list->items[list->count];

    (void)context;
    item->negated = text->negated;
    list->count++;
    return tcp_flag_parse_set(text->text, &item->set, error);
}

static int tcp_flags_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    static const struct value_list kind = {sizeof(struct flags_list), sizeof(struct flags_item),
                                           add_item, free};
    void *list;
    int r = value_parse_list(text, &kind, NULL, &list, error);

    (void)scope;
    if (r < 0)
        return r;
    if (!can_hold(list)) {
        free(list);
        return value_refuse_empty_list(error);
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

static bool tcp_flags_test(const void *value, const struct match_context *context,
                           const struct packet *packet)
{
    (void)context;
    return packet_is_tcp(packet) && list_holds(value, packet_tcp_flags(packet));
}

/* The first segment, those in the middle and the last one may differ in CWR, FIN and PSH. */
static enum holding tcp_flags_test_segments(const void *value, const struct packet *packet)
{
    uint8_t flags;
    bool first, middle, last;

    if (!packet_is_tcp(packet))
        return HOLDS_FOR_NONE;
    flags = packet_tcp_flags(packet);
    first = list_holds(value, tcp_flags_of_segment(flags, true, false));
    last = list_holds(value, tcp_flags_of_segment(flags, false, true));
    middle = packet->segments > 2 ? list_holds(value, tcp_flags_of_segment(flags, false, false))
                                  : last;
    if (first != middle || middle != last)
        return HOLDS_FOR_SOME;
    return first ? HOLDS_FOR_ALL : HOLDS_FOR_NONE;
}

static void tcp_flags_print(const void *value, FILE *out)
{
    const struct flags_list *list = value;

    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        fputs(list->items[i].negated ? "!" : "", out);
        tcp_flag_print_set(list->items[i].set, out);
    }
}

const struct match_type match_tcp_flags = {
    .key = "tcp-flags",
    .grammar = "flags (syn, ack, fin, rst, psh, urg, ece, cwr), syn+ack for both, none",
    .parse = tcp_flags_parse,
    .free = free,
    .narrow = tcp_flags_narrow,
    .test = tcp_flags_test,
    .reads = FIELD_BIT(FIELD_TCP_FLAGS),
    .print = tcp_flags_print,
    .per_wire_packet = true,
    .needs_header = true,
    .follows = true,
    .test_segments = tcp_flags_test_segments,
};
