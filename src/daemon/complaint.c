/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the problems of a configuration where the user looks. */
#include "complaint.h"

#include "ipmodd/base/text_stream.h"
#include "ipmodd/log/fields.h"

#include <errno.h>
#include <string.h>

/* TEXT is filled as far as it goes. */
static void problem_to_text(const struct problem *problem, char *text, size_t size)
{
    CLEANUP(cleanup_file) FILE *out = text_stream_into(text, size);

    if (out != NULL)
        problem_print(problem, out);
}

static void log_problem(const struct problem *problem)
{
    const struct place *place = &problem->place;
    struct log_fields fields = {.count = 0};
    char text[LOG_TEXT_MAX];

    problem_to_text(problem, text, sizeof(text));
    if (place->file != NULL)
        log_fields_add(&fields, "CONFIG_FILE", "%s", place->file);
    if (place->line != 0)
        log_fields_add(&fields, "CONFIG_LINE", "%u", place->line);
    if (place->section != NULL)
        log_fields_add(&fields, "IPMODD_SECTION", "%s", place->section);
    if (place->key != NULL)
        log_fields_add(&fields, "IPMODD_KEY", "%s", place->key);
    log_write(problem->severity == PROBLEM_ERROR ? LEVEL_ERROR : LEVEL_WARNING,
              LOG_ID_CONFIG_PROBLEM, &fields, "%s", text);
}

void complaint_log(const struct problems *problems)
{
    struct log_fields fields = {.count = 0};

    for (size_t i = 0; i < problems->count; i++)
        log_problem(&problems->items[i]);
    if (!problems->out_of_memory)
        return;
    log_fields_add(&fields, "ERRNO", "%d", ENOMEM);
    log_write(LEVEL_ERROR, LOG_ID_CONFIG_PROBLEM, &fields,
              "not enough memory to list all problems");
}

const char *complaint_first(const struct problems *problems, char *text, size_t size)
{
    snprintf(text, size, "not enough memory");
    for (size_t i = 0; i < problems->count; i++) {
        if (problems->items[i].severity == PROBLEM_ERROR) {
            problem_to_text(&problems->items[i], text, size);
            break;
        }
    }
    return text;
}
