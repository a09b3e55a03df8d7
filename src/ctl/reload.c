/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl reload: loads the configuration anew and says what came of it. */
#include "change.h"

#include <getopt.h>

enum { OPTION_CONFIRM = 256, REQUEST_TEXT = 64 };

static const struct option long_options[] = {
    {"confirm", required_argument, NULL, OPTION_CONFIRM},
    {NULL, 0, NULL, 0},
};

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    char confirm[REQUEST_TEXT] = "";
    const char *const request[] = {"reload", confirm};
    int answer;

    while ((answer = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (answer != OPTION_CONFIRM)
            return command_refuse_option(&command_reload, answer, argv);
        snprintf(confirm, sizeof(confirm), "confirm=%s", optarg);
    }
    if (optind < argc)
        return command_refuse_usage(&command_reload, "'%s' is one word too many", argv[optind]);
    return change_run(options, request, confirm[0] != '\0' ? 2 : 1, change_print_configuration);
}

const struct command command_reload = {
    .name = "reload",
    .arguments = "[--confirm TIME]",
    .summary = "load the configuration anew, and say what came of it",
    .help =
        "      --confirm TIME  go back to the one before unless `ipmodctl confirm` comes within\n"
        "                      TIME: 60s, 5min\n",
    .run = run,
};
