/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl reload: loads the configuration anew and says what came of it. */
#include "command.h"
#include "connection.h"

#include "ipmodd/base/macro.h"

#include <getopt.h>

static const struct option long_options[] = {{NULL, 0, NULL, 0}};

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    static const char *const request[] = {"reload"};
    json_t *document;
    int answer = getopt_long(argc, argv, ":", long_options, NULL);
    enum exit_code code;

    if (answer != -1)
        return command_refuse_option(&command_reload, answer, argv);
    if (optind < argc)
        return command_refuse_usage(&command_reload, "'%s' is one word too many", argv[optind]);
    code = connection_ask(options, request, ARRAY_SIZE(request), &document);
    if (code != EXIT_CODE_OK)
        return code;
    if (options->json)
        json_dumpf(document, stdout, JSON_COMPACT);
    else
        printf("configuration %lld is in force, %lld rules",
               (long long)json_integer_value(json_object_get(document, "generation")),
               (long long)json_integer_value(json_object_get(document, "rules")));
    putchar('\n');
    json_decref(document);
    return command_finish_output(code);
}

const struct command command_reload = {
    .name = "reload",
    .arguments = "",
    .summary = "load the configuration anew, and say what came of it",
    .run = run,
};
