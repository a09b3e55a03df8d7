/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl rules: what each rule has seen. */
#include "change.h"
#include "ipmodd/base/macro.h"
#include "view.h"

#include <string.h>

/* Packets that RULE, number INDEX, saw in a second since BEFORE; negative when that is not known.
 */
static double rate_of(const json_t *rule, const json_t *before, size_t index, double seconds)
{
    const json_t *old = json_array_get(json_object_get(before, "rules"), index);
    double packets;

    if (old == NULL || strcmp(view_string(old, "name"), view_string(rule, "name")) != 0)
        return -1;
    packets = view_real(rule, "packets") - view_real(old, "packets");
    return packets >= 0 && seconds > 0 ? packets / seconds : -1;
}

static void print_rule(const json_t *rule, bool with_rate, double rate, FILE *out)
{
    const json_t *last = json_object_get(rule, "last_seconds_ago");
    char rate_text[VIEW_NUMBER], ago[VIEW_NUMBER];

    fprintf(out, "%12lld %15lld ", view_integer(rule, "packets"), view_integer(rule, "bytes"));
    if (with_rate)
        fprintf(out, "%9s ", rate < 0 ? "" : view_scaled(rate, rate_text));
    fprintf(out, "%8s  %s%s (%s:%lld)\n",
            last == NULL ? "never" : view_duration(json_number_value(last), ago),
            view_string(rule, "name"),
            json_is_false(json_object_get(rule, "enabled")) ? " [disabled]" : "",
            view_string(rule, "file"), view_integer(rule, "line"));
}

static void print_rules(const json_t *document, const json_t *before, double seconds, FILE *out)
{
    const json_t *rules = json_object_get(document, "rules");
    const json_t *rule;
    size_t i;

    if (json_array_size(rules) == 0) {
        fputs("there are no rules\n", out);
        return;
    }
    fprintf(out, "%12s %15s %s%8s  %s\n", "packets", "bytes", before != NULL ? "packets/s " : "",
            "last", "rule");
    json_array_foreach((json_t *)rules, i, rule)
        print_rule(rule, before != NULL, rate_of(rule, before, i, seconds), out);
}

static void print_reset(const json_t *answer, FILE *out)
{
    (void)answer;
    fputs("all rules count from nothing", out);
}

/* Asks for it, whatever else stands on the command line. */
static enum exit_code reset(const struct options *options, int argc)
{
    static const char *const request[] = {"reset-rules"};

    if (argc > 2)
        return command_refuse_usage(&command_rules, "--reset stands alone");
    return change_run(options, request, ARRAY_SIZE(request), print_reset);
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    static const char *const request[] = {"rules"};
    const struct view view = {&command_rules, request, ARRAY_SIZE(request), print_rules};

    if (argc > 1 && strcmp(argv[1], "--reset") == 0)
        return reset(options, argc);
    return view_run(&view, options, argc, argv);
}

const struct command command_rules = {
    .name = "rules",
    .arguments = "[-w SECONDS | --reset]",
    .summary = "what each rule has seen, in order",
    .help = VIEW_HELP "      --reset          let all rules count from nothing\n",
    .run = run,
};
