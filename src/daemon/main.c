/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets the process up and hands over to what the command line asks for. */
#include "build_config.h"
#include "command.h"
#include "options.h"
#include "start.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A descriptor opened as number 2 would get the log: keep 0 to 2 taken if the caller closed them.
 */
static int reserve_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd < 0 ? -1 : close(fd);
}

static enum exit_code run(const struct options *options)
{
    switch (options->command) {
    case COMMAND_RUN:
        return daemon_run(options->file);
    case COMMAND_CHECK:
        return command_check(options->file);
    case COMMAND_PRINT_PLAN:
        return command_print_plan(options->file);
    case COMMAND_DUMP_CONFIG:
        return command_dump_config(options->file);
    case COMMAND_CLEANUP:
        return command_cleanup(options->file);
    case COMMAND_VERSION:
        puts("ipmodd " IPMODD_VERSION);
        return EXIT_CODE_OK;
    case COMMAND_HELP:
        options_print_help(stdout);
        return EXIT_CODE_OK;
    case COMMAND_COUNT:
        break;
    }
    return EXIT_CODE_USAGE;
}

int main(int argc, char **argv)
{
    struct options options;

    if (reserve_standard_descriptors() < 0)
        return EXIT_CODE_FAILED;
    signal(SIGPIPE, SIG_IGN);
    if (options_parse(argc, argv, stderr, &options) < 0)
        return EXIT_CODE_USAGE;
    return (int)run(&options);
}
