/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl confirm: what is in force stays. */
#include "change.h"

static void print_confirmed(const json_t *answer, FILE *out)
{
    (void)answer;
    fputs("the configuration in force stays", out);
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    return change_run_plain(&command_confirm, options, argc, argv, print_confirmed);
}

const struct command command_confirm = {
    .name = "confirm",
    .arguments = "",
    .summary = "keep what `reload --confirm` has loaded",
    .run = run,
};
