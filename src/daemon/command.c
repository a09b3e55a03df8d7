/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --check, --print-plan, --dump-config and --cleanup. */
#include "command.h"

#include "ipmodd/base/problem.h"
#include "ipmodd/base/text.h"
#include "ipmodd/kernel/divert.h"
#include "ipmodd/rules/load.h"

#include <errno.h>

/* Loads and prints every problem; LOADED is to be cleared by the caller in any case. */
static int load_and_complain(const char *file, struct loaded *loaded)
{
    struct problems problems = PROBLEMS_INIT;
    int error = load_configuration(file, &problems, loaded);

    problems_print(&problems, stderr);
    problems_clear(&problems);
    return error;
}

/* Want of memory says nothing about the configuration. */
static enum exit_code report_refusal(int error)
{
    if (error != -ENOMEM)
        return EXIT_CODE_CONFIG;
    fputs("ipmodd: not enough memory to load the configuration\n", stderr);
    return EXIT_CODE_FAILED;
}

/* A full disk or a closed pipe is a failure of a command whose output is its purpose. */
static enum exit_code finish_output(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return EXIT_CODE_OK;
    perror("ipmodd: standard output");
    return EXIT_CODE_FAILED;
}

static enum exit_code report_failure(int error)
{
    fprintf(stderr, "ipmodd: %s\n", divert_error_text(NULL));
    return error == -EPERM || error == -EACCES ? EXIT_CODE_NO_PERMISSION : EXIT_CODE_FAILED;
}

enum exit_code command_check(const char *file)
{
    CLEANUP(loaded_clear) struct loaded loaded = {.config = NULL};
    int error = load_and_complain(file, &loaded);

    if (error < 0)
        return report_refusal(error);
    printf("configuration is good, %zu rule%s\n", loaded.ruleset->rule_count,
           text_plural(loaded.ruleset->rule_count));
    return finish_output();
}

enum exit_code command_print_plan(const char *file)
{
    CLEANUP(loaded_clear) struct loaded loaded = {.config = NULL};
    int error = load_and_complain(file, &loaded);

    if (error < 0)
        return report_refusal(error);
    error = divert_print_plan(loaded.config, stdout);
    return error < 0 ? report_failure(error) : finish_output();
}

enum exit_code command_dump_config(const char *file)
{
    CLEANUP(loaded_clear) struct loaded loaded = {.config = NULL};
    int error = load_and_complain(file, &loaded);

    if (error < 0)
        return report_refusal(error);
    dump_configuration(&loaded, stdout);
    return finish_output();
}

enum exit_code command_cleanup(const char *file)
{
    CLEANUP(loaded_clear) struct loaded loaded = {.config = NULL};
    int error = load_and_complain(file, &loaded);

    if (error < 0)
        return report_refusal(error);
    error = divert_cleanup_host(loaded.config);
    return error < 0 ? report_failure(error) : EXIT_CODE_OK;
}
