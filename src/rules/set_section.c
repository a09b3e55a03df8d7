/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [set NAME]: from text and files to a set. */
#include "set_section.h"

#include "ipmodd/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const struct value_name type_names[] = {
    {"prefix", SET_PREFIX, SET_PREFIX},
    {"port", SET_PORT, SET_PORT},
};

static const struct value_domain type_domain = {.noun = "a type of set",
                                                .max = SET_TYPE_COUNT - 1,
                                                .names = type_names,
                                                .name_count = ARRAY_SIZE(type_names),
                                                .names_only = true};

static const struct {
    const char *key, *grammar;
} keys[] = {
    {"type", "prefix or port"},
    {"elements", "addresses, prefixes and ranges, or ports and ranges, separated by commas"},
    {"file", "the path of a file with one element a line"},
};

const char *set_section_key(size_t i)
{
    return i < ARRAY_SIZE(keys) ? keys[i].key : NULL;
}

/* One element to SET. 0, -EINVAL with ERROR filled, or -ENOMEM. */
static int add_element(struct set *set, const char *text, struct value_error *error)
{
    struct address_range addresses;
    struct value_name ports;
    int r;

    set_note_text(set, text);
    if (set_type(set) == SET_PREFIX) {
        r = address_range_parse(text, &addresses, error);
        return r < 0 ? r : set_add_addresses(set, &addresses);
    }
    r = value_parse_range(text, &value_port, &ports, error);
    if (r == 0)
        set_add_ports(set, (uint16_t)ports.first, (uint16_t)ports.last);
    return r;
}

/* Reports a refusal; 0 or -ENOMEM. */
static int take_refusal(int r, const struct place *place, const struct value_error *error,
                        struct report *report)
{
    if (r != -EINVAL)
        return r;
    report_error(report, place, "%s", error->text);
    return 0;
}

static int add_items(struct set *set, const struct text_list *texts, struct value_error *error)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < texts->count; i++) {
        if (texts->items[i].negated)
            return value_refuse(error, "'!%.40s': a set has no exceptions; write them in the rule",
                                texts->items[i].text);
        r = add_element(set, texts->items[i].text, error);
    }
    return r;
}

static int add_elements(struct set *set, const struct section *section, struct report *report)
{
    const struct entry *entry = section_find_entry(section, "elements");
    struct text_list CLEANUP(text_list_clear) texts = {.items = NULL};
    struct value_error error;
    struct place place;
    int r;

    if (entry == NULL)
        return 0;
    place = entry_place(section, entry);
    r = value_split_list(entry->value, &texts, &error);
    if (r == 0)
        r = add_items(set, &texts, &error);
    if (r == 0)
        r = set_note_elements(set, entry->value);
    return take_refusal(r, &place, &error, report);
}

/* One line, its comment cut, to SET. 0 or -ENOMEM. */
static int add_line(struct set *set, char *line, size_t length, const struct place *place,
                    struct report *report)
{
    struct value_error error;
    int r = 0;

    if (strlen(line) != length) {
        report_error(report, place, "holds a NUL byte: a set file is plain text");
        return 0;
    }
    if (place->line == 1)
        line += text_byte_order_mark(line);
    line[strcspn(line, "#;")] = '\0';
    line = text_strip(line);
    if (*line != '\0')
        r = add_element(set, line, &error);
    return take_refusal(r, place, &error, report);
}

/* PLACE: of FILE, its line to be filled in. */
static int read_lines(struct set *set, FILE *file, struct place *place, struct report *report)
{
    char CLEANUP(cleanup_free) *line = NULL;
    size_t size = 0;
    ssize_t length;
    int r = 0;

    while (r == 0 && !report_is_full(report) && (length = getline(&line, &size, file)) >= 0) {
        place->line++;
        r = add_line(set, line, (size_t)length, place, report);
    }
    if (ferror(file)) {
        place->line = 0;
        report_error(report, place, "cannot be read: %s", strerror(errno));
    }
    return r;
}

/* The errno of what can be opened, but is no file: a device or pipe has no end that must come. */
enum { NO_FILE = EINVAL };

/* PATH for reading; NULL with errno. */
static FILE *open_regular(const char *path)
{
    int CLEANUP(cleanup_fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    FILE *file;

    if (fd < 0 || fstat(fd, &status) < 0)
        return NULL;
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : NO_FILE;
        return NULL;
    }
    file = fdopen(fd, "r");
    if (file != NULL)
        (void)TAKE_FD(fd);
    return file;
}

/* The path of SECTION's file; *RET_PATH stays NULL when it has none. 0 or -ENOMEM. */
static int find_path(const struct section *section, char **ret_path)
{
    const struct entry *entry = section_find_entry(section, "file");

    if (entry == NULL || *entry->value == '\0')
        return 0;
    *ret_path = section_resolve_path(section, entry->value);
    return *ret_path != NULL ? 0 : -ENOMEM;
}

static void refuse_file(const struct section *section, const char *path, int error,
                        struct report *report)
{
    const struct place place = entry_place(section, section_find_entry(section, "file"));

    report_error(report, &place, "%.200s cannot be read: %s", path,
                 error == NO_FILE ? "it is a device or a pipe, not a file" : strerror(error));
}

