/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request line to its words. */
#include "words.h"

#include "ipmodd/base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct scanner {
    const char *next, *end;
    char *out; /* where the next character of a word goes */
    const char *fault;
};

static char unescape(char letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case '"':
    case '\\':
        return letter;
    default:
        return '\0';
    }
}

/* Behind an opening quote: up to the closing one. */
static bool scan_quoted(struct scanner *scanner)
{
    while (scanner->next < scanner->end && *scanner->next != '"') {
        char c = *scanner->next++;

        if (c == '\\') {
            c = scanner->next < scanner->end ? unescape(*scanner->next++) : '\0';
            if (c == '\0') {
                scanner->fault = "behind a backslash in quotes stands n, t, r, \" or another one";
                return false;
            }
        }
        *scanner->out++ = c;
    }
    if (scanner->next == scanner->end) {
        scanner->fault = "a quote is not closed";
        return false;
    }
    scanner->next++;
    return true;
}

static bool scan_word(struct scanner *scanner)
{
    while (scanner->next < scanner->end && !text_is_blank(*scanner->next)) {
        char c = *scanner->next++;

        if (c != '"')
            *scanner->out++ = c;
        else if (!scan_quoted(scanner))
            return false;
    }
    *scanner->out++ = '\0';
    return true;
}

static void skip_blanks(struct scanner *scanner)
{
    while (scanner->next < scanner->end && text_is_blank(*scanner->next))
        scanner->next++;
}

/* A word takes one byte of the line at least, and a blank stands between two. */
static int allocate(size_t length, struct words *words)
{
    words->memory = malloc(length + 1);
    words->items = calloc(length / 2 + 1, sizeof(*words->items));
    return words->memory != NULL && words->items != NULL ? 0 : -ENOMEM;
}

int words_split(const char *line, size_t length, struct words *ret_words, const char **ret_fault)
{
    struct words words = {.count = 0};
    struct scanner scanner = {.next = line, .end = line + length};

    if (memchr(line, '\0', length) != NULL) {
        *ret_fault = "a NUL byte";
        return -EINVAL;
    }
    if (allocate(length, &words) < 0) {
        words_clear(&words);
        return -ENOMEM;
    }
    scanner.out = words.memory;
    for (skip_blanks(&scanner); scanner.next < scanner.end; skip_blanks(&scanner)) {
        words.items[words.count++] = scanner.out;
        if (!scan_word(&scanner)) {
            *ret_fault = scanner.fault;
            words_clear(&words);
            return -EINVAL;
        }
    }
    *ret_words = words;
    return 0;
}

void words_clear(struct words *words)
{
    free(words->items);
    free(words->memory);
    *words = (struct words){.count = 0};
}
