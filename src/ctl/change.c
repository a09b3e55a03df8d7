/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has something done and says what came of it. */
#include "change.h"

#include "connection.h"
#include "view.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/text.h"

#include <getopt.h>

static const struct option no_options[] = {{NULL, 0, NULL, 0}};

enum exit_code change_run(const struct options *options, const char *const *words, size_t count,
                          void (*print)(const json_t *answer, FILE *out))
{
    json_t *answer;
    enum exit_code code = connection_ask(options, words, count, &answer);

    if (code != EXIT_CODE_OK)
        return code;
    if (options->json)
        json_dumpf(answer, stdout, JSON_FORM);
    else
        print(answer, stdout);
    putchar('\n');
    json_decref(answer);
    return command_finish_output(code);
}

enum exit_code change_run_plain(const struct command *command, const struct options *options,
                                int argc, char **argv,
                                void (*print)(const json_t *answer, FILE *out))
{
    const char *const request[] = {command->name};
    int answer = getopt_long(argc, argv, ":", no_options, NULL);

    if (answer != -1)
        return command_refuse_option(command, answer, argv);
    if (optind < argc)
        return command_refuse_usage(command, "'%s' is one word too many", argv[optind]);
    return change_run(options, request, 1, print);
}

static void print_switched(const json_t *answer, FILE *out)
{
    fprintf(out, "rule %s is %s", view_string(answer, "rule"),
            json_is_true(json_object_get(answer, "enabled")) ? "enabled"
                                                             : "disabled until the next reload");
}

enum exit_code change_switch_rule(const struct command *command, const struct options *options,
                                  int argc, char **argv)
{
    const char *request[] = {command->name, NULL};
    int answer = getopt_long(argc, argv, ":", no_options, NULL);

    if (answer != -1)
        return command_refuse_option(command, answer, argv);
    if (optind + 1 != argc)
        return command_refuse_usage(command, "the name of one rule is needed");
    request[1] = argv[optind];
    return change_run(options, request, 2, print_switched);
}

void change_print_configuration(const json_t *answer, FILE *out)
{
    const long long rules = view_integer(answer, "rules");

    fprintf(out, "configuration %lld is in force, %lld rule%s", view_integer(answer, "generation"),
            rules, text_plural((uint64_t)rules));
    if (json_object_get(answer, "confirm_seconds") != NULL)
        fprintf(out, "; `ipmodctl confirm` within %lld s, or the one before comes back",
                view_integer(answer, "confirm_seconds"));
}
