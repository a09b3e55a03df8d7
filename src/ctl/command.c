/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of commands, and what all of them say in one way. */
#include "command.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define CTL_ENTRY(name) &command_##name,
const struct command *const commands[] = {CTL_COMMANDS(CTL_ENTRY)};
#undef CTL_ENTRY
const size_t command_count = ARRAY_SIZE(commands);

const struct command *command_find(const char *name)
{
    struct text_guess guess = TEXT_GUESS(name);

    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
        text_guess_offer(&guess, commands[i]->name);
    }
    if (guess.name != NULL)
        fprintf(stderr, "ipmodctl: unknown command %s; did you mean '%s'?\n", name, guess.name);
    else
        fprintf(stderr, "ipmodctl: unknown command %s; see ipmodctl --help\n", name);
    return NULL;
}

void command_print_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: ipmodctl %s%s %s\n\n%c%s.\n",
            command->offline ? "[-j] " : "[-s SOCKET] [-j] ", command->name, command->arguments,
            toupper(command->summary[0]), command->summary + 1);
    if (command->help != NULL)
        fprintf(out, "\n%s", command->help);
    fputs("\nMore in ipmodctl(8).\n", out);
}

enum exit_code command_refuse_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "ipmodctl %s: ", command->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; see ipmodctl %s --help\n", command->name);
    return EXIT_CODE_USAGE;
}

enum exit_code command_refuse_option(const struct command *command, int answer, char **argv)
{
    char short_option[3];
    const char *refused = options_refused(argv, short_option);

    if (answer != ':' && options_is_common(refused))
        return command_refuse_usage(command, "%s stands in front of the command", refused);
    return command_refuse_usage(
        command, "%s%s", answer == ':' ? "no value given behind " : "wrong option ", refused);
}

enum exit_code command_fail(const char *format, ...)
{
    va_list arguments;

    fputs("ipmodctl: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return EXIT_CODE_FAILED;
}

enum exit_code command_finish_output(enum exit_code code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    perror("ipmodctl: standard output");
    return EXIT_CODE_FAILED;
}
