/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections and keys as they stand in the files. */
#include "document.h"

#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

/*
 * Room for one item more in ARRAY of COUNT items, which is full at 0 and at powers of two. NULL
 * without memory, with ARRAY as it was.
 */
static void *grow(void *array, size_t count, size_t item_size)
{
    if ((count & (count - 1)) != 0)
        return array;
    return reallocarray(array, count == 0 ? 1 : 2 * count, item_size);
}

int document_add_section(struct document *document, const char *file, const char *name,
                         unsigned line)
{
    struct section section = {.file = file, .name = strdup(name), .line = line};
    struct section *sections = grow(document->sections, document->section_count, sizeof(section));

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
    struct entry *entries = grow(section->entries, section->entry_count, sizeof(*entries));

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
        if (text_is(key, section->entries[i].key))
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

char *section_resolve_path(const struct section *section, const char *path)
{
    const char *slash = strrchr(section->file, '/');
    char *joined;

    if (*path == '/' || slash == NULL)
        return strdup(path);
    if (asprintf(&joined, "%.*s/%s", (int)(slash - section->file), section->file, path) < 0)
        return NULL;
    return joined;
}

uint64_t section_digest(const struct section *section)
{
    uint64_t digest = TEXT_DIGEST_START;

    for (size_t i = 0; i < section->entry_count; i++) {
        digest = text_digest(digest, section->entries[i].key);
        digest = text_digest(digest, section->entries[i].value);
    }
    return digest;
}

void document_clear(struct document *document)
{
    for (size_t i = 0; i < document->section_count; i++)
        section_clear(&document->sections[i]);
    free(document->sections);
    *document = (struct document){.sections = NULL};
}
