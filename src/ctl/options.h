/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in front of the command on ipmodctl's command line. */
#ifndef IPMODD_CTL_OPTIONS_H
#define IPMODD_CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* What main() is asked for. */
enum request {
    REQUEST_COMMAND,
    REQUEST_VERSION,
    REQUEST_HELP,
};

struct options {
    enum request request;
    const char *socket; /* of -s; NULL: the usual one */
    bool json;
    int command; /* with REQUEST_COMMAND: index of its name in argv */
};

/* 0; -EINVAL for a wrong command line: then the reason is on stderr. Points into ARGV. */
int options_parse(int argc, char **argv, struct options *ret_options);

/* The word that getopt_long(3) did not take; it has short and long options in different places. */
const char *options_refused(char **argv, char short_option[static 3]);

/* Whether WORD is an option of this table, which has to stand in front of the command. */
bool options_is_common(const char *word);

#endif
