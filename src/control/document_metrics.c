/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's figures as OpenMetrics text (openmetrics.io, version 1.0.0). */
#include "documents.h"

#include "ipmodd/base/text_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where figures go, and how they are to be written. */
struct sheet {
    FILE *out;
    enum metrics_format format;
};

/*
 * A family of metrics: NAME of TYPE ("counter", "gauge", "histogram") with its HELP. The older
 * format knows counters by the names of their samples.
 */
static void put_family(const struct sheet *sheet, const char *name, const char *type,
                       const char *help)
{
    const char *suffix = sheet->format == METRICS_PLAIN && strcmp(type, "counter") == 0 ? "_total"
                                                                                        : "";

    fprintf(sheet->out, "# TYPE ipmodd_%s%s %s\n# HELP ipmodd_%s%s %s\n", name, suffix, type, name,
            suffix, help);
}

static void put_counter(const struct sheet *sheet, const char *name, const char *help,
                        uint64_t value)
{
    put_family(sheet, name, "counter", help);
    fprintf(sheet->out, "ipmodd_%s_total %" PRIu64 "\n", name, value);
}

static void put_gauge(const struct sheet *sheet, const char *name, const char *help, double value)
{
    put_family(sheet, name, "gauge", help);
    fprintf(sheet->out, "ipmodd_%s %.17g\n", name, value);
}

static void put_totals(const struct sheet *sheet, const struct control_report *report)
{
    const struct path_counters *counters = &report->counters;

    put_counter(sheet, "received_packets", "Packets read from the tun device.", counters->in);
    put_counter(sheet, "received_bytes", "Bytes of IP packets read from the tun device.",
                counters->in_bytes);
    put_counter(sheet, "sent_packets", "Packets written back to the tun device.", counters->out);
    put_counter(sheet, "sent_bytes", "Bytes of IP packets written back to the tun device.",
                counters->out_bytes);
    put_counter(sheet, "generated_packets", "Answers made by rules.", counters->generated);
    put_counter(sheet, "edited_packets", "Packets that left changed by a rule.", counters->edited);
    put_counter(sheet, "malformed_passed_packets", "Malformed packets that were sent on.",
                counters->malformed_passed);
    put_counter(sheet, "ttl_255_packets", "Packets that left with TTL 254 instead of 255.",
                counters->ttl_255);
    put_counter(sheet, "split_superpackets", "Super-packets cut up for a rule.", counters->split);
    put_counter(sheet, "refused_superpackets", "Super-packets that the kernel refused.",
                counters->gso_refused);
    put_counter(sheet, "merged_packets", "Packets written in one piece with others.",
                counters->merged);
    put_counter(sheet, "handed_over_packets", "Packets given to the thread that has their flow.",
                counters->handed_over);
    put_gauge(sheet, "parked_packets", "Fragments that wait for their first one.",
              (double)counters->parked);
    put_counter(sheet, "queue_dropped_packets", "Packets that found the tun device's queue full.",
                report->tun_tx_dropped);
    put_counter(sheet, "log_lost_entries", "Log entries that nobody took.", report->log_lost);
}

static void put_drops(const struct sheet *sheet, const struct path_counters *counters)
{
    put_family(sheet, "dropped_packets", "counter", "Packets dropped, by reason.");
    for (enum reason i = REASON_NONE + 1; i < REASON_COUNT; i++)
        fprintf(sheet->out, "ipmodd_dropped_packets_total{reason=\"%s\"} %" PRIu64 "\n",
                reason_name(i), counters->drops[i]);
}

/* Names of rules have no character that a label would have to escape. */
static void put_rules(const struct sheet *sheet, const struct control_report *report)
{
    const struct ruleset *ruleset = report->loaded->ruleset;

    put_family(sheet, "rule_packets", "counter", "Packets that a rule matched.");
    for (size_t i = 0; i < ruleset->rule_count; i++)
        fprintf(sheet->out, "ipmodd_rule_packets_total{rule=\"%s\"} %" PRIu64 "\n",
                ruleset->rules[i].name, report->rules[i].packets);
    put_family(sheet, "rule_bytes", "counter", "Bytes of the packets that a rule matched.");
    for (size_t i = 0; i < ruleset->rule_count; i++)
        fprintf(sheet->out, "ipmodd_rule_bytes_total{rule=\"%s\"} %" PRIu64 "\n",
                ruleset->rules[i].name, report->rules[i].bytes);
    put_family(sheet, "rule_enabled", "gauge", "0 for rules that somebody has disabled.");
    for (size_t i = 0; i < ruleset->rule_count; i++)
        fprintf(sheet->out, "ipmodd_rule_enabled{rule=\"%s\"} %d\n", ruleset->rules[i].name,
                !report->disabled[i]);
}

