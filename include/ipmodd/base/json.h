/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON: what jansson lacks for those who make documents. */
#ifndef IPMODD_BASE_JSON_H
#define IPMODD_BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

/* How documents are written: one line, and numbers with the digits that a double has in decimal. */
enum { JSON_FORM = JSON_COMPACT | JSON_REAL_PRECISION(15) };

/* A number of the document's own, NULL without memory. JSON integers here end at INT64_MAX. */
static inline json_t *json_uint(uint64_t value)
{
    return json_integer((json_int_t)value);
}

#endif
