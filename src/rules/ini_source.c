/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file's lines, through inih, into the document. */
#include "ini_source.h"

#include "file_text.h"
#include "rule_key.h"

#include "ipmodd/base/text.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

/* Far above the number of keys that exist; bounds the work on garbage. */
enum { SECTION_ENTRIES_MAX = 256 };

/* What a piece needs besides its text: a blank in front, a line end and a NUL behind. */
enum { PIECE_FRAME = 3 };

struct source {
    const char *file;
    struct document *document;
    struct report *report;
    char *next;      /* the first line that was not looked at; NULL at the end */
    unsigned line;   /* number of the present line */
    bool in_section; /* keys have a section to go to */
    bool skipping;   /* they have not, and that was reported with the section header */

    /* the key line in work */
    const char *rest; /* what inih was not given yet; NULL: no line is in work */
    char *key;        /* as inih split it off; NULL until it has */
    char *value;      /* the pieces so far; as much room as the line is long */
    char *value_end;  /* where the next piece goes */

    int error; /* -ENOMEM, or 0 */
};

static struct place source_place(const struct source *source)
{
    struct place place = {.file = source->file, .line = source->line};

    if (source->in_section)
        place.section = document_last_section(source->document)->name;
    return place;
}

/* The next line, stripped; NULL at the end. */
static char *next_line(struct source *source)
{
    char *line = strsep(&source->next, "\n");

    source->line += line != NULL;
    return line != NULL ? text_strip(line) : NULL;
}

/* Cuts off a comment: inih would see one in its own piece, but not that it goes on in the next. */
static void cut_comment(char *line)
{
    if (*line == ';' || *line == '#')
        *line = '\0';
    for (char *sign = strchr(line, ';'); sign != NULL; sign = strchr(sign + 1, ';')) {
        if (!text_is_blank(sign[-1]))
            continue;
        *sign = '\0';
        text_strip(line);
        return;
    }
}

/* LINE begins with `[`. Without a good name the keys that follow have no section. */
static void take_section(struct source *source, char *line)
{
    char *end = strchr(line, ']');
    struct place place = {.file = source->file, .line = source->line};

    source->in_section = false;
    source->skipping = true;
    if (end == NULL) {
        report_error(source->report, &place, "the section header has no ']': write [NAME]");
        return;
    }
    if (end[1] != '\0') {
        report_error(source->report, &place,
                     "nothing but a comment behind ';' may stand behind the ']' of a section");
        return;
    }
    *end = '\0';
    source->error =
        document_add_section(source->document, source->file, text_strip(line + 1), source->line);
    source->in_section = source->error == 0;
}

/* The entry in front that forbids another one of NAME, or NULL. */
static const struct entry *find_earlier(const struct section *section, const char *name)
{
    const struct entry *earlier = section_find_entry(section, name);
    struct rule_key key;

    if (earlier == NULL)
        return NULL;
    key = rule_key_find(name);
    return rule_key_repeats(&key) ? NULL : earlier;
}

/* The key and value that inih found, into the section. */
static void add_entry(struct source *source)
{
    struct section *section = document_last_section(source->document);
    struct place place = source_place(source);
    const struct entry *earlier = find_earlier(section, source->key);

    place.key = source->key;
    if (earlier != NULL) {
        report_error(source->report, &place, "stands twice in this section, first in line %u",
                     earlier->line);
        return;
    }
    if (section->entry_count == SECTION_ENTRIES_MAX) {
        report_error(source->report, &place, "the section has more than %d keys",
                     SECTION_ENTRIES_MAX);
        return;
    }
    source->error =
        section_add_entry(section, TAKE_PTR(source->key), TAKE_PTR(source->value), source->line);
}

/* Whether all of the line's pieces are with inih, which made something of them. */
static void finish_line(struct source *source)
{
    struct place place = source_place(source);

    if (source->rest == NULL)
        return;
    source->rest = NULL;
    if (source->key == NULL)
        report_error(source->report, &place, "this line is none: write KEY = VALUE or [SECTION]");
    else if (*source->key == '\0')
        report_error(source->report, &place, "there is no key: write KEY = VALUE");
    else
        add_entry(source);
    free(TAKE_PTR(source->key));
    free(TAKE_PTR(source->value));
}

