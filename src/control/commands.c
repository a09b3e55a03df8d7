/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that answer with a document. */
#include "command_check.h"
#include "command_watch.h"
#include "documents.h"
#include "flow_filter.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

void control_report_clear(struct control_report *report)
{
    free(TAKE_PTR(report->rules));
    free(TAKE_PTR(report->disabled));
}

/* Answers CALL, which takes no arguments, with a document about the daemon as it is now. */
static void answer(const struct control_call *call,
                   json_t *(*make)(const struct control_report *report))
{
    const struct control_daemon *daemon = call->context;
    struct control_report report;

    if (call->argument_count > 0) {
        control_refuse_arguments(call);
        return;
    }
    if (daemon->report(daemon->context, &report) < 0) {
        control_refuse(call->client, "failed", "not enough memory for the answer");
        return;
    }
    control_reply(call->client, make(&report));
    control_report_clear(&report);
}

static void run_status(const struct control_call *call)
{
    answer(call, document_status);
}

static void run_rules(const struct control_call *call)
{
    answer(call, document_rules);
}

static void run_metrics(const struct control_call *call)
{
    answer(call, document_metrics);
}

/* The place where the last part ended, as two numbers in front of the filter; how many words. */
static size_t parse_place(const struct control_call *call, struct control_flows *flows)
{
    uint64_t queue, entry;

    if (call->argument_count < 2 ||
        text_parse_number(call->arguments[0], QUEUES_MAX - 1, &queue) < 0 ||
        text_parse_number(call->arguments[1], FLOWS_MAX, &entry) < 0)
        return 0;
    flows->queue = (unsigned)queue;
    flows->entry = entry;
    return 2;
}

enum { FILTER_TEXT = 256 };

/* Which flows CALL is about. False when it was refused. */
static bool parse_flows(const struct control_call *call, const struct ruleset *ruleset,
                        struct control_flows *flows)
{
    size_t words = parse_place(call, flows);
    char text[FILTER_TEXT];
    int r = flow_filter_parse(call->arguments + words, call->argument_count - words, ruleset,
                              &flows->filter, text, sizeof(text));

    if (r < 0)
        control_refuse(call->client, "usage", "%s", text);
    return r == 0;
}

static void run_flows(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;
    const struct ruleset *ruleset = daemon->ruleset(daemon->context);
    struct control_flow CLEANUP(cleanup_free) *items = calloc(CONTROL_FLOWS, sizeof(*items));
    struct control_flows flows = {.items = items};

    if (items == NULL) {
        control_refuse(call->client, "failed", "not enough memory for the answer");
        return;
    }
    if (!parse_flows(call, ruleset, &flows))
        return;
    daemon->flows(daemon->context, &flows);
    control_reply(call->client, document_flows(&flows, ruleset, flows.now_ns));
}

static void run_flush_flows(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;
    struct control_flows flows = {.items = NULL};

    if (!parse_flows(call, daemon->ruleset(daemon->context), &flows))
        return;
    daemon->flush_flows(daemon->context, call->client, &flows);
    control_reply(call->client, document_flushed(&flows));
}

static void run_reset_rules(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;

    if (call->argument_count > 0) {
        control_refuse_arguments(call);
        return;
    }
    daemon->reset_rules(daemon->context, call->client);
    control_reply(call->client, json_pack("{sb}", "reset", 1));
}

static void refuse_rule(const struct control_call *call, const struct ruleset *ruleset)
{
    struct text_guess guess = TEXT_GUESS(call->arguments[0]);

    for (size_t i = 0; i < ruleset->rule_count; i++)
        text_guess_offer(&guess, ruleset->rules[i].name);
    if (guess.name != NULL)
        control_refuse(call->client, "not-found", "there is no rule '%.63s'; did you mean '%s'?",
                       call->arguments[0], guess.name);
    else
        control_refuse(call->client, "not-found", "there is no rule '%.63s'", call->arguments[0]);
}

static size_t find_rule(const struct ruleset *ruleset, const char *name)
{
    size_t i = 0;

    while (i < ruleset->rule_count && strcmp(ruleset->rules[i].name, name) != 0)
        i++;
    return i;
}

static void switch_rule(const struct control_call *call, bool enabled)
{
    const struct control_daemon *daemon = call->context;
    const struct ruleset *ruleset = daemon->ruleset(daemon->context);
    size_t rule;

    if (call->argument_count != 1) {
        control_refuse_arguments(call);
        return;
    }
    rule = find_rule(ruleset, call->arguments[0]);
    if (rule == ruleset->rule_count) {
        refuse_rule(call, ruleset);
        return;
    }
    daemon->enable_rule(daemon->context, call->client, rule, enabled);
    control_reply(call->client,
                  json_pack("{sssb}", "rule", call->arguments[0], "enabled", enabled));
}

static void run_enable(const struct control_call *call)
{
    switch_rule(call, true);
}

static void run_disable(const struct control_call *call)
{
    switch_rule(call, false);
}

static const char *argument_value(const char *argument, const char *name)
{
    size_t length = strlen(name);

    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                           : NULL;
}

static void run_reload(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;
    const char *value = call->argument_count == 1 ? argument_value(call->arguments[0], "confirm")
                                                  : NULL;
    uint32_t seconds = 0;

    if (call->argument_count > 1 || (call->argument_count == 1 && value == NULL))
        control_refuse_arguments(call);
    else if (value != NULL && text_parse_seconds(value, CONTROL_CONFIRM_MAX, &seconds) < 0)
        control_refuse(call->client, "usage",
                       "'%.40s' is no time to confirm in: one such as 60s or 5min, at most 1d",
                       value);
    else
        daemon->reload(daemon->context, control_hold(call->client), seconds);
}

