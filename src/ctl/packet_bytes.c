/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quoted text and hex digits to bytes; whole packets in hex. */
#include "packet_bytes.h"

#include "ipmodd/base/text.h"
#include "packet_text.h"

#include <ctype.h>
#include <string.h>

static bool take_hex(const char **at, uint8_t *ret_byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *high, *low;

    if (!isxdigit((unsigned char)(*at)[0]) || !isxdigit((unsigned char)(*at)[1]))
        return false;
    high = strchr(digits, tolower((unsigned char)(*at)[0]));
    low = strchr(digits, tolower((unsigned char)(*at)[1]));
    *ret_byte = (uint8_t)((high - digits) << 4 | (low - digits));
    *at += 2;
    return true;
}

/* Behind a backslash. */
static bool take_escape(const char **at, uint8_t *ret_byte)
{
    static const char letters[] = "nrt0\"\\", meanings[] = "\n\r\t\0\"\\";
    const char *letter;

    if (**at == 'x') {
        ++*at;
        return take_hex(at, ret_byte);
    }
    letter = **at != '\0' ? strchr(letters, **at) : NULL;
    if (letter == NULL)
        return false;
    *ret_byte = (uint8_t)meanings[letter - letters];
    ++*at;
    return true;
}

static ssize_t parse_quoted(const char **at, uint8_t *bytes, size_t room, struct value_error *error)
{
    size_t count = 0;

    for (++*at; **at != '"'; count++) {
        if (**at == '\0')
            return value_refuse(error, "the text has no \" at its end");
        if (count == room)
            return value_refuse(error, "more bytes than a packet has");
        if (**at != '\\') {
            bytes[count] = (uint8_t) * (*at)++;
            continue;
        }
        ++*at;
        if (!take_escape(at, &bytes[count]))
            return value_refuse(error, "behind \\ stands one of n r t 0 \" \\ or xHH");
    }
    ++*at;
    return (ssize_t)count;
}

static bool is_at_end(char c)
{
    return c == '\0' || text_is_blank(c);
}

static ssize_t parse_hex(const char **at, uint8_t *bytes, size_t room, struct value_error *error)
{
    size_t count = 0;

    for (*at += 2; !is_at_end(**at); count++) {
        if (count == room)
            return value_refuse(error, "more bytes than a packet has");
        if (!take_hex(at, &bytes[count]))
            return value_refuse(error, "'%.20s' is not two hex digits for each byte", *at);
    }
    return (ssize_t)count;
}

ssize_t packet_bytes_parse(const char **at, uint8_t *bytes, size_t room, struct value_error *error)
{
    if (**at == '"')
        return parse_quoted(at, bytes, room, error);
    if (strncmp(*at, "0x", 2) == 0)
        return parse_hex(at, bytes, room, error);
    return value_refuse(error, "'%.20s' is neither \"text\" nor 0x with hex digits", *at);
}

/* "0x0010:", as tcpdump -x begins its lines. */
static const char *skip_line_number(const char *at)
{
    const char *digits = at + 2;

    if (strncmp(at, "0x", 2) != 0)
        return at;
    while (isxdigit((unsigned char)*digits))
        digits++;
    return *digits == ':' ? digits + 1 : at;
}

ssize_t packet_text_parse_hex(const char *text, uint8_t bytes[static PACKET_TEXT_MAX],
                              struct value_error *error)
{
    size_t count = 0;

    for (;;) {
        while (text_is_blank(*text) || *text == ':')
            text++;
        text = skip_line_number(text);
        while (text_is_blank(*text) || *text == ':')
            text++;
        if (*text == '\0')
            return (ssize_t)count;
        if (count == PACKET_TEXT_MAX)
            return value_refuse(error, "more bytes than a packet has");
        if (!take_hex(&text, &bytes[count++]))
            return value_refuse(error, "'%.20s' is not two hex digits for each byte", text);
    }
}
