/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of configuration values: blanks, decimal numbers, lists, and the name that was meant.
 *
 * Everything works in the C locale whatever the process has set, allocates only where it says so,
 * and leaves messages to its caller, who knows the key.
 */
#ifndef IPMODD_BASE_TEXT_H
#define IPMODD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* As strcmp() says it, but at once for most of the names that a word is held against. */
static inline bool text_is(const char *text, const char *name)
{
    return *text == *name && strcmp(text, name) == 0;
}

/* Space, tab, carriage return, vertical tab, form feed, line feed. */
bool text_is_blank(char c);

/* Bytes of the byte order mark that TEXT begins with: editors of other systems write one; or 0. */
size_t text_byte_order_mark(const char *text);

/* TEXT without blanks at either end: its new beginning; the end is cut in place. */
char *text_strip(char *text);

/* The next word of *REST between blanks, cut off in place; NULL at the end. */
char *text_next_word(char **rest);

/*
 * Decimal digits and nothing else. 0; -EINVAL for anything else than digits, -ERANGE when the
 * number is above MAX; RET is written on success alone.
 */
int text_parse_number(const char *text, uint64_t max, uint64_t *ret_number);

/*
 * A time in whole seconds: "240", "240s", "4min", "2h", "1d". 0; -EINVAL for another text and for
 * nothing, -ERANGE above MAX seconds; RET is written on success alone.
 */
int text_parse_seconds(const char *text, uint32_t max, uint32_t *ret_seconds);

/* What the word for COUNT things ends with: "s", or "" for one. */
static inline const char *text_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* One item of a list, stripped and without its `!`. */
struct text_item {
    const char *text;
    bool negated;
};

/* A list taken apart; owns its memory. */
struct text_list {
    struct text_item *items; /* and behind the last of them their text */
    size_t count;
};

/* TEXT split at commas. 0; -EINVAL with an empty item (or none at all); -ENOMEM. */
int text_list_split(const char *text, struct text_list *ret_list);

/* Frees and empties; safe on a zeroed list. */
void text_list_clear(struct text_list *list);

/*
 * Finds the name that a mistyped word was meant to be: offer every candidate, then read `name`,
 * which is NULL when none is near enough (at most one slip for three letters; capitals are none).
 */
struct text_guess {
    const char *word;
    const char *name;
    size_t distance;
};

#define TEXT_GUESS(mistyped) ((struct text_guess){.word = (mistyped)})

/* CANDIDATE is borrowed. */
void text_guess_offer(struct text_guess *guess, const char *candidate);

/*
 * A number for texts one after the other: DIGEST of those before, at first TEXT_DIGEST_START, goes
 * on with TEXT and its end (FNV-1a of 64 bits). To see whether something was changed, not to defend
 * against who wants that to be hidden.
 */
#define TEXT_DIGEST_START UINT64_C(0xcbf29ce484222325)
uint64_t text_digest(uint64_t digest, const char *text);

#endif
