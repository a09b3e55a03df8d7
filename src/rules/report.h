/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What loading says about problems, up to a bound.
 *
 * Ten megabytes of garbage are one mistake, not a million; who finds the report full may stop
 * looking, because nobody will see more. Warnings have a bound of their own, so that no number of
 * them is an error. Bytes that a terminal would act on are replaced. Within a file problems come in
 * the order of its lines.
 */
#ifndef IPMODD_RULES_REPORT_H
#define IPMODD_RULES_REPORT_H

#include "ipmodd/base/cancel.h"
#include "ipmodd/base/problem.h"

#include <stdbool.h>
#include <stddef.h>

enum { REPORT_MAX = 100 };

struct report {
    struct problems *problems; /* borrowed */
    const atomic_bool *cancel; /* NULL: loading is never given up */
    bool is_trial;             /* what is loaded comes into force nowhere */
    size_t counts[PROBLEM_SEVERITY_COUNT];
};

void report_error(struct report *report, const struct place *place, const char *format, ...)
    PRINTF_LIKE(3, 4);
void report_warning(struct report *report, const struct place *place, const char *format, ...)
    PRINTF_LIKE(3, 4);

/*
 * A file is not to be trusted: an error, and -EINVAL, where it would decide about traffic; in a
 * trial a warning, and 0.
 */
int report_distrust(struct report *report, const struct place *place, const char *format, ...)
    PRINTF_LIKE(3, 4);

bool report_has_errors(const struct report *report);

/* Whether looking further is of no use: more errors would not be shown, or nobody waits for it. */
bool report_is_full(const struct report *report);

/* Says so if the report is full. */
void report_finish(struct report *report);

#endif
