/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * payload: bytes behind the upper-layer header, at an offset or anywhere.
 *
 * Of a later fragment nothing is known about where its data stand in the payload, so it never
 * holds for one. A first fragment with its whole header is searched as far as it goes.
 */
#include "table.h"

#include "ipmodd/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NEEDLE_MAX = 1024, /* bytes */
    OFFSET_MAX = 65535,
    ANYWHERE = -1,
};

struct payload_value {
    bool negated;
    int32_t offset; /* bytes from the beginning of the payload, or ANYWHERE */
    size_t length;  /* at least 1 */
    uint8_t needle[];
};

/* What stands for a byte behind a backslash. */
static const char escapes[][2] = {
    {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'0', '\0'}, {'"', '"'}, {'\\', '\\'},
};

static unsigned hex_digit(char c)
{
    return isdigit((unsigned char)c) ? (unsigned)(c - '0')
                                     : (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

/* Two hexadecimal digits at *TEXT, which is moved behind them. */
static bool take_hex(const char **text, uint8_t *ret_byte)
{
    const char *at = *text;

    if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]))
        return false;
    *ret_byte = (uint8_t)(hex_digit(at[0]) << 4 | hex_digit(at[1]));
    *text = at + 2;
    return true;
}

static bool take_escape(const char **text, uint8_t *ret_byte)
{
    char letter = *(*text)++;

    if (letter == 'x')
        return take_hex(text, ret_byte);
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (escapes[i][0] == letter) {
            *ret_byte = (uint8_t)escapes[i][1];
            return true;
        }
    }
    return false;
}

/* The needle of VALUE from `"text"`; what comes behind it, or NULL when that is not its form. */
static const char *read_quoted(const char *text, struct payload_value *value)
{
    for (text++; *text != '"';) {
        uint8_t byte = (uint8_t)*text++;

        if (byte == '\0' || (byte == '\\' && !take_escape(&text, &byte)))
            return NULL;
        value->needle[value->length++] = byte;
    }
    return text + 1;
}

/* Likewise from `0x…`. */
static const char *read_hex(const char *text, struct payload_value *value)
{
    text += 2;
    while (take_hex(&text, &value->needle[value->length]))
        value->length++;
    return text;
}

/* ` @ OFFSET` or nothing. */
static bool read_offset(const char *text, struct payload_value *value)
{
    uint64_t offset;

    text += strspn(text, " \t");
    value->offset = ANYWHERE;
    if (*text == '\0')
        return true;
    if (*text != '@')
        return false;
    text++;
    text += strspn(text, " \t");
    if (text_parse_number(text, OFFSET_MAX, &offset) < 0)
        return false;
    value->offset = (int32_t)offset;
    return true;
}

static bool read_value(const char *text, struct payload_value *value)
{
    value->negated = *text == '!';
    text += value->negated ? 1 : 0;
    text += strspn(text, " \t");
    if (*text == '"')
        text = read_quoted(text, value);
    else if (strncmp(text, "0x", 2) == 0)
        text = read_hex(text, value);
    else
        return false;
    return text != NULL && value->length > 0 && value->length <= NEEDLE_MAX &&
           read_offset(text, value);
}

static int payload_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    struct payload_value *value = calloc(1, sizeof(*value) + strlen(text) + 1);

    (void)scope;
    if (value == NULL)
        return -ENOMEM;
    if (!read_value(text, value)) {
        free(value);
        return value_refuse(error,
                            "'%.40s' is not right: \"text\" (with \\n \\r \\t \\0 \\\" \\\\ \\xHH) "
                            "or 0xHHHH, 1 to %d bytes, then @ OFFSET from 0 to %d or nothing",
                            text, NEEDLE_MAX, OFFSET_MAX);
    }
    *ret_value = value;
    return 0;
}

static bool occurs(const struct payload_value *value, const uint8_t *bytes, size_t length)
{
    size_t offset = (size_t)value->offset;

    if (value->offset == ANYWHERE)
        return memmem(bytes, length, value->needle, value->length) != NULL;
    return offset <= length && length - offset >= value->length &&
           memcmp(bytes + offset, value->needle, value->length) == 0;
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

    fprintf(out, "%s0x", value->negated ? "!" : "");
    for (size_t i = 0; i < value->length; i++)
        fprintf(out, "%02x", value->needle[i]);
    if (value->offset != ANYWHERE)
        fprintf(out, " @ %" PRId32, value->offset);
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
