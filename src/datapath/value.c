/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a value parser of a match or an action refuses. */
#include "ipmodd/datapath/match.h"

#include <errno.h>
#include <stdarg.h>

int value_refuse(struct value_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -EINVAL;
}
