/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of a rule's `log`. */
#include "log_value.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    DEFAULT_RATE = 10,
    DEFAULT_BURST = 20,
};

static const struct value_name level_names[] = {
    {"error", LEVEL_ERROR, LEVEL_ERROR},    {"warning", LEVEL_WARNING, LEVEL_WARNING},
    {"notice", LEVEL_NOTICE, LEVEL_NOTICE}, {"info", LEVEL_INFO, LEVEL_INFO},
    {"debug", LEVEL_DEBUG, LEVEL_DEBUG},
};

const struct value_domain log_level_domain = {.noun = "a log level",
                                              .min = LEVEL_ERROR,
                                              .max = LEVEL_DEBUG,
                                              .names = level_names,
                                              .name_count = ARRAY_SIZE(level_names),
                                              .names_only = true};

const char log_value_grammar[] = "yes, no, or [LEVEL] [N/s | N/min | N/h [burst N]]";

static int refuse(const char *word, struct value_error *error)
{
    return value_refuse(error, "'%.40s' is not right: %s, N from 1 to %d", word, log_value_grammar,
                        RATE_MAX);
}

/* RATE and what may follow it. */
static int parse_limit(char *rate, char **rest, struct rule_log *log, const char *text,
                       struct value_error *error)
{
    const char *keyword, *burst;

    if (rate_parse(rate, &log->rate) < 0)
        return refuse(text, error);
    keyword = text_next_word(rest);
    if (keyword == NULL)
        return 0;
    burst = text_next_word(rest);
    if (strcmp(keyword, "burst") != 0 || burst == NULL || text_next_word(rest) != NULL ||
        rate_parse_burst(burst, &log->burst) < 0)
        return refuse(text, error);
    return 0;
}

/* Everything but yes and no. */
static int parse_words(const char *text, struct rule_log *log, struct value_error *error)
{
    char CLEANUP(cleanup_free) *memory = strdup(text);
    char *rest = memory;
    char *word;

    if (memory == NULL)
        return -ENOMEM;
    word = text_next_word(&rest);
    if (word != NULL && strchr(word, '/') == NULL) {
        uint32_t level;
        int r = value_parse_number(word, &log_level_domain, &level, error);

        if (r < 0)
            return r;
        log->level = level;
        word = text_next_word(&rest);
    }
    return word != NULL ? parse_limit(word, &rest, log, text, error) : 0;
}

int log_value_parse(const char *text, bool *ret_logs, struct rule_log *ret_log,
                    struct value_error *error)
{
    struct rule_log log = {
        .level = LEVEL_INFO, .rate = {DEFAULT_RATE, UINT64_C(1000000000)}, .burst = DEFAULT_BURST};
    bool logs = strcmp(text, "no") != 0;

    if (logs && strcmp(text, "yes") != 0) {
        int r = parse_words(text, &log, error);

        if (r < 0)
            return r;
    }
    *ret_logs = logs;
    *ret_log = log;
    return 0;
}

void log_value_print(const struct rule_log *log, FILE *out)
{
    fprintf(out, "%s ", log_level_name(log->level));
    rate_print(&log->rate, out);
    fprintf(out, " burst %" PRIu64, log->burst);
}