static void put_process(const struct sheet *sheet, const struct control_report *report)
{
    put_family(sheet, "build_info", "gauge", "The running program.");
    fprintf(sheet->out, "ipmodd_build_info{version=\"%s\"} 1\n", report->version);
    put_gauge(sheet, "start_time_seconds", "When the daemon started, in seconds since 1970.",
              (double)report->started);
    put_gauge(sheet, "configuration_generation", "Counts up with each configuration put in force.",
              (double)report->generation);
    put_gauge(sheet, "configuration_load_time_seconds",
              "When the configuration was loaded, in seconds since 1970.",
              (double)report->loaded_at);
    put_gauge(sheet, "rules", "Rules in force.", (double)report->loaded->ruleset->rule_count);
    put_gauge(sheet, "resident_memory_bytes", "What the process has in memory.",
              (double)document_resident_bytes());
}

static void put_histogram(const struct sheet *sheet, const char *name, const char *help,
                          const struct histogram *histogram)
{
    uint64_t count = 0;

    put_family(sheet, name, "histogram", help);
    for (size_t i = 0; i < HISTOGRAM_STEPS; i++) {
        count += histogram->counts[i];
        fprintf(sheet->out, "ipmodd_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
                (double)histogram_bounds_ns[i] / 1e9, count);
    }
    count += histogram->counts[HISTOGRAM_STEPS];
    fprintf(sheet->out, "ipmodd_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    fprintf(sheet->out, "ipmodd_%s_sum %.9f\n", name, (double)histogram->sum_ns / 1e9);
    fprintf(sheet->out, "ipmodd_%s_count %" PRIu64 "\n", name, count);
}

static void put_reloads(const struct sheet *sheet, const struct control_report *report)
{
    static const char *const results[RELOAD_RESULT_COUNT] = {
        [RELOAD_TAKEN] = "taken",
        [RELOAD_REFUSED] = "refused",
        [RELOAD_RETURNED] = "rolled-back",
    };

    put_family(sheet, "reloads", "counter", "Reloads, by how they ended.");
    for (enum reload_result i = 0; i < RELOAD_RESULT_COUNT; i++)
        fprintf(sheet->out, "ipmodd_reloads_total{result=\"%s\"} %" PRIu64 "\n", results[i],
                report->reloads[i]);
    put_gauge(sheet, "last_reload_successful", "1 unless the last reload was refused.",
              report->last_reload_taken);
    put_gauge(sheet, "configuration_unconfirmed",
              "1 while the configuration goes again unless somebody confirms it.",
              report->to_confirm);
}

static void put_offload(const struct sheet *sheet, const struct control_report *report)
{
    put_family(sheet, "offload", "gauge", "1 for classes of super-packets that are in use.");
    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++)
        fprintf(sheet->out, "ipmodd_offload{class=\"%s\"} %d\n", offload_class_name(i),
                (report->offload & 1u << i) != 0);
}

static void put_flows(const struct sheet *sheet, const struct control_report *report)
{
    const struct control_flow_totals *flows = &report->flows;

    if (!report->follows_flows)
        return;
    put_gauge(sheet, "flows", "Flows that are followed.", (double)flows->count);
    put_gauge(sheet, "flows_max", "Flows that there is room for.", (double)flows->max);
    put_gauge(sheet, "flows_translated", "Flows whose addresses are translated.",
              (double)flows->translated);
    put_counter(sheet, "flows_added", "Flows that began.", flows->counters.added);
    put_counter(sheet, "flows_ended", "Flows that had their time or were forgotten.",
                flows->counters.ended);
    put_counter(sheet, "flows_displaced", "Flows without both sides that made room for others.",
                flows->counters.displaced);
    put_counter(sheet, "flows_refused", "Flows for which there was no room.",
                flows->counters.refused);
}

char *document_metrics_text(const struct control_report *report, enum metrics_format format,
                            size_t *ret_length)
{
    struct text_stream stream;
    const struct sheet sheet = {.out = text_stream_open(&stream), .format = format};
    char *text;

    if (sheet.out == NULL)
        return NULL;
    put_process(&sheet, report);
    put_reloads(&sheet, report);
    put_totals(&sheet, report);
    put_drops(&sheet, &report->counters);
    put_rules(&sheet, report);
    put_flows(&sheet, report);
    put_offload(&sheet, report);
    put_histogram(&sheet, "loop_duration_seconds",
                  "What packet threads took from the first packet of a wake-up to the last.",
                  &report->wakeups);
    if (format == METRICS_OPENMETRICS)
        fputs("# EOF\n", sheet.out);
    text = text_stream_take(&stream);
    *ret_length = stream.length;
    return text;
}

json_t *document_metrics(const struct control_report *report)
{
    size_t length;
    char CLEANUP(cleanup_free) *text = document_metrics_text(report, METRICS_OPENMETRICS, &length);

    return text != NULL ? json_pack("{ss}", "openmetrics", text) : NULL;
}
