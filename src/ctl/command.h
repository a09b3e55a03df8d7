/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of ipmodctl: one const record each, defined in a file of its own.
 *
 * Adding one is that file and a line in CTL_COMMANDS below; usage texts, the guess at a mistyped
 * name and main() read the records.
 */
#ifndef IPMODD_CTL_COMMAND_H
#define IPMODD_CTL_COMMAND_H

#include "exit_code.h"
#include "options.h"

#include <stdio.h>

struct command {
    const char *name;
    const char *arguments; /* behind the name in the usage text */
    const char *summary;   /* one line */

    /*
     * What `ipmodctl NAME --help` prints behind the usage line: options, each with its line end.
     * NULL: there are none.
     */
    const char *help;

    /* Works without a daemon: a socket given on the command line is a mistake. */
    bool offline;

    /* ARGV[0] is the command's name, as getopt_long(3) wants it. */
    enum exit_code (*run)(const struct options *options, int argc, char **argv);
};

/* In the order of the usage text. X(name) stands for a record `command_name`. */
/* clang-format off */
#define CTL_COMMANDS(X) \
    X(status)           \
    X(rules)            \
    X(enable)           \
    X(disable)          \
    X(flows)            \
    X(metrics)          \
    X(top)              \
    X(monitor)          \
    X(capture)          \
    X(doctor)           \
    X(ping)             \
    X(path)             \
    X(check)            \
    X(reload)           \
    X(confirm)          \
    X(rollback)         \
    X(replay)           \
    X(trace)
/* clang-format on */

#define CTL_DECLARE(name) extern const struct command command_##name;
CTL_COMMANDS(CTL_DECLARE)
#undef CTL_DECLARE

extern const struct command *const commands[];
extern const size_t command_count;

/* NULL for a name that is none: then the reason is on stderr. */
const struct command *command_find(const char *name);

void command_print_help(const struct command *command, FILE *out);

/* "ipmodctl NAME: text; see ipmodctl NAME --help" on stderr; EXIT_CODE_USAGE. */
enum exit_code command_refuse_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for what getopt_long(3) answered '?' or ':' to. */
enum exit_code command_refuse_option(const struct command *command, int answer, char **argv);

/* "ipmodctl: text" on stderr; EXIT_CODE_FAILED. */
enum exit_code command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A full disk or a closed pipe is a failure of a command whose output is its purpose. */
enum exit_code command_finish_output(enum exit_code code);

#endif
