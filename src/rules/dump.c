/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The effective configuration as text that loads again. */
#include "capture_value.h"
#include "log_value.h"
#include "setting.h"

#include "ipmodd/base/text_stream.h"
#include "ipmodd/rules/load.h"

/* Behind `#`: whatever a file is called, the comment ends where the line does. */
static void dump_comment(const struct rule *rule, FILE *out)
{
    fputs("# ", out);
    for (const char *c = rule->file; *c != '\0'; c++)
        fputc((unsigned char)*c < ' ' ? '?' : *c, out);
    fprintf(out, ":%u\n", rule->line);
}

/* A list that is empty by default has no form with nothing in it: its key is left out. */
static bool has_value(const struct setting *setting, const struct config *config)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return false;
    setting->print(config, out);
    free(text_stream_take(&stream));
    return stream.length > 0;
}

static void dump_settings(const struct setting_group *group, const struct config *config, FILE *out)
{
    fprintf(out, "[%s]\n", group->section);
    for (size_t i = 0; i < group->count; i++) {
        const struct setting *setting = &group->settings[i];

        if (!has_value(setting, config))
            continue;
        fprintf(out, "%s = ", setting->key);
        setting->print(config, out);
        fputc('\n', out);
    }
}

static void dump_set(const struct set *set, FILE *out)
{
    fprintf(out, "\n[set %s]\n", set_name(set));
    set_print(set, out);
}

static void dump_rule(const struct rule *rule, FILE *out)
{
    fputc('\n', out);
    dump_comment(rule, out);
    fprintf(out, "[rule %s]\n", rule->name);
    for (size_t i = 0; i < rule->match_count; i++) {
        fprintf(out, "%s = ", rule->matches[i].type->key);
        rule->matches[i].type->print(rule->matches[i].value, out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < rule->action_count; i++) {
        fprintf(out, "%s = ", rule->actions[i].type->key);
        rule->actions[i].type->print(rule->actions[i].value, out);
        fputc('\n', out);
    }
    fputs("log = ", out);
    if (rule->logs)
        log_value_print(&rule->log, out);
    else
        fputs("no", out);
    fputc('\n', out);
    if (rule->capture == NULL)
        return;
    fputs("capture = ", out);
    capture_value_print(rule->capture, out);
    fputc('\n', out);
}

void dump_configuration(const struct loaded *loaded, FILE *out)
{
    for (size_t i = 0; i < SETTING_GROUPS; i++) {
        fputs(i > 0 ? "\n" : "", out);
        dump_settings(setting_groups[i], loaded->config, out);
    }
    for (size_t i = 0; i < loaded->ruleset->sets.count; i++)
        dump_set(loaded->ruleset->sets.items[i], out);
    for (size_t i = 0; i < loaded->ruleset->rule_count; i++)
        dump_rule(&loaded->ruleset->rules[i], out);
}