/* PATH for reading, or its text in GIVEN; NULL with a report, or with errno ENOMEM. */
static FILE *open_lines(const struct section *section, const char *path, const struct given *given,
                        struct report *report)
{
    const struct place place = entry_place(section, section_find_entry(section, "file"));
    const char *text = given != NULL ? given_find(given, GIVEN_ELEMENTS, path) : NULL;
    FILE *file;

    if (text != NULL)
        return fmemopen((char *)text, strlen(text), "r");
    if (given != NULL) {
        report_error(report, &place, "%.200s did not come along, and is not opened here", path);
        errno = ENOENT;
        return NULL;
    }
    file = open_regular(path);
    if (file == NULL)
        refuse_file(section, path, errno, report);
    return file;
}

static int add_file(struct set *set, const struct section *section, const struct given *given,
                    struct report *report)
{
    char CLEANUP(cleanup_free) *path = NULL;
    CLEANUP(cleanup_file) FILE *file = NULL;
    struct place line = {.section = section->name};
    int r = find_path(section, &path);

    if (r < 0 || path == NULL)
        return r;
    file = open_lines(section, path, given, report);
    if (file == NULL)
        return errno == ENOMEM ? -ENOMEM : 0;
    line.file = path;
    r = read_lines(set, file, &line, report);
    return r < 0 ? r : set_note_file(set, path);
}

/* All of FILE up to a NUL byte, to GIVEN under PATH. */
static int collect_lines(const struct section *section, const char *path, FILE *file,
                         struct report *report, struct given *given)
{
    const struct place place = {.file = path, .section = section->name};
    char CLEANUP(cleanup_free) *text = NULL;
    size_t size = 0;
    ssize_t length = getdelim(&text, &size, '\0', file);

    if (ferror(file)) {
        refuse_file(section, path, errno, report);
        return 0;
    }
    if (length > 0 && text[length - 1] == '\0') {
        report_error(report, &place, "holds a NUL byte: a set file is plain text");
        return 0;
    }
    return given_add(given, GIVEN_ELEMENTS, path, length > 0 ? text : "");
}

int set_section_collect(const struct section *section, struct report *report, struct given *given)
{
    char CLEANUP(cleanup_free) *path = NULL;
    CLEANUP(cleanup_file) FILE *file = NULL;
    int r = find_path(section, &path);

    if (r < 0 || path == NULL || given_find(given, GIVEN_ELEMENTS, path) != NULL)
        return r;
    file = open_lines(section, path, NULL, report);
    if (file == NULL)
        return errno == ENOMEM ? -ENOMEM : 0;
    return collect_lines(section, path, file, report, given);
}

static void report_unknown(const struct section *section, const struct entry *entry,
                           struct report *report)
{
    const struct place place = entry_place(section, entry);
    struct text_guess guess = TEXT_GUESS(entry->key);

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        text_guess_offer(&guess, keys[i].key);
    if (guess.name != NULL)
        report_error(report, &place, "unknown key; did you mean '%s'?", guess.name);
    else
        report_error(report, &place, "unknown key: a set has type, elements and file");
}

static const char *grammar_of(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(keys[i].key, key) == 0)
            return keys[i].grammar;
    }
    return NULL;
}

static void check_keys(const struct section *section, struct report *report)
{
    const struct place whole = section_place(section);

    for (size_t i = 0; i < section->entry_count; i++) {
        const struct entry *entry = &section->entries[i];
        const struct place place = entry_place(section, entry);
        const char *grammar = grammar_of(entry->key);

        if (grammar == NULL)
            report_unknown(section, entry, report);
        else if (*entry->value == '\0')
            report_error(report, &place, "has no value: %s", grammar);
    }
    if (section_find_entry(section, "elements") == NULL &&
        section_find_entry(section, "file") == NULL)
        report_error(report, &whole, "has no elements: give it elements = … or file = PATH");
}

/* Prefixes unless the section says otherwise. 0 or -EINVAL, reported. */
static int read_type(const struct section *section, enum set_type *ret_type, struct report *report)
{
    const struct entry *entry = section_find_entry(section, "type");
    struct value_error error;
    uint32_t type = SET_PREFIX;
    int r = 0;

    if (entry != NULL && *entry->value != '\0')
        r = value_parse_number(entry->value, &type_domain, &type, &error);
    if (r < 0) {
        const struct place place = entry_place(section, entry);

        report_error(report, &place, "%s", error.text);
        return r;
    }
    *ret_type = type;
    return 0;
}

int set_section_build(const struct section *section, const char *name, const struct given *given,
                      struct ruleset *ruleset, struct report *report)
{
    enum set_type type = SET_PREFIX;
    struct set *set;
    int r;

    check_keys(section, report);
    if (read_type(section, &type, report) < 0)
        return 0;
    set = set_new(name, type);
    if (set == NULL)
        return -ENOMEM;
    r = add_elements(set, section, report);
    if (r == 0)
        r = add_file(set, section, given, report);
    if (r == 0)
        r = set_finish(set);
    if (r < 0) {
        set_free(set);
        return r;
    }
    return set_list_add(&ruleset->sets, set);
}
