/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the command line: one optional file and at most one command. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>

/* Values of long options lie above every character. */
enum { FIRST_COMMAND = 256 };

static const struct option long_options[] = {
    {"check", no_argument, NULL, FIRST_COMMAND + COMMAND_CHECK},
    {"print-plan", no_argument, NULL, FIRST_COMMAND + COMMAND_PRINT_PLAN},
    {"dump-config", no_argument, NULL, FIRST_COMMAND + COMMAND_DUMP_CONFIG},
    {"cleanup", no_argument, NULL, FIRST_COMMAND + COMMAND_CLEANUP},
    {"version", no_argument, NULL, FIRST_COMMAND + COMMAND_VERSION},
    {"help", no_argument, NULL, FIRST_COMMAND + COMMAND_HELP},
    {NULL, 0, NULL, 0},
};

static int refuse(FILE *errors, const char *what, const char *word)
{
    fprintf(errors, "ipmodd: %s%s; see ipmodd --help\n", what, word);
    return -EINVAL;
}

/* getopt's '?' and ':' have the word in different places. */
static int refuse_option(FILE *errors, int answer, char **argv)
{
    const char short_option[] = {'-', (char)optopt, '\0'};
    const char *word = optopt > 0 && optopt < FIRST_COMMAND ? short_option : argv[optind - 1];

    return refuse(errors, answer == ':' ? "no file given behind " : "wrong option ", word);
}

int options_parse(int argc, char **argv, FILE *errors, struct options *ret_options)
{
    struct options options = {.command = COMMAND_RUN};
    int answer;

    optind = 0; /* glibc: scan anew */
    opterr = 0;
    while ((answer = getopt_long(argc, argv, "+:c:", long_options, NULL)) != -1) {
        if (answer == 'c') {
            options.file = optarg;
            continue;
        }
        if (answer < FIRST_COMMAND)
            return refuse_option(errors, answer, argv);
        if (options.command != COMMAND_RUN)
            return refuse(errors, "two commands at once: ", argv[optind - 1]);
        options.command = (enum command)(answer - FIRST_COMMAND);
    }
    if (optind < argc)
        return refuse(errors, "unexpected argument ", argv[optind]);
    *ret_options = options;
    return 0;
}

void options_print_help(FILE *out)
{
    fputs("usage: ipmodd [-c FILE] [COMMAND]\n"
          "\n"
          "Without a command: divert IP packets through a tun device, change them as the rules\n"
          "say, and send them on, until SIGTERM or SIGINT. SIGHUP loads the configuration anew,\n"
          "SIGUSR1 logs the statistics.\n"
          "\n"
          "  -c FILE        read FILE and FILE.d/*.conf instead of ipmodd/ipmodd.conf in /etc,\n"
          "                 /run, /usr/local/lib and /usr/lib\n"
          "  --check        tell whether the configuration is good\n"
          "  --dump-config  print the configuration in force, every key written out\n"
          "  --print-plan   print what would be asked of the kernel as ip and sysctl commands\n"
          "  --cleanup      remove what a killed ipmodd left behind\n"
          "  --version      print the version\n"
          "  --help         print this text\n"
          "\n"
          "Exit code: 0 ok, 1 run-time failure, 2 usage, 77 no permission or no /dev/net/tun,\n"
          "78 configuration error. More in ipmodd(8) and ipmodd.conf(5).\n",
          out);
}
