/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes from text and back. */
#include "ipmodd/datapath/literal.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* What stands for a byte behind a backslash. */
static const char escapes[][2] = {
    {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'0', '\0'}, {'"', '"'}, {'\\', '\\'},
};

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

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
    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
        if (escapes[i][0] == letter) {
            *ret_byte = (uint8_t)escapes[i][1];
            return true;
        }
    }
    return false;
}

static bool append(struct literal *literal, uint8_t byte)
{
    if (literal->length == LITERAL_BYTES_MAX)
        return false;
    literal->bytes[literal->length++] = byte;
    return true;
}

/* From `"text"`; what comes behind it, or NULL when that is not its form. */
static const char *read_quoted(const char *text, struct literal *literal)
{
    for (text++; *text != '"';) {
        uint8_t byte = (uint8_t)*text++;

        if (byte == '\0' || (byte == '\\' && !take_escape(&text, &byte)) || !append(literal, byte))
            return NULL;
    }
    return text + 1;
}

/* Likewise from `0x…`. */
static const char *read_hex(const char *text, struct literal *literal)
{
    uint8_t byte;

    text += 2;
    while (take_hex(&text, &byte)) {
        if (!append(literal, byte))
            return NULL;
    }
    return isxdigit((unsigned char)*text) ? NULL : text;
}

int literal_read(const char **text, struct literal *ret_literal)
{
    const char *at = skip_blanks(*text);

    ret_literal->length = 0;
    if (*at == '"')
        at = read_quoted(at, ret_literal);
    else if (strncmp(at, "0x", 2) == 0)
        at = read_hex(at, ret_literal);
    else
        return -EINVAL;
    if (at == NULL || ret_literal->length == 0)
        return -EINVAL;
    *text = skip_blanks(at);
    return 0;
}

bool literal_read_offset(const char **text, int32_t *ret_offset)
{
    char digits[sizeof("65535")];
    const char *at = skip_blanks(*text);
    size_t count;
    uint64_t offset;

    *ret_offset = LITERAL_ANYWHERE;
    if (*at != '@')
        return true;
    at = skip_blanks(at + 1);
    count = strspn(at, "0123456789");
    if (count >= sizeof(digits))
        return false;
    memcpy(digits, at, count);
    digits[count] = '\0';
    if (text_parse_number(digits, LITERAL_OFFSET_MAX, &offset) < 0)
        return false;
    *ret_offset = (int32_t)offset;
    *text = skip_blanks(at + count);
    return true;
}

/* Whether TEXT ends between two quotation marks. */
static bool ends_in_text(const char *text)
{
    bool within = false;

    for (; *text != '\0'; text++) {
        if (*text == '"')
            within = !within;
        else if (within && *text == '\\' && text[1] != '\0')
            text++;
    }
    return within;
}

int literal_refuse(const char *text, const char *before, const char *behind,
                   struct value_error *error)
{
    if (ends_in_text(text))
        return value_refuse(error, LITERAL_OPEN, text);
    return value_refuse(error,
                        "'%.40s' is not right: %s\"text\" (with \\n \\r \\t \\0 \\\" \\\\ \\xHH) "
                        "or 0xHHHH, 1 to %d bytes, then %s",
                        text, before, LITERAL_BYTES_MAX, behind);
}

void literal_print(const struct literal *literal, FILE *out)
{
    fputs("0x", out);
    for (size_t i = 0; i < literal->length; i++)
        fprintf(out, "%02x", literal->bytes[i]);
}

void literal_print_offset(int32_t offset, FILE *out)
{
    if (offset != LITERAL_ANYWHERE)
        fprintf(out, " @ %" PRId32, offset);
}
