/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections and keys as they stand in the files. */
#include "document.h"

#include <errno.h>
#include <string.h>

int document_add_section(struct document *document, const char *file, const char *name,
                         unsigned line)
{
    struct section section = {.file = file, .name = strdup(name), .line = line};
    struct section *sections =
        reallocarray(document->sections, document->section_count + 1, sizeof(*sections));

    if (sections != NULL)
        document->sections = sections;
    if (sections == NULL || section.name == NULL) {
        free(section.name);
        return -ENOMEM;
    }
    sections[document->section_count++] = section;
    return 0;
}

struct section *document_last_section(struct document *document)
{
    return &document->sections[document->section_count - 1];
}

int section_add_entry(struct section *section, char *key, char *value, unsigned line)
{
    struct entry *entries =
        reallocarray(section->entries, section->entry_count + 1, sizeof(*entries));

    if (entries == NULL) {
        free(key);
        free(value);
        return -ENOMEM;
    }
    section->entries = entries;
    entries[section->entry_count++] = (struct entry){.key = key, .value = value, .line = line};
    return 0;
}

const struct entry *section_find_entry(const struct section *section, const char *key)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        if (strcmp(section->entries[i].key, key) == 0)
            return &section->entries[i];
    }
    return NULL;
}

struct place section_place(const struct section *section)
{
    return (struct place){.file = section->file, .line = section->line, .section = section->name};
}

struct place entry_place(const struct section *section, const struct entry *entry)
{
    return (struct place){
        .file = section->file, .line = entry->line, .section = section->name, .key = entry->key};
}

static void section_clear(struct section *section)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        free(section->entries[i].key);
        free(section->entries[i].value);
    }
    free(section->entries);
    free(section->name);
}

void document_clear(struct document *document)
{
    for (size_t i = 0; i < document->section_count; i++)
        section_clear(&document->sections[i]);
    free(document->sections);
    *document = (struct document){.sections = NULL};
}
