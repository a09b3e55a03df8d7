/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking over an option list. */
#include "ipmodd/wire/option.h"

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
