/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the words of `check` to the texts that they are. */
#include "command_check.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/control/commands.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum { WORDS = 3, TEXTS_MAX = 256 };

/* The kind called NAME; GIVEN_KIND_COUNT for none. */
static enum given_kind find_kind(const char *name)
{
    enum given_kind kind = 0;

    while (kind < GIVEN_KIND_COUNT && strcmp(given_kind_names[kind], name) != 0)
        kind++;
    return kind;
}

/* One text of CALL. 0; -EINVAL when it was refused; -ENOMEM. */
static int add_text(const struct control_call *call, char *const *words, struct given *given)
{
    enum given_kind kind = find_kind(words[0]);

    if (kind == GIVEN_KIND_COUNT || *words[1] == '\0' || strlen(words[1]) >= PATH_MAX) {
        control_refuse(call->client, "usage",
                       "'%.40s' '%.60s' is no text of a configuration: config or elements, and the "
                       "path that it has",
                       words[0], words[1]);
        return -EINVAL;
    }
    return given_add(given, kind, words[1], words[2]);
}

void command_run_check(const struct control_call *call)
{
    const struct control_daemon *daemon = call->context;
    struct given CLEANUP(given_clear) given = {.items = NULL};
    int r = 0;

    if (call->argument_count == 0 || call->argument_count % WORDS != 0) {
        control_refuse_arguments(call);
        return;
    }
    if (call->argument_count > (size_t)TEXTS_MAX * WORDS) {
        control_refuse(call->client, "usage", "more than %d files", TEXTS_MAX);
        return;
    }
    for (size_t i = 0; r == 0 && i < call->argument_count; i += WORDS)
        r = add_text(call, call->arguments + i, &given);
    if (r == 0)
        daemon->check(daemon->context, call->client, &given);
    else if (r == -ENOMEM)
        control_refuse(call->client, "failed", "not enough memory for the texts");
}
