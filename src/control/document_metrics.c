/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's figures as OpenMetrics text (openmetrics.io, version 1.0.0). */
#include "documents.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A family of metrics: NAME of TYPE ("counter", "gauge") with its HELP. */
static void put_family(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# TYPE ipmodd_%s %s\n# HELP ipmodd_%s %s\n", name, type, name, help);
}

static void put_counter(FILE *out, const char *name, const char *help, uint64_t value)
{
    put_family(out, name, "counter", help);
    fprintf(out, "ipmodd_%s_total %" PRIu64 "\n", name, value);
}

static void put_gauge(FILE *out, const char *name, const char *help, double value)
{
    put_family(out, name, "gauge", help);
    fprintf(out, "ipmodd_%s %.17g\n", name, value);
}

static void put_totals(FILE *out, const struct control_report *report)
{
    const struct path_counters *counters = &report->counters;

    put_counter(out, "received_packets", "Packets read from the tun device.", counters->in);
    put_counter(out, "received_bytes", "Bytes of IP packets read from the tun device.",
                counters->in_bytes);
    put_counter(out, "sent_packets", "Packets written back to the tun device.", counters->out);
    put_counter(out, "sent_bytes", "Bytes of IP packets written back to the tun device.",
                counters->out_bytes);
    put_counter(out, "generated_packets", "Answers made by rules.", counters->generated);
    put_counter(out, "edited_packets", "Packets that left changed by a rule.", counters->edited);
    put_counter(out, "malformed_passed_packets", "Malformed packets that were sent on.",
                counters->malformed_passed);
    put_counter(out, "ttl_255_packets", "Packets that left with TTL 254 instead of 255.",
                counters->ttl_255);
    put_counter(out, "split_superpackets", "Super-packets cut up for a rule.", counters->split);
    put_counter(out, "refused_superpackets", "Super-packets that the kernel refused.",
                counters->gso_refused);
    put_counter(out, "merged_packets", "Packets written in one piece with others.",
                counters->merged);
    put_counter(out, "queue_dropped_packets", "Packets that found the tun device's queue full.",
                report->tun_tx_dropped);
    put_counter(out, "log_lost_entries", "Log entries that nobody took.", report->log_lost);
}

static void put_drops(FILE *out, const struct path_counters *counters)
{
    put_family(out, "dropped_packets", "counter", "Packets dropped, by reason.");
    for (enum reason i = REASON_NONE + 1; i < REASON_COUNT; i++)
        fprintf(out, "ipmodd_dropped_packets_total{reason=\"%s\"} %" PRIu64 "\n", reason_name(i),
                counters->drops[i]);
}

/* Names of rules have no character that a label would have to escape. */
static void put_rules(FILE *out, const struct control_report *report)
{
    const struct ruleset *ruleset = report->loaded->ruleset;

    put_family(out, "rule_packets", "counter", "Packets that a rule matched.");
    for (size_t i = 0; i < ruleset->rule_count; i++)
        fprintf(out, "ipmodd_rule_packets_total{rule=\"%s\"} %" PRIu64 "\n", ruleset->rules[i].name,
                report->rules[i].packets);
    put_family(out, "rule_bytes", "counter", "Bytes of the packets that a rule matched.");
    for (size_t i = 0; i < ruleset->rule_count; i++)
        fprintf(out, "ipmodd_rule_bytes_total{rule=\"%s\"} %" PRIu64 "\n", ruleset->rules[i].name,
                report->rules[i].bytes);
}

static void put_process(FILE *out, const struct control_report *report)
{
    put_family(out, "build_info", "gauge", "The running program.");
    fprintf(out, "ipmodd_build_info{version=\"%s\"} 1\n", report->version);
    put_gauge(out, "start_time_seconds", "When the daemon started, in seconds since 1970.",
              (double)report->started);
    put_gauge(out, "configuration_generation", "Counts up with each configuration put in force.",
              (double)report->generation);
    put_gauge(out, "configuration_load_time_seconds",
              "When the configuration was loaded, in seconds since 1970.",
              (double)report->loaded_at);
    put_gauge(out, "rules", "Rules in force.", (double)report->loaded->ruleset->rule_count);
    put_gauge(out, "resident_memory_bytes", "What the process has in memory.",
              (double)document_resident_bytes());
}

json_t *document_metrics(const struct control_report *report)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    json_t *document;

    if (out == NULL)
        return NULL;
    put_process(out, report);
    put_totals(out, report);
    put_drops(out, &report->counters);
    put_rules(out, report);
    fputs("# EOF\n", out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    document = json_pack("{ss}", "openmetrics", text);
    free(text);
    return document;
}
