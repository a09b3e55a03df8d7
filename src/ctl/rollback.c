/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl rollback: back to the configuration from before the last reload. */
#include "change.h"

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    return change_run_plain(&command_rollback, options, argc, argv, change_print_configuration);
}

const struct command command_rollback = {
    .name = "rollback",
    .arguments = "",
    .summary = "go back to the configuration from before the last reload",
    .run = run,
};
