/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Problems of a configuration, collected so that a user sees all of them at once.
 *
 * A problem has a place (file, line, section, key; the later ones may be absent) and a sentence
 * that says what is wrong and what would be right. Whoever finds one adds it and goes on; whoever
 * owns the list decides at the end. A list that could not grow says so itself:
 * problems_have_errors() is then true, so that lack of memory never looks like a good
 * configuration.
 */
#ifndef IPMODD_BASE_PROBLEM_H
#define IPMODD_BASE_PROBLEM_H

#include "ipmodd/base/macro.h"

#include <stdbool.h>
#include <stdio.h>

enum problem_severity {
    PROBLEM_ERROR,
    PROBLEM_WARNING,
    PROBLEM_SEVERITY_COUNT,
};

/* Where a piece of configuration stands. Strings are borrowed; each but FILE may be NULL. */
struct place {
    const char *file;
    unsigned line; /* from 1; 0 = the file as a whole */
    const char *section;
    const char *key;
};

struct problem {
    enum problem_severity severity;
    struct place place; /* strings owned by the problem */
    char *text;
};

struct problems {
    struct problem *items; /* owned, in the order found */
    size_t count;
    bool out_of_memory;
};

#define PROBLEMS_INIT ((struct problems){.items = NULL})

/* Copies PLACE's strings. Never fails visibly; see the theory above. */
void problems_add(struct problems *problems, enum problem_severity severity,
                  const struct place *place, const char *format, ...) PRINTF_LIKE(4, 5);

bool problems_have_errors(const struct problems *problems);

/* "FILE:LINE: [section] key: text", without a line end, parts that are absent left out. */
void problem_print(const struct problem *problem, FILE *out);

/* All of them, a line each, and that there are more when memory did not suffice for them. */
void problems_print(const struct problems *problems, FILE *out);

/* Frees what the list holds and empties it; safe on an empty one. */
void problems_clear(struct problems *problems);

#endif
