/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bounded list of problems, clean to print. */
#include "report.h"

#include <stdarg.h>

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

static PRINTF_LIKE(4, 0) void add(struct report *report, enum problem_severity severity,
                                  const struct place *place, const char *format, va_list arguments)
{
    char text[TEXT_SIZE], section[NAME_SIZE], key[NAME_SIZE];
    struct place clean = *place;

    if (report_is_full(report))
        return;
    vsnprintf(text, sizeof(text), format, arguments);
    make_printable(text);
    clean.section = clean_name(place->section, section);
    clean.key = clean_name(place->key, key);
    problems_add(report->problems, severity, &clean, "%s", text);
    report->shown++;
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

bool report_is_full(const struct report *report)
{
    return report->shown >= REPORT_MAX;
}

void report_finish(struct report *report)
{
    const struct place nowhere = {.file = NULL};

    if (report_is_full(report))
        problems_add(report->problems, PROBLEM_ERROR, &nowhere,
                     "there may be more problems: only the first %d are shown", REPORT_MAX);
}
