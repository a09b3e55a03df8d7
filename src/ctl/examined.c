/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as lines and as JSON, and the reasons for a ping without answers. */
#include "examined.h"

#include "connection.h"
#include "view.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/rules/load.h"

#include <string.h>

enum { PATIENCE_SECONDS = 2 };

unsigned examined_count(const struct findings *findings, enum finding_level level)
{
    unsigned count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].level == level;
    return count;
}

static void print_finding(const struct finding *finding, bool coloured, FILE *out)
{
    static const char *const colours[FINDING_LEVEL_COUNT] = {
        [FINDING_OK] = "\033[32m",
        [FINDING_UNKNOWN] = "\033[36m",
        [FINDING_WARNING] = "\033[33m",
        [FINDING_ERROR] = "\033[31m",
    };
    const char *colour = coloured ? colours[finding->level] : NULL;

    fprintf(out, "%s%-8s%s %-16s %s\n", colour != NULL ? colour : "",
            finding_level_name(finding->level), colour != NULL ? "\033[0m" : "", finding->name,
            finding->text);
    if (finding->mend != NULL)
        fprintf(out, "%-25s mend: %s\n", "", finding->mend);
}

void examined_print(const struct findings *findings, bool all, FILE *out)
{
    bool coloured = view_has_colour(out);

    for (size_t i = 0; i < findings->count; i++) {
        if (all || findings->items[i].level != FINDING_OK)
            print_finding(&findings->items[i], coloured, out);
    }
}

json_t *examined_json(const struct findings *findings, bool all)
{
    json_t *array = json_array();

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        json_t *object;

        if (!all && finding->level == FINDING_OK)
            continue;
        object = json_pack("{ssssso}", "check", finding->name, "level",
                           finding_level_name(finding->level), "text", json_text(finding->text));
        if (finding->mend != NULL)
            json_object_set_new(object, "mend", json_text(finding->mend));
        json_array_append_new(array, object);
    }
    return array;
}

/* The configuration that the daemon says it has read. 0 or -errno. */
static int load_of_daemon(const struct options *options, struct loaded *ret_loaded)
{
    struct problems problems = PROBLEMS_INIT;
    json_t *status = NULL;
    const char *file;
    int r = connection_probe(options, "status", PATIENCE_SECONDS, &status);

    if (r < 0)
        return r;
    file = json_string_value(
        json_array_get(json_object_get(json_object_get(status, "configuration"), "files"), 0));
    r = load_configuration(file, &problems, ret_loaded);
    problems_clear(&problems);
    json_decref(status);
    return r;
}

static void show_reasons(const struct options *options, const struct findings *findings)
{
    if (options->json) {
        json_t *document = json_pack("{sissso}", "schema", 1, "event", "diagnosis", "findings",
                                     examined_json(findings, false));

        json_dumpf(document, stdout, JSON_FORM);
        fputc('\n', stdout);
        json_decref(document);
        return;
    }
    if (examined_count(findings, FINDING_OK) == findings->count)
        puts("nothing on this host keeps an answer away: it was not sent, or lost on its way, or a "
             "rule dropped it (ipmodctl rules)");
    examined_print(findings, false, stdout);
}

enum exit_code examined_explain_ping(const struct options *options, const struct ip_addr *src)
{
    struct findings CLEANUP(findings_clear) findings = {.items = NULL};
    struct loaded CLEANUP(loaded_clear) loaded = {.config = NULL};
    const char *why = "reading the daemon's configuration";
    int r = load_of_daemon(options, &loaded);

    if (r == 0)
        r = doctor_examine_ping(loaded.config, src, &findings, &why);
    if (r < 0)
        return command_fail("%s: %s", why, strerror(-r));
    show_reasons(options, &findings);
    return command_finish_output(EXIT_CODE_FAILED);
}
