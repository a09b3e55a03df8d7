/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each rule has seen. */
#include "documents.h"

#include "ipmodd/base/json.h"

/* Without "last_seconds_ago" as long as the rule has seen nothing. */
static json_t *make_rule(const struct rule *rule, const struct rule_counters *counters,
                         bool disabled, uint64_t now_ns)
{
    json_t *object = json_pack("{sssosososbso}", "name", rule->name, "file", json_text(rule->file),
                               "line", json_uint(rule->line), "packets",
                               json_uint(counters->packets), "enabled", !disabled, "bytes",
                               json_uint(counters->bytes));

    if (counters->packets > 0)
        json_object_set_new(object, "last_seconds_ago",
                            json_real((double)(now_ns - counters->last_ns) / 1e9));
    return object;
}

json_t *document_rules(const struct control_report *report)
{
    const struct ruleset *ruleset = report->loaded->ruleset;
    json_t *rules = json_array();

    for (size_t i = 0; i < ruleset->rule_count; i++)
        json_array_append_new(rules, make_rule(&ruleset->rules[i], &report->rules[i],
                                               report->disabled[i], report->now_ns));
    return json_pack("{soso}", "generation", json_uint(report->generation), "rules", rules);
}