/*
 * How much of TEXT fits ROOM and comes back unchanged: inih strips blanks at either end of a piece
 * and takes one that begins with a comment sign for a comment. 0: there is no such place.
 */
static size_t piece_length(const char *text, size_t room)
{
    size_t length = strnlen(text, room + 1); /* the rest of the line may be megabytes */

    if (length <= room)
        return length;
    for (length = room; length > 0; length--) {
        char next = text[length];

        if (!text_is_blank(text[length - 1]) && !text_is_blank(next) && next != ';' && next != '#')
            break;
    }
    return length;
}

/* Writes the next piece of the line in work to BUFFER, behind LEAD. NULL when it cannot be cut. */
static char *give_piece(struct source *source, const char *lead, char *buffer, size_t size)
{
    size_t length = piece_length(source->rest, size - PIECE_FRAME);
    struct place place = source_place(source);

    if (length == 0) {
        report_error(source->report, &place,
                     "holds a run of more than %zu blanks or comment signs: shorten it",
                     size - PIECE_FRAME);
        free(TAKE_PTR(source->key));
        free(TAKE_PTR(source->value));
        source->rest = NULL;
        return NULL;
    }
    strcpy(mempcpy(stpcpy(buffer, lead), source->rest, length), "\n");
    source->rest += length;
    return buffer;
}

/* Makes LINE the line in work. */
static void start_line(struct source *source, const char *line)
{
    source->value = calloc(1, strlen(line) + 1);
    if (source->value == NULL)
        source->error = -ENOMEM;
    source->value_end = source->value;
    source->rest = line;
}

/* The next line with a key, after the section headers in front of it; NULL at the end. */
static const char *next_key_line(struct source *source)
{
    char *line;

    while (source->error == 0 && !report_is_full(source->report) &&
           (line = next_line(source)) != NULL) {
        struct place place = source_place(source);

        cut_comment(line);
        if (*line == '[')
            take_section(source, line);
        else if (*line != '\0' && source->in_section)
            return line;
        else if (*line != '\0' && !source->skipping)
            report_error(source->report, &place, "a key needs a section above it");
    }
    return NULL;
}

/* What inih calls instead of fgets(3). */
static char *read_piece(char *buffer, int size, void *stream)
{
    struct source *source = stream;
    const char *line;

    /* The line goes on only where inih saw a key: else it would go to the value of an older one. */
    if (source->rest != NULL && *source->rest != '\0' && source->key != NULL) {
        char *piece = give_piece(source, " ", buffer, (size_t)size);

        if (piece != NULL)
            return piece;
    }
    finish_line(source);
    while ((line = next_key_line(source)) != NULL) {
        start_line(source, line);
        if (source->error == 0 && give_piece(source, "", buffer, (size_t)size) != NULL)
            return buffer;
    }
    return NULL;
}

/* What inih calls with a key, and with each further piece of its value. */
static int take_pair(void *user, const char *section, const char *key, const char *value)
{
    struct source *source = user;

    (void)section;
    if (source->key == NULL)
        source->key = strdup(key);
    if (source->key == NULL)
        source->error = -ENOMEM;
    source->value_end = stpcpy(source->value_end, value);
    return source->error == 0;
}

static void source_clear(struct source *source)
{
    free(source->key);
    free(source->value);
}

/* TEXT is used up. */
static int parse(const char *file, char *text, struct document *document, struct report *report)
{
    struct source CLEANUP(source_clear) source = {.file = file,
                                                  .document = document,
                                                  .report = report,
                                                  .next = text + text_byte_order_mark(text)};

    /* Its result says only that a line was wrong, which finish_line() has reported with its place.
     */
    ini_parse_stream(read_piece, &source, take_pair, &source);
    return source.error;
}

int ini_source_read(const char *file, struct document *document, struct report *report)
{
    char CLEANUP(cleanup_free) *text = NULL;
    int r = file_text_read(file, report, &text);

    if (r < 0)
        return r == -EINVAL ? 0 : r;
    return parse(file, text, document, report);
}

int ini_source_parse(const char *file, const char *text, struct document *document,
                     struct report *report)
{
    char CLEANUP(cleanup_free) *copy = strdup(text);

    return copy != NULL ? parse(file, copy, document, report) : -ENOMEM;
}
