/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Change: a command that has the daemon do something, and says what came of it. */
#ifndef IPMODD_CTL_CHANGE_H
#define IPMODD_CTL_CHANGE_H

#include "command.h"

#include <jansson.h>

/* Sends the COUNT words and shows the answer: as JSON, or with PRINT, which writes a line. */
enum exit_code change_run(const struct options *options, const char *const *words, size_t count,
                          void (*print)(const json_t *answer, FILE *out));

/* The same for a COMMAND that takes no arguments, whose name is the request. */
enum exit_code change_run_plain(const struct command *command, const struct options *options,
                                int argc, char **argv,
                                void (*print)(const json_t *answer, FILE *out));

/* The same for `enable` and `disable`, which take the name of a rule. */
enum exit_code change_switch_rule(const struct command *command, const struct options *options,
                                  int argc, char **argv);

/* "configuration 3 is in force, 2 rules", and until when it has to be confirmed. */
void change_print_configuration(const json_t *answer, FILE *out);

#endif
