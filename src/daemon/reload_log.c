/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries about reloads, trials and ways back. */
#include "reload_log.h"

#include "ipmodd/base/text.h"
#include "ipmodd/log/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FILES_TEXT = 2048 };

/* The paths, ", " between two, as many as there is room for. */
static const char *list_files(const struct file_list *files, char text[static FILES_TEXT])
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < files->count; i++) {
        size_t more = strlen(files->paths[i]) + strlen(", ");

        if (length + more >= FILES_TEXT)
            break;
        length += (size_t)snprintf(text + length, FILES_TEXT - length, "%s%s", i > 0 ? ", " : "",
                                   files->paths[i]);
    }
    return text;
}

/* What is in force. */
static void add_configuration(const struct reload *reload, struct log_fields *fields)
{
    const struct loaded *loaded = &reload->engine->loaded;
    char files[FILES_TEXT];

    log_fields_add(fields, "IPMODD_GENERATION", "%" PRIu64, reload->generation);
    log_fields_add(fields, "IPMODD_RULES", "%zu", loaded->ruleset->rule_count);
    log_fields_add(fields, "IPMODD_FILES", "%s", list_files(&loaded->files, files));
    if (trial_is_pending(&reload->trial))
        log_fields_add(fields, "IPMODD_CONFIRM_SECONDS", "%u", trial_seconds_left(&reload->trial));
}

void reload_log_done(const struct reload *reload)
{
    const size_t rules = reload->engine->loaded.ruleset->rule_count;
    struct log_fields fields = {.count = 0};
    char by[REQUESTER_TEXT];

    add_configuration(reload, &fields);
    requester_add_fields(&reload->by, &fields);
    requester_text(&reload->by, by);
    if (reload->returning) {
        log_fields_add(&fields, "IPMODD_CAUSE", "%s", reload->unconfirmed ? "deadline" : "request");
        log_write(LEVEL_WARNING, LOG_ID_ROLLED_BACK, &fields,
                  "the configuration before is in force again, %zu rule%s%s", rules,
                  text_plural(rules), by);
    } else if (reload->trial_seconds > 0) {
        log_write(LEVEL_NOTICE, LOG_ID_RELOADED, &fields,
                  "configuration loaded anew, %zu rule%s, to be confirmed within %u s%s", rules,
                  text_plural(rules), reload->trial_seconds, by);
    } else {
        log_write(LEVEL_NOTICE, LOG_ID_RELOADED, &fields, "configuration loaded anew, %zu rule%s%s",
                  rules, text_plural(rules), by);
    }
}

void reload_log_refused(const struct reload *reload, const char *text)
{
    struct log_fields fields = {.count = 0};

    add_configuration(reload, &fields);
    requester_add_fields(&reload->by, &fields);
    if (reload->returning)
        log_write(LEVEL_ERROR, LOG_ID_RELOAD_REFUSED, &fields,
                  "cannot go back to the configuration before: %s%s", text,
                  trial_is_pending(&reload->trial) ? "; trying again" : "");
    else
        log_write(LEVEL_ERROR, LOG_ID_RELOAD_REFUSED, &fields,
                  "reload refused, nothing changed: %s", text);
}

void reload_log_confirmed(const struct reload *reload, const struct requester *by)
{
    struct log_fields fields = {.count = 0};
    char text[REQUESTER_TEXT];

    add_configuration(reload, &fields);
    requester_add_fields(by, &fields);
    log_write(LEVEL_NOTICE, LOG_ID_CONFIRMED, &fields, "the configuration in force is confirmed%s",
              requester_text(by, text));
}

/* Nobody has confirmed what is in force, and what comes of it in words. */
static void log_unconfirmed(const struct reload *reload, const char *text)
{
    struct log_fields fields = {.count = 0};

    add_configuration(reload, &fields);
    log_write(LEVEL_WARNING, LOG_ID_UNCONFIRMED, &fields, "%s", text);
}

void reload_log_overdue(const struct reload *reload)
{
    log_unconfirmed(reload, "nobody has confirmed the configuration in time");
}

void reload_log_stopping(const struct reload *reload)
{
    log_unconfirmed(reload,
                    "stopping with a configuration that nobody has confirmed; the next start "
                    "reads the files as they are");
}
