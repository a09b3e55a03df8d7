/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words: a request line taken apart.
 *
 * Words stand between blanks. A word, or part of one, may stand in double quotes, where blanks
 * count and a backslash makes \n, \t, \r, \" and \\; that is how a text of several lines travels in
 * one. Outside of quotes a backslash is a character like others, so that regular expressions and
 * paths need no care. Bytes above 0x7f have to be UTF-8, because they may come back in JSON.
 */
#ifndef IPMODD_CONTROL_WORDS_H
#define IPMODD_CONTROL_WORDS_H

#include <stddef.h>

struct words {
    char *memory;
    char **items; /* NUL-terminated, in order */
    size_t count;
};

/*
 * LINE of LENGTH bytes, without its line feed. 0; -EINVAL with *RET_FAULT a sentence about what is
 * wrong (static); -ENOMEM. An empty line has no words.
 */
int words_split(const char *line, size_t length, struct words *ret_words, const char **ret_fault);

/* Frees and empties; safe on a zeroed one. */
void words_clear(struct words *words);

#endif
