/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set-payload: bytes written at a place of the payload. Never beyond its end: a payload that is too
 * short stays as it is.
 */
#include "table.h"

#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/literal.h"

#include <errno.h>
#include <stdlib.h>

struct set_payload_value {
    int32_t offset;
    struct literal bytes;
};

static int set_payload_parse(const char *text, const struct scope *scope, void **ret_value,
                             struct value_error *error)
{
    struct set_payload_value *value = calloc(1, sizeof(*value));
    const char *rest = text;

    (void)scope;
    if (value == NULL)
        return -ENOMEM;
    if (literal_read(&rest, &value->bytes) < 0 || !literal_read_offset(&rest, &value->offset) ||
        *rest != '\0') {
        free(value);
        return literal_refuse(text, "", "@ OFFSET from 0 to 65535 or nothing", error);
    }
    if (value->offset == LITERAL_ANYWHERE)
        value->offset = 0;
    *ret_value = value;
    return 0;
}

static enum step set_payload_apply(const void *pointer, const struct action_context *context,
                                   struct packet *packet)
{
    const struct set_payload_value *value = pointer;

    (void)context;
    edit_payload(packet, (size_t)value->offset, value->bytes.bytes, value->bytes.length);
    return STEP_NEXT;
}

static void set_payload_print(const void *pointer, FILE *out)
{
    const struct set_payload_value *value = pointer;

    literal_print(&value->bytes, out);
    literal_print_offset(value->offset, out);
}

const struct action_type action_set_payload = {
    .key = "set-payload",
    .grammar = "\"text\" or 0xHHHH, and @ OFFSET or nothing",
    .parse = set_payload_parse,
    .free = free,
    .apply = set_payload_apply,
    .writes = FIELD_BIT(FIELD_PAYLOAD),
    .print = set_payload_print,
    .per_wire_packet = true,
    .repeats = true,
};
