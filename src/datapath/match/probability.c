/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probability: chance decides, for each wire packet anew. */
#include "table.h"

#include "ipmodd/base/rng.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    DECIMALS_MAX = 6,
    MILLIONTHS = 1000000,      /* of a percent, in a percent */
    CERTAIN = 100 * MILLIONTHS /* 100 % */
};

struct probability {
    uint32_t millionths; /* of a percent */
};

/* ".25" in millionths; what comes behind it. NULL when that is not its form. */
static const char *read_decimals(const char *text, uint64_t *ret_millionths)
{
    uint64_t unit = MILLIONTHS, sum = 0;
    unsigned digits = 0;

    for (text++; isdigit((unsigned char)*text) && digits < DECIMALS_MAX; text++, digits++) {
        unit /= 10;
        sum += (uint64_t)(*text - '0') * unit;
    }
    *ret_millionths = sum;
    return digits > 0 ? text : NULL;
}

/* "2.5%" in millionths of a percent; 0 for anything else. */
static uint64_t read_percent(const char *text)
{
    uint64_t whole = 0, part = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits < 1 || digits > 3)
        return 0;
    for (size_t i = 0; i < digits; i++)
        whole = 10 * whole + (uint64_t)(*text++ - '0');
    if (*text == '.')
        text = read_decimals(text, &part);
    if (text == NULL || strcmp(text + strspn(text, " \t"), "%") != 0)
        return 0;
    return whole * MILLIONTHS + part;
}

static int probability_parse(const char *text, const struct scope *scope, void **ret_value,
                             struct value_error *error)
{
    uint64_t millionths = read_percent(text);
    const struct probability value = {(uint32_t)millionths};

    (void)scope;
    if (millionths == 0 || millionths > CERTAIN)
        return value_refuse(error,
                            "'%.40s' is not a probability: a percentage above 0%% and up to 100%%, "
                            "with up to %d decimals, as 2.5%%",
                            text, DECIMALS_MAX);
    return value_keep(&value, sizeof(value), ret_value);
}

static bool probability_test(const void *pointer, const struct match_context *context,
                             const struct packet *packet)
{
    const struct probability *value = pointer;
    uint64_t drawn = (uint64_t)rng_u32(context->rng) * CERTAIN >> 32;

    (void)packet;
    return drawn < value->millionths;
}

static bool probability_holds_always(const void *pointer)
{
    const struct probability *value = pointer;

    return value->millionths == CERTAIN;
}

static void probability_print(const void *pointer, FILE *out)
{
    const struct probability *value = pointer;
    uint32_t part = value->millionths % MILLIONTHS;
    int decimals = DECIMALS_MAX;

    fprintf(out, "%" PRIu32, value->millionths / MILLIONTHS);
    for (; part != 0 && part % 10 == 0; decimals--)
        part /= 10;
    if (part != 0)
        fprintf(out, ".%0*" PRIu32, decimals, part);
    fputc('%', out);
}

const struct match_type match_probability = {
    .key = "probability",
    .grammar = "a percentage above 0% and up to 100%, as 2.5%",
    .parse = probability_parse,
    .free = free,
    .test = probability_test,
    .holds_always = probability_holds_always,
    .print = probability_print,
    .per_wire_packet = true,
    .varies = true,
    .spends = true,
};
