/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of sentences about what others have on this host. */
#include "ipmodd/base/remark.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int remarks_add(struct remarks *remarks, enum remark_kind kind, const char *format, ...)
{
    char text[REMARK_TEXT];
    struct remark *items;
    va_list arguments;
    char *copy;

    if (remarks->count == REMARKS_MAX) {
        remarks->left_out++;
        return 0;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    items = reallocarray(remarks->items, remarks->count + 1, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    remarks->items = items;
    copy = strdup(text);
    if (copy == NULL)
        return -ENOMEM;
    items[remarks->count++] = (struct remark){.kind = kind, .text = copy};
    return 0;
}

bool remarks_have(const struct remarks *remarks, const struct remark *remark)
{
    for (size_t i = 0; i < remarks->count; i++) {
        if (remarks->items[i].kind == remark->kind &&
            strcmp(remarks->items[i].text, remark->text) == 0)
            return true;
    }
    return false;
}

const char *remark_help(const struct remark *remark)
{
    const char *help = strstr(remark->text, REMARK_HELP);

    return help != NULL ? help + strlen(REMARK_HELP) : NULL;
}

void remarks_clear(struct remarks *remarks)
{
    for (size_t i = 0; i < remarks->count; i++)
        free(remarks->items[i].text);
    free(remarks->items);
    *remarks = (struct remarks){.items = NULL};
}
