/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the TCP control bits. */
#include "ipmodd/datapath/tcp_flag.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

/* By bit number. */
static const char *const flag_names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};

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

int tcp_flag_parse_set(const char *text, uint8_t *ret_bits, struct value_error *error)
{
    char CLEANUP(cleanup_free) *memory = strdup(text);
    char *rest = memory;
    char *piece;
    uint8_t bits = 0;

    if (memory == NULL)
        return -ENOMEM;
    while (strcmp(text, "none") != 0 && (piece = strsep(&rest, "+")) != NULL) {
        uint8_t bit = flag_bit(text_strip(piece));

        if (bit == 0)
            return refuse_flag(text_strip(piece), error);
        bits |= bit;
    }
    *ret_bits = bits;
    return 0;
}

void tcp_flag_print_set(uint8_t bits, FILE *out)
{
    const char *separator = "";

    if (bits == 0)
        fputs("none", out);
    for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
        if ((bits & 1u << i) == 0)
            continue;
        fprintf(out, "%s%s", separator, flag_names[i]);
        separator = "+";
    }
}
