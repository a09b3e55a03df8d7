/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl disable: pass a rule over until the next reload. */
#include "change.h"

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    return change_switch_rule(&command_disable, options, argc, argv);
}

const struct command command_disable = {
    .name = "disable",
    .arguments = "RULE",
    .summary = "pass a rule over until the next reload",
    .run = run,
};
