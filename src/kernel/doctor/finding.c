/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of what was found. */
#include "ipmodd/base/macro.h"
#include "ipmodd/kernel/doctor.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {
    [FINDING_OK] = "ok",           [FINDING_NOTE] = "note",   [FINDING_UNKNOWN] = "unknown",
    [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error",
};
static_assert(ARRAY_SIZE(level_names) == FINDING_LEVEL_COUNT, "a name for each level");

const char *finding_level_name(enum finding_level level)
{
    return level_names[level];
}

int findings_add(struct findings *findings, const char *name, enum finding_level level,
                 const char *mend, const char *format, ...)
{
    char *text CLEANUP(cleanup_free) = NULL;
    char *copy CLEANUP(cleanup_free) = mend != NULL ? strdup(mend) : NULL;
    struct finding *items;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        text = NULL;
    if (text == NULL || (mend != NULL && copy == NULL))
        return -ENOMEM;
    items = reallocarray(findings->items, findings->count + 1, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    findings->items = items;
    items[findings->count++] = (struct finding){
        .name = name, .level = level, .text = TAKE_PTR(text), .mend = TAKE_PTR(copy)};
    return 0;
}

void findings_clear(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].text);
        free(findings->items[i].mend);
    }
    free(findings->items);
    *findings = (struct findings){.items = NULL};
}