static void run_confirm(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;
    int r;

    if (call->argument_count > 0) {
        control_refuse_arguments(call);
        return;
    }
    r = daemon->confirm(daemon->context, call->client);
    if (r == -EBUSY)
        control_refuse(call->client, "busy",
                       "too late: the configuration before is on its way back");
    else if (r < 0)
        control_refuse(call->client, "not-found", "there is nothing to confirm");
    else
        control_reply(call->client, json_pack("{sb}", "confirmed", 1));
}

static void run_rollback(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;

    if (call->argument_count > 0)
        control_refuse_arguments(call);
    else
        daemon->roll_back(daemon->context, control_hold(call->client));
}

enum {
    PING_COUNT_MAX = 10000,
    PING_INTERVAL_MS_MIN = 10,
    PING_INTERVAL_MS_MAX = 3600 * 1000,
    PING_TIMEOUT_MS_MAX = 60 * 1000,
};

/* Of one argument behind the destination. */
static bool parse_ping_option(const char *argument, struct control_ping *ping)
{
    const struct {
        const char *name;
        uint64_t least, most;
        unsigned *value;
    } numbers[] = {
        {"count", 1, PING_COUNT_MAX, &ping->count},
        {"interval-ms", PING_INTERVAL_MS_MIN, PING_INTERVAL_MS_MAX, &ping->interval_ms},
        {"timeout-ms", PING_INTERVAL_MS_MIN, PING_TIMEOUT_MS_MAX, &ping->timeout_ms},
    };
    const char *value = argument_value(argument, "src");
    uint64_t number;

    if (value != NULL) {
        ping->has_src = true;
        return ip_addr_parse(value, &ping->src) == 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        value = argument_value(argument, numbers[i].name);
        if (value == NULL)
            continue;
        if (text_parse_number(value, numbers[i].most, &number) < 0 || number < numbers[i].least)
            return false;
        *numbers[i].value = (unsigned)number;
        return true;
    }
    return false;
}

static void run_ping(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;
    struct control_ping ping = {.count = 4, .interval_ms = 1000, .timeout_ms = 2000};

    if (call->argument_count == 0) {
        control_refuse_arguments(call);
        return;
    }
    if (ip_addr_parse(call->arguments[0], &ping.dst) < 0) {
        control_refuse(call->client, "usage",
                       "'%.60s' is not an address: one such as 192.0.2.1 or 2001:db8::1",
                       call->arguments[0]);
        return;
    }
    for (size_t i = 1; i < call->argument_count; i++) {
        if (!parse_ping_option(call->arguments[i], &ping)) {
            control_refuse(call->client, "usage",
                           "'%.60s' is none of src=ADDRESS, count=1 to %d, interval-ms=%d to %d, "
                           "timeout-ms=%d to %d",
                           call->arguments[i], PING_COUNT_MAX, PING_INTERVAL_MS_MIN,
                           PING_INTERVAL_MS_MAX, PING_INTERVAL_MS_MIN, PING_TIMEOUT_MS_MAX);
            return;
        }
    }
    daemon->ping(daemon->context, call->client, &ping);
}

static void run_commands(const struct control_call *call)
{
    json_t *array = json_array();

    for (size_t i = 0; i < control_command_count; i++) {
        const struct control_command *command = &control_commands[i];

        json_array_append_new(array, json_pack("{s:s, s:s, s:b, s:b}", "command", command->name,
                                               "arguments", command->arguments, "changes",
                                               command->access == CONTROL_CHANGE, "packets",
                                               command->access == CONTROL_PACKETS));
    }
    control_reply(call->client, json_pack("{so}", "commands", array));
}

const struct control_command control_commands[] = {
    {"status", "", CONTROL_READ, run_status},
    {"rules", "", CONTROL_READ, run_rules},
    {"metrics", "", CONTROL_READ, run_metrics},
    {"flows", "[QUEUE ENTRY] [KEY=VALUE]…", CONTROL_READ, run_flows},
    {"flush-flows", "[QUEUE ENTRY] [KEY=VALUE]…", CONTROL_CHANGE, run_flush_flows},
    {"reset-rules", "", CONTROL_CHANGE, run_reset_rules},
    {"enable", "RULE", CONTROL_CHANGE, run_enable},
    {"disable", "RULE", CONTROL_CHANGE, run_disable},
    {"check", CHECK_ARGUMENTS, CONTROL_CHANGE, command_run_check},
    {"reload", "[confirm=TIME]", CONTROL_CHANGE, run_reload},
    {"confirm", "", CONTROL_CHANGE, run_confirm},
    {"rollback", "", CONTROL_CHANGE, run_rollback},
    {"monitor", WATCH_ARGUMENTS, CONTROL_PACKETS, command_run_monitor},
    {"monitor-flows", WATCH_FLOWS_ARGUMENTS, CONTROL_PACKETS, command_run_monitor_flows},
    {"trace", TRACE_ARGUMENTS, CONTROL_PACKETS, command_run_trace},
    {"ping", "DST [src=SRC] [count=N] [interval-ms=N] [timeout-ms=N]", CONTROL_CHANGE, run_ping},
    {"commands", "", CONTROL_READ, run_commands},
};
const size_t control_command_count = ARRAY_SIZE(control_commands);
