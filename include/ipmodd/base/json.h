/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON: what jansson lacks for those who make documents. */
#ifndef IPMODD_BASE_JSON_H
#define IPMODD_BASE_JSON_H

#include "ipmodd/base/macro.h"

#include <ctype.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

/* How documents are written: one line, and numbers with the digits that a double has in decimal. */
enum { JSON_FORM = JSON_COMPACT | JSON_REAL_PRECISION(15) };

/* A number of the document's own, NULL without memory. JSON integers here end at INT64_MAX. */
static inline json_t *json_uint(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/*
 * A string of the document's own, NULL without memory. JSON has UTF-8 alone; file names, patterns
 * and what messages quote of them may be anything: then each byte that is no ASCII becomes a '?'.
 */
static inline json_t *json_text(const char *text)
{
    json_t *string = json_string(text);
    char CLEANUP(cleanup_free) *copy = NULL;

    if (string != NULL)
        return string;
    copy = strdup(text);
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        if (!isascii(*c))
            *c = '?';
    }
    return json_string(copy);
}

#endif
