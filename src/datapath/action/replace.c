/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replace: bytes of the payload written over equally many others, wherever those are found. */
#include "table.h"

#include "ipmodd/base/text.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/literal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    COUNT_MAX = 65535,
    ALL = COUNT_MAX + 1, /* without `count`: more than there is room for */
};

struct replace_value {
    int32_t offset; /* or LITERAL_ANYWHERE */
    uint32_t count;
    struct literal old, new;
};

/* "->" at *TEXT, which is moved behind it. */
static bool read_arrow(const char **text)
{
    if (strncmp(*text, "->", 2) != 0)
        return false;
    *text += 2;
    return true;
}

/* "count N" up to the end of TEXT, or nothing. */
static bool read_count(const char *text, uint32_t *ret_count)
{
    static const char word[] = "count";
    uint64_t count;

    *ret_count = ALL;
    if (*text == '\0')
        return true;
    if (strncmp(text, word, strlen(word)) != 0)
        return false;
    text += strlen(word);
    if (strspn(text, " \t") == 0)
        return false;
    text += strspn(text, " \t");
    if (text_parse_number(text, COUNT_MAX, &count) < 0 || count == 0)
        return false;
    *ret_count = (uint32_t)count;
    return true;
}

static bool read_value(const char *text, struct replace_value *value)
{
    return literal_read(&text, &value->old) == 0 && read_arrow(&text) &&
           literal_read(&text, &value->new) == 0 && literal_read_offset(&text, &value->offset) &&
           read_count(text, &value->count);
}

static int check(const char *text, struct replace_value *value, struct value_error *error)
{
    if (!read_value(text, value))
        return literal_refuse(text, "OLD -> NEW, each ",
                              "@ OFFSET or nothing, then count N or nothing", error);
    if (value->old.length != value->new.length)
        return value_refuse(error,
                            "OLD has %zu bytes and NEW %zu: make them equally long; edits that "
                            "change the length of a packet are not in this version yet",
                            value->old.length, value->new.length);
    return 0;
}

static int replace_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    struct replace_value *value = calloc(1, sizeof(*value));
    int r;

    (void)scope;
    if (value == NULL)
        return -ENOMEM;
    r = check(text, value, error);
    if (r < 0)
        free(value);
    else
        *ret_value = value;
    return r;
}

/* Moves *AT to the next OLD from there on, an offset in the payload; false without one. */
static bool find(const struct replace_value *value, const struct packet *packet, size_t *at)
{
    const uint8_t *payload = packet->data + packet->payload_offset;
    const uint8_t *found = memmem(payload + *at, packet_payload_length(packet) - *at,
                                  value->old.bytes, value->old.length);

    if (found == NULL)
        return false;
    *at = (size_t)(found - payload);
    return true;
}

/* Left to right; what was written is not searched again. */
static void replace_anywhere(const struct replace_value *value, struct packet *packet)
{
    size_t at = 0;

    for (uint32_t i = 0; i < value->count && find(value, packet, &at); i++) {
        if (!edit_payload(packet, at, value->new.bytes, value->new.length))
            return;
        at += value->new.length;
    }
}

static void replace_there(const struct replace_value *value, struct packet *packet)
{
    size_t at = (size_t)value->offset, length = packet_payload_length(packet);

    if (at > length || length - at < value->old.length)
        return;
    if (memcmp(packet->data + packet->payload_offset + at, value->old.bytes, value->old.length) ==
        0)
        edit_payload(packet, at, value->new.bytes, value->new.length);
}

static enum step replace_apply(const void *pointer, const struct action_context *context,
                               struct packet *packet)
{
    const struct replace_value *value = pointer;

    (void)context;
    if (!packet_has_payload(packet))
        return STEP_NEXT;
    if (value->offset == LITERAL_ANYWHERE)
        replace_anywhere(value, packet);
    else
        replace_there(value, packet);
    return STEP_NEXT;
}

static void replace_print(const void *pointer, FILE *out)
{
    const struct replace_value *value = pointer;

    literal_print(&value->old, out);
    fputs(" -> ", out);
    literal_print(&value->new, out);
    literal_print_offset(value->offset, out);
    if (value->count != ALL)
        fprintf(out, " count %" PRIu32, value->count);
}

const struct action_type action_replace = {
    .key = "replace",
    .grammar = "OLD -> NEW, each \"text\" or 0xHHHH, and @ OFFSET, count N or nothing",
    .parse = replace_parse,
    .free = free,
    .apply = replace_apply,
    .writes = FIELD_BIT(FIELD_PAYLOAD),
    .print = replace_print,
    .per_wire_packet = true,
    .repeats = true,
};
