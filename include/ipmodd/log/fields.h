/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of one entry, put together value by value in memory of fixed size.
 *
 * A field that does not fit any more is left out: the line for people does not depend on fields.
 */
#ifndef IPMODD_LOG_FIELDS_H
#define IPMODD_LOG_FIELDS_H

#include "ipmodd/base/macro.h"
#include "ipmodd/log/log.h"

enum {
    LOG_FIELDS_MAX = 24,
    LOG_FIELDS_TEXT = 4096, /* bytes of all values together; CONFIG_FILE may be a long path */
};

/* NAME in capitals, digits and underscores. */
struct log_field {
    const char *name;
    const char *value;
};

struct log_fields {
    struct log_field items[LOG_FIELDS_MAX]; /* values point into `text` */
    size_t count;
    char text[LOG_FIELDS_TEXT];
    size_t used;
};

/* NAME is borrowed, the value copied. FIELDS must not be moved afterwards. */
void log_fields_add(struct log_fields *fields, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
