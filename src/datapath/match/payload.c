/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * payload: bytes behind the upper-layer header, at an offset or anywhere.
 *
 * Of a later fragment nothing is known about where its data stand in the payload, so it never
 * holds for one. A first fragment with its whole header is searched as far as it goes.
 */
#include "table.h"

#include "ipmodd/datapath/literal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct payload_value {
    bool negated;
    int32_t offset; /* bytes from the beginning of the payload, or LITERAL_ANYWHERE */
    struct literal needle;
};

static bool read_value(const char *text, struct payload_value *value)
{
    value->negated = *text == '!';
    text += value->negated ? 1 : 0;
    return literal_read(&text, &value->needle) == 0 && literal_read_offset(&text, &value->offset) &&
           *text == '\0';
}

static int payload_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    struct payload_value *value = calloc(1, sizeof(*value));

    (void)scope;
    if (value == NULL)
        return -ENOMEM;
    if (!read_value(text, value)) {
        free(value);
        return literal_refuse(text, "", "@ OFFSET from 0 to 65535 or nothing", error);
    }
    *ret_value = value;
    return 0;
}

static bool occurs(const struct payload_value *value, const uint8_t *bytes, size_t length)
{
    const struct literal *needle = &value->needle;
    size_t offset = (size_t)value->offset;

    if (value->offset == LITERAL_ANYWHERE)
        return memmem(bytes, length, needle->bytes, needle->length) != NULL;
    return offset <= length && length - offset >= needle->length &&
           memcmp(bytes + offset, needle->bytes, needle->length) == 0;
}

static bool payload_test(const void *pointer, const struct match_context *context,
                         const struct packet *packet)
{
    const struct payload_value *value = pointer;

    (void)context;
    if (!packet_has_payload(packet))
        return false;
    return occurs(value, packet->data + packet->payload_offset, packet_payload_length(packet)) !=
           value->negated;
}

static void payload_print(const void *pointer, FILE *out)
{
    const struct payload_value *value = pointer;

    fputs(value->negated ? "!" : "", out);
    literal_print(&value->needle, out);
    literal_print_offset(value->offset, out);
}

const struct match_type match_payload = {
    .key = "payload",
    .grammar = "\"text\" or 0xHHHH, and @ OFFSET or nothing",
    .parse = payload_parse,
    .free = free,
    .test = payload_test,
    .reads = FIELD_BIT(FIELD_FAMILY) | FIELD_BIT(FIELD_PROTO) | FIELD_BIT(FIELD_FRAGMENT) |
             FIELD_BIT(FIELD_PAYLOAD),
    .print = payload_print,
    .per_wire_packet = true,
    .needs_header = true,
    .repeats = true,
};
