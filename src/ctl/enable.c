/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl enable: ask a rule again that was disabled. */
#include "change.h"

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    return change_switch_rule(&command_enable, options, argc, argv);
}

const struct command command_enable = {
    .name = "enable",
    .arguments = "RULE",
    .summary = "ask a rule again that was disabled",
    .run = run,
};
