/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one journal entry in journald's native protocol
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL): one "NAME=value" line a field. Values here hold no line
 * end, so the binary form is not needed.
 */
#ifndef IPMODD_LOG_ENTRY_H
#define IPMODD_LOG_ENTRY_H

#include <stddef.h>

enum { ENTRY_CAPACITY = 8192 };

struct entry {
    char bytes[ENTRY_CAPACITY];
    size_t length;
};

/* Appends a field, control characters in VALUE made spaces; one that does not fit is left out. */
void entry_add(struct entry *entry, const char *name, const char *value);

/* Turns control characters in TEXT into spaces: no forged lines, no terminal sequences. */
void text_flatten(char *text);

#endif
