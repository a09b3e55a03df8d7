/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bounded list of problems, clean to print. */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum {
    TEXT_SIZE = 512,
    NAME_SIZE = 80, /* longer section names and keys are cut: they are wrong anyway */
};

/* Cuts off what a terminal or a log reader could take for something else than text. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

/* TEXT, cut and printable, in BUFFER; NULL for NULL. */
static const char *clean_name(const char *text, char buffer[static NAME_SIZE])
{
    if (text == NULL)
        return NULL;
    snprintf(buffer, NAME_SIZE, "%s", text);
    make_printable(buffer);
    return buffer;
}

/* Whether A, found before B, stands behind it in the same file. */
static bool is_behind(const struct place *a, const struct place *b)
{
    return a->file != NULL && b->file != NULL && strcmp(a->file, b->file) == 0 && a->line > b->line;
}

/* The last problem to its place among those of the same file. */
static void move_to_line(struct problems *problems)
{
    for (size_t i = problems->count; i >= 2; i--) {
        struct problem *first = &problems->items[i - 2], *second = &problems->items[i - 1];
        struct problem moved = *second;

        if (!is_behind(&first->place, &second->place))
            break;
        *second = *first;
        *first = moved;
    }
}

static PRINTF_LIKE(4, 0) void add(struct report *report, enum problem_severity severity,
                                  const struct place *place, const char *format, va_list arguments)
{
    char text[TEXT_SIZE], section[NAME_SIZE], key[NAME_SIZE];
    struct place clean = *place;

    if (report->counts[severity] >= REPORT_MAX)
        return;
    vsnprintf(text, sizeof(text), format, arguments);
    make_printable(text);
    clean.section = clean_name(place->section, section);
    clean.key = clean_name(place->key, key);
    problems_add(report->problems, severity, &clean, "%s", text);
    move_to_line(report->problems);
    report->counts[severity]++;
}

void report_error(struct report *report, const struct place *place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(report, PROBLEM_ERROR, place, format, arguments);
    va_end(arguments);
}

void report_warning(struct report *report, const struct place *place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(report, PROBLEM_WARNING, place, format, arguments);
    va_end(arguments);
}

int report_distrust(struct report *report, const struct place *place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(report, report->is_trial ? PROBLEM_WARNING : PROBLEM_ERROR, place, format, arguments);
    va_end(arguments);
    return report->is_trial ? 0 : -EINVAL;
}

bool report_has_errors(const struct report *report)
{
    return report->counts[PROBLEM_ERROR] > 0;
}

bool report_is_full(const struct report *report)
{
    return report->counts[PROBLEM_ERROR] >= REPORT_MAX || is_cancelled(report->cancel);
}

void report_finish(struct report *report)
{
    const struct place nowhere = {.file = NULL};

    if (report->counts[PROBLEM_ERROR] >= REPORT_MAX)
        problems_add(report->problems, PROBLEM_ERROR, &nowhere,
                     "there may be more errors: only the first %d are shown", REPORT_MAX);
}
