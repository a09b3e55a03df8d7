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
    RATE_MAX = 1000000,
};

#define NS_PER_SECOND UINT64_C(1000000000)

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

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {
    {"s", NS_PER_SECOND},
    {"min", 60 * NS_PER_SECOND},
    {"h", 3600 * NS_PER_SECOND},
};

static int refuse(const char *word, struct value_error *error)
{
    return value_refuse(error, "'%.40s' is not right: %s, N from 1 to %d", word, log_value_grammar,
                        RATE_MAX);
}

/* The next word of *TEXT, which is cut off; NULL at the end. */
static char *next_word(char **text)
{
    char *word;

    while ((word = strsep(text, " \t")) != NULL) {
        if (*word != '\0')
            return word;
    }
    return NULL;
}

static int parse_count(const char *text, uint64_t *ret_count)
{
    int r = text_parse_number(text, RATE_MAX, ret_count);

    return r == 0 && *ret_count == 0 ? -ERANGE : r;
}

/* "10/s" */
static int parse_rate(char *word, struct rule_log *log)
{
    char *unit = strchr(word, '/');

    if (unit == NULL)
        return -EINVAL;
    *unit++ = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(units[i].name, unit) == 0) {
            log->period_ns = units[i].ns;
            return parse_count(word, &log->rate);
        }
    }
    return -EINVAL;
}

/* RATE and what may follow it. */
static int parse_limit(char *rate, char **rest, struct rule_log *log, const char *text,
                       struct value_error *error)
{
    const char *keyword, *burst;

    if (parse_rate(rate, log) < 0)
        return refuse(text, error);
    keyword = next_word(rest);
    if (keyword == NULL)
        return 0;
    burst = next_word(rest);
    if (strcmp(keyword, "burst") != 0 || burst == NULL || next_word(rest) != NULL ||
        parse_count(burst, &log->burst) < 0)
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
    word = next_word(&rest);
    if (word != NULL && strchr(word, '/') == NULL) {
        uint32_t level;
        int r = value_parse_number(word, &log_level_domain, &level, error);

        if (r < 0)
            return r;
        log->level = level;
        word = next_word(&rest);
    }
    return word != NULL ? parse_limit(word, &rest, log, text, error) : 0;
}

int log_value_parse(const char *text, bool *ret_logs, struct rule_log *ret_log,
                    struct value_error *error)
{
    struct rule_log log = {.level = LEVEL_INFO,
                           .rate = DEFAULT_RATE,
                           .period_ns = NS_PER_SECOND,
                           .burst = DEFAULT_BURST};
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
    const char *unit = units[0].name;

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (units[i].ns == log->period_ns)
            unit = units[i].name;
    }
    fprintf(out, "%s %" PRIu64 "/%s burst %" PRIu64, log_level_name(log->level), log->rate, unit,
            log->burst);
}
