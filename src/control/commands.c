/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that answer with a document. */
#include "documents.h"

#include "ipmodd/base/macro.h"

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

static void run_reload(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;

    if (call->argument_count > 0)
        control_refuse_arguments(call);
    else
        daemon->reload(daemon->context, control_hold(call->client));
}

static void run_commands(const struct control_call *call)
{
    json_t *array = json_array();

    for (size_t i = 0; i < control_command_count; i++) {
        const struct control_command *command = &control_commands[i];

        json_array_append_new(array, json_pack("{sssssb}", "command", command->name, "arguments",
                                               command->arguments, "changes",
                                               command->access == CONTROL_CHANGE));
    }
    control_reply(call->client, json_pack("{so}", "commands", array));
}

const struct control_command control_commands[] = {
    {"status", "", CONTROL_READ, run_status},
    {"rules", "", CONTROL_READ, run_rules},
    {"metrics", "", CONTROL_READ, run_metrics},
    {"reset-rules", "", CONTROL_CHANGE, run_reset_rules},
    {"reload", "", CONTROL_CHANGE, run_reload},
    {"commands", "", CONTROL_READ, run_commands},
};
const size_t control_command_count = ARRAY_SIZE(control_commands);
