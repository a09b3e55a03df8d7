/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of problems that a configuration has. */
#include "ipmodd/base/problem.h"

#include <stdarg.h>
#include <string.h>

static void problem_free(struct problem *problem)
{
    free((char *)problem->place.file);
    free((char *)problem->place.section);
    free((char *)problem->place.key);
    free(problem->text);
}

/* A copy of TEXT, or NULL for NULL; FAILED is set when there is no memory. */
static char *copy_text(const char *text, bool *failed)
{
    char *copy = text != NULL ? strdup(text) : NULL;

    if (text != NULL && copy == NULL)
        *failed = true;
    return copy;
}

static PRINTF_LIKE(3, 0) bool problem_fill(struct problem *problem, const struct place *place,
                                           const char *format, va_list arguments)
{
    bool failed = false;

    problem->place.file = copy_text(place->file, &failed);
    problem->place.section = copy_text(place->section, &failed);
    problem->place.key = copy_text(place->key, &failed);
    problem->place.line = place->line;
    if (vasprintf(&problem->text, format, arguments) < 0) {
        problem->text = NULL;
        failed = true;
    }
    return !failed;
}

void problems_add(struct problems *problems, enum problem_severity severity,
                  const struct place *place, const char *format, ...)
{
    struct problem problem = {.severity = severity};
    struct problem *items;
    va_list arguments;
    bool filled;

    va_start(arguments, format);
    filled = problem_fill(&problem, place, format, arguments);
    va_end(arguments);
    items = reallocarray(problems->items, problems->count + 1, sizeof(*items));
    if (items != NULL)
        problems->items = items;
    if (!filled || items == NULL) {
        problem_free(&problem);
        problems->out_of_memory = true;
        return;
    }
    items[problems->count++] = problem;
}

bool problems_have_errors(const struct problems *problems)
{
    if (problems->out_of_memory)
        return true;
    for (size_t i = 0; i < problems->count; i++) {
        if (problems->items[i].severity == PROBLEM_ERROR)
            return true;
    }
    return false;
}

void problem_print(const struct problem *problem, FILE *out)
{
    const struct place *place = &problem->place;

    if (place->file != NULL)
        fputs(place->file, out);
    if (place->file != NULL && place->line != 0)
        fprintf(out, ":%u", place->line);
    if (place->file != NULL)
        fputs(": ", out);
    if (place->section != NULL)
        fprintf(out, "[%s] ", place->section);
    if (place->key != NULL)
        fprintf(out, "%s: ", place->key);
    if (problem->severity == PROBLEM_WARNING)
        fputs("warning: ", out);
    fputs(problem->text, out);
}

void problems_print(const struct problems *problems, FILE *out)
{
    for (size_t i = 0; i < problems->count; i++) {
        problem_print(&problems->items[i], out);
        fputc('\n', out);
    }
    if (problems->out_of_memory)
        fputs("not enough memory to list all problems\n", out);
}

void problems_clear(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        problem_free(&problems->items[i]);
    free(problems->items);
    *problems = PROBLEMS_INIT;
}
