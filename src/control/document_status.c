/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the daemon is, on one page. */
#include "documents.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

#include <unistd.h>

static json_t *make_files(const struct file_list *files)
{
    json_t *array = json_array();

    for (size_t i = 0; i < files->count; i++)
        json_array_append_new(array, json_text(files->paths[i]));
    return array;
}

static json_t *make_directions(unsigned directions)
{
    json_t *array = json_array();

    for (enum direction i = 0; i < DIRECTION_COUNT; i++) {
        if ((directions & (1u << i)) != 0)
            json_array_append_new(array, json_string(direction_name(i)));
    }
    return array;
}

static json_t *make_drops(const struct path_counters *counters)
{
    json_t *object = json_object();

    for (enum reason i = REASON_NONE + 1; i < REASON_COUNT; i++)
        json_object_set_new(object, reason_name(i), json_uint(counters->drops[i]));
    return object;
}

static json_t *make_offload(const struct control_report *report)
{
    json_t *array = json_array();

    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++)
        json_array_append_new(array, json_pack("{sssbso}", "class", offload_class_name(i), "used",
                                               (report->offload & (1u << i)) != 0, "refused",
                                               json_uint(report->offload_refused[i])));
    return array;
}

/* As the key has it. */
static json_t *make_rps(const struct cpu_list *cpus)
{
    char *text CLEANUP(cleanup_free) = NULL;
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    cpu_list_print(cpus, out);
    text = text_stream_take(&stream);
    return text != NULL ? json_string(text) : NULL;
}

uint64_t document_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static json_t *make_configuration(const struct control_report *report)
{
    json_t *object = json_pack("{sososososbso}", "generation", json_uint(report->generation),
                               "loaded_at", json_uint((uint64_t)report->loaded_at), "files",
                               make_files(&report->loaded->files), "rules",
                               json_uint(report->loaded->ruleset->rule_count), "can_go_back",
                               report->can_go_back, "policy",
                               json_string(policy_name(report->loaded->config->main.policy)));

    if (report->file != NULL)
        json_object_set_new(object, "file", json_text(report->file));
    if (report->to_confirm)
        json_object_set_new(object, "confirm_seconds", json_uint(report->confirm_seconds));
    return object;
}

static json_t *make_packets(const struct path_counters *counters)
{
    return json_pack("{sososososososososososososo}", "in", json_uint(counters->in), "in_bytes",
                     json_uint(counters->in_bytes), "out", json_uint(counters->out), "out_bytes",
                     json_uint(counters->out_bytes), "generated", json_uint(counters->generated),
                     "edited", json_uint(counters->edited), "malformed_passed",
                     json_uint(counters->malformed_passed), "ttl_255", json_uint(counters->ttl_255),
                     "split", json_uint(counters->split), "gso_refused",
                     json_uint(counters->gso_refused), "merged", json_uint(counters->merged),
                     "handed_over", json_uint(counters->handed_over), "parked",
                     json_uint(counters->parked));
}

static json_t *make_rates(const struct control_rates *rates)
{
    return json_pack("{sosososo}", "in_packets", json_uint(rates->in), "in_bits",
                     json_uint(rates->in_bytes * 8), "out_packets", json_uint(rates->out),
                     "out_bits", json_uint(rates->out_bytes * 8));
}

/* The devices whose traffic alone is diverted; none: that of all. */
static json_t *make_interfaces(const struct config_divert *divert)
{
    json_t *array = json_array();

    for (size_t i = 0; i < divert->interface_count; i++)
        json_array_append_new(array, json_text(divert->interfaces[i]));
    return array;
}

static json_t *make_flows(const struct control_report *report)
{
    const struct control_flow_totals *flows = &report->flows;

    return json_pack("{sosososososososo}", "count", json_uint(flows->count), "max",
                     json_uint(flows->max), "translated", json_uint(flows->translated),
                     "memory_bytes", json_uint(flows->memory_bytes), "added",
                     json_uint(flows->counters.added), "ended", json_uint(flows->counters.ended),
                     "displaced", json_uint(flows->counters.displaced), "refused",
                     json_uint(flows->counters.refused));
}

json_t *document_status(const struct control_report *report)
{
    const struct config *config = report->loaded->config;
    json_t *document;

    document = json_pack("{sssososisosososososososososo}", "version", report->version, "started",
                         json_uint((uint64_t)report->started), "uptime_seconds",
                         json_real((double)(report->now_ns - report->started_ns) / 1e9), "pid",
                         (int)getpid(), "configuration", make_configuration(report), "device",
                         json_text(config->tun.name), "directions",
                         make_directions(config->divert.directions), "interfaces",
                         make_interfaces(&config->divert), "packets",
                         make_packets(&report->counters), "rates", make_rates(&report->rates),
                         "drops", make_drops(&report->counters), "tun_tx_dropped",
                         json_uint(report->tun_tx_dropped), "offload", make_offload(report),
                         "memory_bytes", json_uint(document_resident_bytes()));
    if (!cpu_list_is_empty(report->rps) && document != NULL)
        json_object_set_new(document, "rps", make_rps(report->rps));
    if (report->follows_flows && document != NULL)
        json_object_set_new(document, "flows", make_flows(report));
    return document;
}
