/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often something may happen, as `limit` and `log` write it: "100/s", "10/min", "5/h". */
#ifndef IPMODD_DATAPATH_RATE_H
#define IPMODD_DATAPATH_RATE_H

#include <stdint.h>
#include <stdio.h>

enum { RATE_MAX = 1000000 }; /* times in its period, and of a burst */

/* COUNT times, 1 to RATE_MAX, in PERIOD_NS. */
struct rate {
    uint64_t count;
    uint64_t period_ns;
};

/* 0, -EINVAL or -ERANGE. */
int rate_parse(const char *text, struct rate *ret_rate);

/* A number from 1 to RATE_MAX. 0, -EINVAL or -ERANGE. */
int rate_parse_burst(const char *text, uint64_t *ret_burst);

/* In the form that rate_parse() reads. */
void rate_print(const struct rate *rate, FILE *out);

#endif
