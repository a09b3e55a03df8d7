/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats entries and sends them to the target that was found at start. */
#include "ipmodd/log/log.h"

#include "entry.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"
#include "target.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* The process has one stderr, so this is the one place with state of its own. */
static struct {
    enum log_level level;
    bool journaled; /* stderr leads to the journal */
    int journal;    /* connected to its socket, or -1 */
    uint64_t lost;
} target = {.level = LEVEL_INFO, .journal = -1};

void log_open(enum log_level level)
{
    target.level = level;
    target.journaled = stream_is_journal(STDERR_FILENO, getenv("JOURNAL_STREAM"));
}

void log_set_level(enum log_level level)
{
    target.level = level;
}

uint64_t log_lost(void)
{
    return target.lost;
}

static int send_to_journal(enum log_level level, enum log_id id, const struct log_fields *fields,
                           const char *text)
{
    const char priority[] = {(char)('0' + (int)level), '\0'};
    struct entry entry = {.length = 0};

    entry_add(&entry, "MESSAGE", text);
    entry_add(&entry, "PRIORITY", priority);
    entry_add(&entry, "SYSLOG_IDENTIFIER", "ipmodd");
    entry_add(&entry, "MESSAGE_ID", log_id_text(id));
    for (size_t i = 0; i < fields->count; i++)
        entry_add(&entry, fields->items[i].name, fields->items[i].value);
    return journal_send(target.journal, entry.bytes, entry.length);
}

/* What a reader without colours or priorities needs to see. */
static const char *urgency(enum log_level level)
{
    if (level == LEVEL_ERROR)
        return "error: ";
    return level == LEVEL_WARNING ? "warning: " : "";
}

static int send_to_stream(enum log_level level, const char *text)
{
    char line[LOG_TEXT_MAX + 32];

    if (target.journaled)
        snprintf(line, sizeof(line), "<%d>%s", (int)level, text);
    else
        snprintf(line, sizeof(line), "ipmodd: %s%s", urgency(level), text);
    return stream_send(STDERR_FILENO, line);
}

/* The journal, as long as it can be reached, else the stream; tried anew with each entry. */
static int send_entry(enum log_level level, enum log_id id, const struct log_fields *fields,
                      const char *text)
{
    int error;

    if (target.journaled && target.journal < 0)
        target.journal = journal_connect(JOURNAL_SOCKET);
    if (target.journal < 0)
        return send_to_stream(level, text);
    error = send_to_journal(level, id, fields, text);
    if (error != -ECONNREFUSED)
        return error;
    close(target.journal); /* this journald has gone */
    target.journal = -1;
    return send_to_stream(level, text);
}

void log_write(enum log_level level, enum log_id id, const struct log_fields *fields,
               const char *format, ...)
{
    char text[LOG_TEXT_MAX];
    va_list arguments;

    assert(fields->count > 0);
    if (level > target.level)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    text_flatten(text);
    if (send_entry(level, id, fields, text) < 0)
        target.lost++;
}
