/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that answer with a document. */
#include "command_watch.h"
#include "documents.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <string.h>

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
    free(report.rules);
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

/* The place where the last part ended, as numbers on the request line. */
static bool parse_place(const struct control_call *call, struct control_flows *flows)
{
    uint64_t queue = 0, entry = 0;

    if (call->argument_count == 2 &&
        (text_parse_number(call->arguments[0], QUEUES_MAX - 1, &queue) < 0 ||
         text_parse_number(call->arguments[1], FLOWS_MAX, &entry) < 0))
        return false;
    flows->queue = (unsigned)queue;
    flows->entry = entry;
    return call->argument_count == 0 || call->argument_count == 2;
}

static void run_flows(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;
    struct control_flow CLEANUP(cleanup_free) *items = calloc(CONTROL_FLOWS, sizeof(*items));
    struct control_flows flows = {.items = items};
    struct control_report report;

    if (items == NULL || daemon->report(daemon->context, &report) < 0) {
        control_refuse(call->client, "failed", "not enough memory for the answer");
        return;
    }
    free(report.rules);
    if (!parse_place(call, &flows)) {
        control_refuse_arguments(call);
        return;
    }
    daemon->flows(daemon->context, &flows);
    control_reply(call->client, document_flows(&flows, report.now_ns));
}

static void run_flush_flows(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;

    if (call->argument_count > 0)
        control_refuse_arguments(call);
    else
        control_reply(call->client, json_pack("{s:I}", "flushed",
                                              (json_int_t)daemon->flush_flows(daemon->context)));
}

static void run_reset_rules(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;

    if (call->argument_count > 0) {
        control_refuse_arguments(call);
        return;
    }
    daemon->reset_rules(daemon->context);
    control_reply(call->client, json_pack("{sb}", "reset", 1));
}

enum { CONFIRM_SECONDS_MAX = 86400 };

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
    else if (value != NULL && text_parse_seconds(value, CONFIRM_SECONDS_MAX, &seconds) < 0)
        control_refuse(call->client, "usage",
                       "'%.40s' is no time to confirm in: one such as 60s or 5min, at most 1d",
                       value);
    else
        daemon->reload(daemon->context, control_hold(call->client), seconds);
}

static void run_confirm(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;

    if (call->argument_count > 0)
        control_refuse_arguments(call);
    else if (daemon->confirm(daemon->context) < 0)
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
    {"flows", "[QUEUE ENTRY]", CONTROL_READ, run_flows},
    {"flush-flows", "", CONTROL_CHANGE, run_flush_flows},
    {"reset-rules", "", CONTROL_CHANGE, run_reset_rules},
    {"reload", "[confirm=TIME]", CONTROL_CHANGE, run_reload},
    {"confirm", "", CONTROL_CHANGE, run_confirm},
    {"rollback", "", CONTROL_CHANGE, run_rollback},
    {"monitor", WATCH_ARGUMENTS, CONTROL_PACKETS, command_run_monitor},
    {"trace", TRACE_ARGUMENTS, CONTROL_PACKETS, command_run_trace},
    {"commands", "", CONTROL_READ, run_commands},
};
const size_t control_command_count = ARRAY_SIZE(control_commands);
