/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts a journal entry together, field by field. */
#include "entry.h"

#include <string.h>

/* UTF-8 stays as it is: only ASCII controls could end a line or steer a terminal. */
static char flatten(char c)
{
    return ((unsigned char)c < ' ' || c == '\x7f') ? ' ' : c;
}

void text_flatten(char *text)
{
    for (; *text != '\0'; text++)
        *text = flatten(*text);
}

void entry_add(struct entry *entry, const char *name, const char *value)
{
    size_t name_length = strlen(name);
    size_t value_length = strlen(value);
    char *at = entry->bytes + entry->length;

    if (name_length + value_length + 2 > sizeof(entry->bytes) - entry->length)
        return;
    memcpy(at, name, name_length);
    at += name_length;
    *at++ = '=';
    for (size_t i = 0; i < value_length; i++)
        *at++ = flatten(value[i]);
    *at++ = '\n';
    entry->length += name_length + value_length + 2;
}
