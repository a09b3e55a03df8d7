/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the command and hands over to it. */
#include "build_config.h"
#include "command.h"

#include <getopt.h>
#include <signal.h>
#include <string.h>

static void print_help(FILE *out)
{
    fputs("usage: ipmodctl [-s SOCKET] [-j] COMMAND …\n"
          "\n"
          "  -s, --socket SOCKET  where the daemon listens, instead of /run/ipmodd/control\n"
          "  -j, --json           one JSON document, or a stream of one object a line\n"
          "      --version        print the version\n"
          "      --help           print this text; behind a command, that command's\n"
          "\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "Exit code: 0 ok, 1 refused or failed, 2 usage, 3 no daemon, 4 not permitted. More in\n"
          "ipmodctl(8).\n",
          out);
}

static enum exit_code run_command(const struct options *options, int argc, char **argv)
{
    const struct command *command = command_find(argv[0]);

    if (command == NULL)
        return EXIT_CODE_USAGE;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        command_print_help(command, stdout);
        return command_finish_output(EXIT_CODE_OK);
    }
    if (command->offline && options->socket != NULL)
        return command_refuse_usage(command, "asks no daemon: leave -s out");
    optind = 0; /* glibc: scan anew */
    return command->run(options, argc, argv);
}

int main(int argc, char **argv)
{
    struct options options;

    signal(SIGPIPE, SIG_IGN);
    if (options_parse(argc, argv, &options) < 0)
        return EXIT_CODE_USAGE;
    if (options.request == REQUEST_COMMAND)
        return (int)run_command(&options, argc - options.command, argv + options.command);
    if (options.request == REQUEST_VERSION)
        puts("ipmodctl " IPMODD_VERSION);
    else
        print_help(stdout);
    return (int)command_finish_output(EXIT_CODE_OK);
}
