/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates as text. */
#include "ipmodd/datapath/rate.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NS_PER_SECOND UINT64_C(1000000000)

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {
    {"s", NS_PER_SECOND},
    {"min", 60 * NS_PER_SECOND},
    {"h", 3600 * NS_PER_SECOND},
};

int rate_parse_burst(const char *text, uint64_t *ret_burst)
{
    uint64_t burst;
    int r = text_parse_number(text, RATE_MAX, &burst);

    if (r < 0 || burst == 0)
        return r < 0 ? r : -ERANGE;
    *ret_burst = burst;
    return 0;
}

int rate_parse(const char *text, struct rate *ret_rate)
{
    char count[sizeof("1000000")];
    size_t digits = strcspn(text, "/");

    if (text[digits] == '\0' || digits >= sizeof(count))
        return -EINVAL;
    memcpy(count, text, digits);
    count[digits] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(units[i].name, text + digits + 1) != 0)
            continue;
        ret_rate->period_ns = units[i].ns;
        return rate_parse_burst(count, &ret_rate->count);
    }
    return -EINVAL;
}

void rate_print(const struct rate *rate, FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (units[i].ns == rate->period_ns)
            fprintf(out, "%" PRIu64 "/%s", rate->count, units[i].name);
    }
}
