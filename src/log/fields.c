/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects the fields of one entry. */
#include "ipmodd/log/fields.h"

#include <stdarg.h>

void log_fields_add(struct log_fields *fields, const char *name, const char *format, ...)
{
    char *value = fields->text + fields->used;
    size_t room = sizeof(fields->text) - fields->used;
    va_list arguments;
    int length;

    if (fields->count == LOG_FIELDS_MAX)
        return;
    va_start(arguments, format);
    length = vsnprintf(value, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room)
        return;
    fields->items[fields->count++] = (struct log_field){.name = name, .value = value};
    fields->used += (size_t)length + 1;
}
