/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl check: what the daemon says of a configuration that it does not have. */
#include "command.h"
#include "connection.h"
#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/rules/given.h"
#include "view.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

static const struct option no_options[] = {{NULL, 0, NULL, 0}};

/* FILE as it is seen from everywhere: what its paths are relative to is part of the answer. */
static char *absolute(const char *file)
{
    char CLEANUP(cleanup_free) *here = NULL;
    char *path;

    if (file[0] == '/')
        return strdup(file);
    here = get_current_dir_name();
    return here != NULL && asprintf(&path, "%s/%s", here, file) >= 0 ? path : NULL;
}

static enum exit_code collect(const char *file, struct given *ret_given)
{
    struct problems CLEANUP(problems_clear) problems = PROBLEMS_INIT;
    char CLEANUP(cleanup_free) *path = file != NULL ? absolute(file) : NULL;
    int r = file != NULL && path == NULL ? -ENOMEM : given_collect(path, &problems, ret_given);

    problems_print(&problems, stderr);
    if (r == -ENOMEM)
        return command_fail("%s", strerror(ENOMEM));
    return r < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

static enum exit_code ask(const struct options *options, const struct given *given,
                          json_t **ret_answer)
{
    const char CLEANUP(cleanup_free) **words = calloc(given->count * 3 + 1, sizeof(*words));
    size_t count = 0;

    if (words == NULL)
        return command_fail("%s", strerror(ENOMEM));
    words[count++] = "check";
    for (size_t i = 0; i < given->count; i++) {
        words[count++] = given_kind_names[given->items[i].kind];
        words[count++] = given->items[i].name;
        words[count++] = given->items[i].text;
    }
    return connection_ask(options, words, count, ret_answer);
}

/* A string of OBJECT, or NULL. */
static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void show_problem(const json_t *object)
{
    const struct problem problem = {
        .severity = strcmp(view_string(object, "severity"), "warning") == 0 ? PROBLEM_WARNING
                                                                            : PROBLEM_ERROR,
        .place = {.file = text_of(object, "file"),
                  .line = (unsigned)view_integer(object, "line"),
                  .section = text_of(object, "section"),
                  .key = text_of(object, "key")},
        .text = (char *)view_string(object, "text"),
    };

    problem_print(&problem, stderr);
    fputc('\n', stderr);
}

/* "rules added: a, b". Whether there was anything to say. */
static bool show_names(const json_t *changes, const char *objects, const char *change)
{
    const json_t *names = json_object_get(json_object_get(changes, objects), change);
    size_t count = json_array_size(names);

    for (size_t i = 0; i < count; i++) {
        if (i == 0)
            printf("%s %s: ", objects, change);
        printf("%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(names, i)));
    }
    if (count > 0)
        putchar('\n');
    return count > 0;
}

static bool show_settings(const json_t *changes)
{
    const json_t *setting, *settings = json_object_get(changes, "settings");
    size_t i;

    json_array_foreach((json_t *)settings, i, setting)
        printf("[%s] %s: %s -> %s\n", view_string(setting, "section"), view_string(setting, "key"),
               view_string(setting, "before"), view_string(setting, "after"));
    return json_array_size(settings) > 0;
}

/* What a reload would do. */
static void show_changes(const json_t *changes)
{
    static const char *const names[] = {"added", "removed", "changed"};
    const json_t *rules = json_object_get(changes, "rules");
    bool any = show_settings(changes);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        any |= show_names(changes, "sets", names[i]);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        any |= show_names(changes, "rules", names[i]);
    if (json_is_true(json_object_get(rules, "reordered"))) {
        puts("rules are asked in another order");
        any = true;
    }
    if (view_integer(rules, "left_out") > 0)
        printf("and %lld rules more\n", view_integer(rules, "left_out"));
    if (!any)
        puts("it says what is in force");
}

static void show(const json_t *answer)
{
    const long long rules = view_integer(answer, "rules");
    const json_t *problem;
    size_t i;

    json_array_foreach(json_object_get(answer, "problems"), i, problem) show_problem(problem);
    if (!json_is_true(json_object_get(answer, "good")))
        return;
    printf("configuration is good, %lld rule%s\n", rules, text_plural((uint64_t)rules));
    show_changes(json_object_get(answer, "changes"));
    if (text_of(answer, "refusal") != NULL)
        printf("a reload would refuse it: %s\n", text_of(answer, "refusal"));
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct given CLEANUP(given_clear) given = {.items = NULL};
    int option = getopt_long(argc, argv, ":", no_options, NULL);
    enum exit_code code;
    json_t *answer;

    if (option != -1)
        return command_refuse_option(&command_check, option, argv);
    if (argc - optind > 1)
        return command_refuse_usage(&command_check, "'%s' is one word too many", argv[optind + 1]);
    code = collect(argv[optind], &given);
    if (code == EXIT_CODE_OK)
        code = ask(options, &given, &answer);
    if (code != EXIT_CODE_OK)
        return code;
    if (options->json) {
        json_dumpf(answer, stdout, JSON_FORM);
        putchar('\n');
    } else {
        show(answer);
    }
    if (!json_is_true(json_object_get(answer, "good")) || text_of(answer, "refusal") != NULL)
        code = EXIT_CODE_FAILED;
    json_decref(answer);
    return command_finish_output(code);
}

const struct command command_check = {
    .name = "check",
    .arguments = "[FILE]",
    .summary = "whether a configuration is good, and what it would change",
    .help =
        "FILE and FILE.d/*.conf, or those that `ipmodd --check` reads. What they and the files\n"
        "of their sets hold is sent to the daemon; nothing is put in force.\n",
    .run = run,
};
