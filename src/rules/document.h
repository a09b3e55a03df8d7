/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands in the configuration files: sections and keys in order, as text with their places.
 *
 * Nothing is interpreted here. File names are borrowed from the list of files, which must live as
 * long as the document.
 */
#ifndef IPMODD_RULES_DOCUMENT_H
#define IPMODD_RULES_DOCUMENT_H

#include "ipmodd/base/problem.h"

#include <stdint.h>

struct entry {
    char *key;
    char *value; /* may be empty */
    unsigned line;
};

struct section {
    const char *file;
    char *name; /* what stands between the brackets, stripped */
    unsigned line;
    struct entry *entries;
    size_t entry_count;
};

struct document {
    struct section *sections;
    size_t section_count;
};

/* Appends an empty section. 0 or -ENOMEM. */
int document_add_section(struct document *document, const char *file, const char *name,
                         unsigned line);

/* The section added last; there must be one. Valid until the next is added. */
struct section *document_last_section(struct document *document);

/* Appends a key; takes over KEY and VALUE, also on failure. 0 or -ENOMEM. */
int section_add_entry(struct section *section, char *key, char *value, unsigned line);

/* NULL when SECTION has no such key. */
const struct entry *section_find_entry(const struct section *section, const char *key);

/* Places of SECTION and of its ENTRY; strings borrowed from both. */
struct place section_place(const struct section *section);
struct place entry_place(const struct section *section, const struct entry *entry);

/*
 * PATH as it is meant by a value of SECTION: relative to the folder of its file. Owned by the
 * caller; NULL without memory.
 */
char *section_resolve_path(const struct section *section, const char *path);

/* Of the keys of SECTION and their values as they are written (text_digest()). */
uint64_t section_digest(const struct section *section);

/* Frees and empties; safe on a zeroed document. */
void document_clear(struct document *document);

#endif
