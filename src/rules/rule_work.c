/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a section, while a rule is made of it. */
#include "rule_work.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void rule_work_fail(struct rule_work *work, const struct entry *entry, const char *format, ...)
{
    const struct place place = entry_place(work->section, entry);
    char text[384];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    report_error(work->report, &place, "%s", text);
    work->failed = true;
}

int rule_work_take(struct rule_work *work, const struct entry *entry, int r,
                   const struct value_error *error)
{
    if (r != -EINVAL)
        return r;
    rule_work_fail(work, entry, "%s", error->text);
    return 0;
}
