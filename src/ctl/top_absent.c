/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipmodctl top` of a build without ncurses. */
#include "command.h"

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    (void)options;
    (void)argc;
    (void)argv;
    return command_fail("this build has no ncurses, so there is no top: ipmodctl rules -w 1, and "
                        "ipmodctl status -w 1, show much of it");
}

const struct command command_top = {
    .name = "top",
    .arguments = "[-d SECONDS]",
    .summary = "rates, rules, flows and drops on a full screen (not in this build)",
    .run = run,
};
