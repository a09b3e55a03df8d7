/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the options in front of the command. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* Values of long options lie above every character, as in the commands' own tables. */
enum { OPTION_VERSION = 256, OPTION_HELP };

static const struct option long_options[] = {
    {"socket", required_argument, NULL, 's'},
    {"json", no_argument, NULL, 'j'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

const char *options_refused(char **argv, char short_option[static 3])
{
    if (optopt <= 0 || optopt >= OPTION_VERSION)
        return argv[optind - 1];
    short_option[0] = '-';
    short_option[1] = (char)optopt;
    short_option[2] = '\0';
    return short_option;
}

bool options_is_common(const char *word)
{
    return strcmp(word, "-s") == 0 || strcmp(word, "-j") == 0 || strcmp(word, "--json") == 0 ||
           strncmp(word, "--socket", strlen("--socket")) == 0;
}

static int refuse(const char *what, const char *word)
{
    fprintf(stderr, "ipmodctl: %s%s; see ipmodctl --help\n", what, word);
    return -EINVAL;
}

int options_parse(int argc, char **argv, struct options *ret_options)
{
    struct options options = {.request = REQUEST_COMMAND};
    char short_option[3];
    int answer;

    opterr = 0;
    while ((answer = getopt_long(argc, argv, "+:s:j", long_options, NULL)) != -1) {
        if (answer == 's')
            options.socket = optarg;
        else if (answer == 'j')
            options.json = true;
        else if (answer == OPTION_VERSION)
            options.request = REQUEST_VERSION;
        else if (answer == OPTION_HELP)
            options.request = REQUEST_HELP;
        else
            return refuse(answer == ':'
                              ? "no value given behind "
                              : "what belongs to a command stands behind it: wrong option ",
                          options_refused(argv, short_option));
    }
    if (options.request == REQUEST_COMMAND && optind == argc)
        return refuse("no command given", "");
    options.command = optind;
    *ret_options = options;
    return 0;
}
