/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories of the service. */
#include "ipmodd/base/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *directory_of_service(const char *variable, const char *usual,
                                 char text[static PATH_MAX])
{
    const char *given = getenv(variable);

    if (given == NULL || given[0] != '/')
        return usual;
    snprintf(text, PATH_MAX, "%.*s", (int)strcspn(given, ":"), given);
    return text;
}
