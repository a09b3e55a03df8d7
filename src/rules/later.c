/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of the rule language that this version does not have. */
#include "later.h"

#include "ipmodd/base/macro.h"

#include <string.h>

static const struct {
    const char *section;
    const char *key;
} later_keys[] = {
    /* One a line, so that branches that take some out do not meet. */
    /* clang-format off */
    {"rule", "delay"},
    {"rule", "loss"},
    {"rule", "duplicate"},
    {"rule", "corrupt"},
    {"rule", "reorder"},
    {"rule", "rate"},
    {"rule", "truncate"},
    {"rule", "profile"},
    /* clang-format on */
};

bool later_has_key(const char *section, const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(later_keys); i++) {
        if (strcmp(later_keys[i].section, section) == 0 && strcmp(later_keys[i].key, key) == 0)
            return true;
    }
    return false;
}
