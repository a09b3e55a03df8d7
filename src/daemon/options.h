/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. */
#ifndef IPMODD_DAEMON_OPTIONS_H
#define IPMODD_DAEMON_OPTIONS_H

#include <stdio.h>

enum command {
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_PRINT_PLAN,
    COMMAND_DUMP_CONFIG,
    COMMAND_CLEANUP,
    COMMAND_VERSION,
    COMMAND_HELP,
    COMMAND_COUNT,
};

struct options {
    enum command command;
    const char *file; /* of -c, borrowed from ARGV; NULL: the search path */
};

/*
 * 0; or -EINVAL with one line about what is wrong on ERRORS and RET untouched. Uses getopt(3),
 * whose state it starts anew.
 */
int options_parse(int argc, char **argv, FILE *errors, struct options *ret_options);

void options_print_help(FILE *out);

#endif
