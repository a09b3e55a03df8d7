/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set-tcp-flags: the control bits of TCP, all of them (`syn+ack`, `none`) or single ones
 * (`+psh, -urg`).
 */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/tcp_flag.h"

#include <stdlib.h>

struct flags_value {
    uint8_t set;
    uint8_t clear; /* all bits when the value says what all of them are */
};

static bool is_change(const char *text)
{
    return *text == '+' || *text == '-';
}

/* One item behind its sign, or the whole value without one. */
static int parse_item(const struct text_item *item, bool alone, struct flags_value *value,
                      struct value_error *error)
{
    const char *text = item->text;
    uint8_t bits;
    int r;

    if (item->negated || (!alone && !is_change(text)))
        return value_refuse(error,
                            "'%.40s' is not a change: +FLAG sets and -FLAG clears one; all flags "
                            "at once are one item, as syn+ack",
                            text);
    r = tcp_flag_parse_set(is_change(text) ? text + 1 : text, &bits, error);
    if (r < 0)
        return r;
    if (is_change(text) && (bits == 0 || (bits & (value->set | value->clear)) != 0))
        return value_refuse(error, "'%.40s': name each flag once", text);
    if (*text != '-')
        value->set |= bits;
    if (*text == '-')
        value->clear |= bits;
    else if (*text != '+')
        value->clear = UINT8_MAX;
    return 0;
}

static int set_tcp_flags_parse(const char *text, const struct scope *scope, void **ret_value,
                               struct value_error *error)
{
    struct text_list CLEANUP(text_list_clear) texts = {.items = NULL};
    struct flags_value parsed = {.set = 0};
    int r = value_split_list(text, &texts, error);

    (void)scope;
    for (size_t i = 0; r == 0 && i < texts.count; i++)
        r = parse_item(&texts.items[i], texts.count == 1, &parsed, error);
    if (r < 0)
        return r;
    return value_keep(&parsed, sizeof(parsed), ret_value);
}

static void set_tcp_flags_narrow(const void *value, struct scope *scope)
{
    const struct scope tcp = scope_tcp();

    (void)value;
    scope_intersect(scope, &tcp);
}

static enum step set_tcp_flags_apply(const void *pointer, const struct action_context *context,
                                     struct packet *packet)
{
    const struct flags_value *value = pointer;

    (void)context;
    if (packet_is_tcp(packet))
        edit_tcp_flags(packet, (uint8_t)((packet_tcp_flags(packet) & ~value->clear) | value->set));
    return STEP_NEXT;
}

/* Each bit of BITS behind SIGN. */
static void print_changes(uint8_t bits, char sign, const char **separator, FILE *out)
{
    for (unsigned bit = 1; bit <= UINT8_MAX; bit <<= 1) {
        if ((bits & bit) == 0)
            continue;
        fprintf(out, "%s%c", *separator, sign);
        tcp_flag_print_set((uint8_t)bit, out);
        *separator = ", ";
    }
}

static void set_tcp_flags_print(const void *pointer, FILE *out)
{
    const struct flags_value *value = pointer;
    const char *separator = "";

    if (value->clear == UINT8_MAX) {
        tcp_flag_print_set(value->set, out);
        return;
    }
    print_changes(value->set, '+', &separator, out);
    print_changes(value->clear, '-', &separator, out);
}

const struct action_type action_set_tcp_flags = {
    .key = "set-tcp-flags",
    .grammar = "all flags, as syn+ack or none, or changes, as +psh, -urg",
    .parse = set_tcp_flags_parse,
    .free = free,
    .narrow = set_tcp_flags_narrow,
    .apply = set_tcp_flags_apply,
    .writes = FIELD_BIT(FIELD_TCP_FLAGS),
    .print = set_tcp_flags_print,
    .per_wire_packet = true,
};
