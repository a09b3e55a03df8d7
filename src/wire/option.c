/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking over option lists. */
#include "ipmodd/wire/option.h"

#include "ipmodd/wire/ip6.h"

bool option_next(struct cursor *options, struct option *ret_option)
{
    while (cursor_left(options) > 0) {
        struct option option = {.kind = cursor_u8(options)};
        size_t length;

        if (option.kind == OPTION_END)
            return false;
        if (option.kind == OPTION_NOP)
            continue;
        length = cursor_u8(options);
        if (length < OPTION_HEADER) {
            options->failed = true;
            return false;
        }
        option.length = length - OPTION_HEADER;
        option.value = cursor_take(options, option.length);
        if (option.value == NULL)
            return false;
        *ret_option = option;
        return true;
    }
    return false;
}

bool ip6_option_find(struct cursor options, uint8_t type, size_t length)
{
    while (cursor_left(&options) > 0) {
        uint8_t kind = cursor_u8(&options);
        size_t size = kind != IP6_OPTION_PAD1 ? cursor_u8(&options) : 0;

        cursor_skip(&options, size);
        if (options.failed)
            return false;
        if (kind == type && size == length)
            return true;
    }
    return false;
}
