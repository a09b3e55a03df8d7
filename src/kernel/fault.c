/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentence that goes with a failed step. */
#include "kernel/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fault_set(struct fault *fault, int error, const char *format, ...)
{
    va_list arguments;
    size_t used;

    if (fault->text[0] != '\0')
        return error;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    used = strlen(fault->text);
    snprintf(fault->text + used, sizeof(fault->text) - used, ": %s", strerror(-error));
    return error;
}

int fault_explain(struct fault *fault, int error, const char *format, ...)
{
    va_list arguments;

    if (fault->text[0] != '\0')
        return error;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    return error;
}

void fault_append(struct fault *fault, const char *format, ...)
{
    size_t used = strlen(fault->text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fault->text + used, sizeof(fault->text) - used, format, arguments);
    va_end(arguments);
}

void fault_clear(struct fault *fault)
{
    fault->text[0] = '\0';
}
