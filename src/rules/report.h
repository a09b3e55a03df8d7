/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What loading says about problems, up to a bound.
 *
 * Ten megabytes of garbage are one mistake, not a million; who finds the report full may stop
 * looking, because nobody will see more. Bytes that a terminal would act on are replaced.
 */
#ifndef IPMODD_RULES_REPORT_H
#define IPMODD_RULES_REPORT_H

#include "ipmodd/base/problem.h"

#include <stdbool.h>
#include <stddef.h>

enum { REPORT_MAX = 100 };

struct report {
    struct problems *problems; /* borrowed */
    size_t shown;
};

void report_error(struct report *report, const struct place *place, const char *format, ...)
    PRINTF_LIKE(3, 4);
void report_warning(struct report *report, const struct place *place, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Whether further problems would not be shown. */
bool report_is_full(const struct report *report);

/* Says so if the report is full. */
void report_finish(struct report *report);

#endif
