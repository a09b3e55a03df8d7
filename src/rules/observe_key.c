/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a rule that watch: log and capture. */
#include "observe_key.h"

#include "capture_value.h"
#include "log_value.h"

#include "ipmodd/base/text_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_log(struct rule_work *work, const struct entry *entry)
{
    struct value_error error;
    int r = log_value_parse(entry->value, &work->rule.logs, &work->rule.log, &error);

    return rule_work_take(work, entry, r, &error);
}

/* Rules that write to the same files have to agree about them. */
static void check_shared_capture(struct rule_work *work, const struct entry *entry)
{
    const struct rule_capture *capture = work->rule.capture;

    for (size_t i = 0; i < work->ruleset->rule_count; i++) {
        const struct rule *rule = &work->ruleset->rules[i];

        if (rule->capture == NULL || strcmp(rule->capture->name, capture->name) != 0)
            continue;
        if (rule->capture->file_size != capture->file_size ||
            rule->capture->files != capture->files)
            rule_work_fail(work, entry,
                           "rule %s captures to '%s' with another size or number of files",
                           rule->name, capture->name);
        return;
    }
}

/* "rule voice: set-dscp = ef, set-ttl = 9": what copies of packets are labelled with. */
static char *print_what(const struct rule *rule)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    fprintf(out, "rule %s%s", rule->name, rule->action_count > 0 ? ": " : "");
    rule_print_actions(rule, out);
    return text_stream_take(&stream);
}

static int add_capture(struct rule_work *work, const struct entry *entry)
{
    struct value_error error;
    int r = capture_value_parse(entry->value, &work->rule.capture, &error);

    if (r < 0)
        return rule_work_take(work, entry, r, &error);
    check_shared_capture(work, entry);
    work->rule.capture->what = print_what(&work->rule);
    return work->rule.capture->what != NULL ? 0 : -ENOMEM;
}

const struct observe_key observe_keys[] = {
    {"log", log_value_grammar, add_log},
    {"capture", capture_value_grammar, add_capture},
};
const size_t observe_key_count = ARRAY_SIZE(observe_keys);

const struct observe_key *observe_key_find(const char *key)
{
    for (size_t i = 0; i < observe_key_count; i++) {
        if (strcmp(observe_keys[i].key, key) == 0)
            return &observe_keys[i];
    }
    return NULL;
}
