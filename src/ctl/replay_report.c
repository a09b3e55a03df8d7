/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of a replay, as a table and as JSON. */
#include "replay.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

enum { SCHEMA = 1 };

static void print_totals(const struct player *player, FILE *out)
{
    const struct path_counters *counters = path_counters(player->offline->path);
    const struct tallies *tallies = &player->tallies;

    fprintf(out, "%" PRIu64 " frames read, %" PRIu64 " written, seed %" PRIu64 "\n",
            tallies->frames, tallies->written, player->offline->seed);
    if (tallies->not_ip > 0)
        fprintf(out, "%" PRIu64 " frames without an IP packet passed unchanged\n", tallies->not_ip);
    if (tallies->cut > 0)
        fprintf(out, "%" PRIu64 " packets are not whole in the capture and passed unchanged\n",
                tallies->cut);
    fprintf(out,
            "packets: in %" PRIu64 ", out %" PRIu64 ", edited %" PRIu64 ", generated %" PRIu64
            ", malformed-passed %" PRIu64 "\n",
            counters->in, counters->out, counters->edited, counters->generated,
            counters->malformed_passed);
}

static void print_rules(const struct player *player, FILE *out)
{
    const struct ruleset *ruleset = player->offline->loaded.ruleset;

    if (ruleset->rule_count == 0)
        return;
    fprintf(out, "\n%12s %14s  %s\n", "packets", "bytes", "rule");
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        const struct rule_counters *counters = path_rule_counters(player->offline->path, i);
        const struct rule *rule = &ruleset->rules[i];

        fprintf(out, "%12" PRIu64 " %14" PRIu64 "  %s (%s:%u)\n", counters->packets,
                counters->bytes, rule->name, rule->file, rule->line);
    }
}

static void print_drops(const struct player *player, FILE *out)
{
    const struct path_counters *counters = path_counters(player->offline->path);
    bool any = false;

    for (enum reason i = 0; i < REASON_COUNT; i++) {
        if (counters->drops[i] == 0)
            continue;
        if (!any)
            fprintf(out, "\n%12s  %s\n", "packets", "dropped");
        any = true;
        fprintf(out, "%12" PRIu64 "  %s\n", counters->drops[i], reason_name(i));
    }
}

void replay_report_print(const struct player *player, const struct replay_end *end, FILE *out)
{
    print_totals(player, out);
    print_rules(player, out);
    print_drops(player, out);
    if (!end->complete)
        fprintf(out, "\nThe capture was not read to its end.\n");
}

static json_t *make_packets(const struct player *player)
{
    const struct path_counters *counters = path_counters(player->offline->path);

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "in", json_uint(counters->in),
                     "in_bytes", json_uint(counters->in_bytes), "out", json_uint(counters->out),
                     "out_bytes", json_uint(counters->out_bytes), "edited",
                     json_uint(counters->edited), "generated", json_uint(counters->generated),
                     "malformed_passed", json_uint(counters->malformed_passed));
}

static json_t *make_frames(const struct player *player)
{
    const struct tallies *tallies = &player->tallies;

    return json_pack("{s:o, s:o, s:o, s:o}", "read", json_uint(tallies->frames), "written",
                     json_uint(tallies->written), "not_ip", json_uint(tallies->not_ip), "cut",
                     json_uint(tallies->cut));
}

static json_t *make_rules(const struct player *player)
{
    const struct ruleset *ruleset = player->offline->loaded.ruleset;
    json_t *rules = json_array();

    for (size_t i = 0; i < ruleset->rule_count; i++) {
        const struct rule_counters *counters = path_rule_counters(player->offline->path, i);
        const struct rule *rule = &ruleset->rules[i];

        json_array_append_new(
            rules, json_pack("{s:s, s:o, s:i, s:o, s:o}", "name", rule->name, "file",
                             json_text(rule->file), "line", (int)rule->line, "packets",
                             json_uint(counters->packets), "bytes", json_uint(counters->bytes)));
    }
    return rules;
}

static json_t *make_drops(const struct player *player)
{
    const struct path_counters *counters = path_counters(player->offline->path);
    json_t *drops = json_object();

    for (enum reason i = 0; i < REASON_COUNT; i++) {
        if (counters->drops[i] > 0)
            json_object_set_new(drops, reason_name(i), json_uint(counters->drops[i]));
    }
    return drops;
}

int replay_report_print_json(const struct player *player, const struct replay_end *end, FILE *out)
{
    char seed[24];
    json_t *report;
    int r;

    /* As text: JSON readers commonly have 53 bits for a number, and jansson 63. */
    snprintf(seed, sizeof(seed), "%" PRIu64, player->offline->seed);
    report = json_pack("{s:i, s:s, s:s, s:b, s:o?, s:o, s:o, s:o, s:o}", "schema", SCHEMA, "type",
                       "summary", "seed", seed, "complete", end->complete, "incident",
                       end->incident != NULL ? json_text(end->incident) : NULL, "frames",
                       make_frames(player), "packets", make_packets(player), "rules",
                       make_rules(player), "drops", make_drops(player));
    r = report != NULL ? json_dumpf(report, out, JSON_FORM) : -1;

    json_decref(report);
    fputc('\n', out);
    return r < 0 ? -ENOMEM : 0;
}
