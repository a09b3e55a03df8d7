/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents: a report of the daemon as JSON. Each returns an object of its own, or NULL without
 * memory.
 */
#ifndef IPMODD_CONTROL_DOCUMENTS_H
#define IPMODD_CONTROL_DOCUMENTS_H

#include "ipmodd/control/commands.h"

/* Bytes that the process has in memory; 0 when the kernel does not tell. */
uint64_t document_resident_bytes(void);

json_t *document_status(const struct control_report *report);
json_t *document_metrics(const struct control_report *report);

/* How figures are written: as OpenMetrics 1.0.0, or in the text format 0.0.4 of Prometheus. */
enum metrics_format {
    METRICS_OPENMETRICS,
    METRICS_PLAIN,
    METRICS_FORMAT_COUNT,
};

/* Owned by the caller, *RET_LENGTH bytes; NULL without memory. */
char *document_metrics_text(const struct control_report *report, enum metrics_format format,
                            size_t *ret_length);

json_t *document_flows(const struct control_flows *flows, const struct ruleset *ruleset,
                       uint64_t now_ns);
json_t *document_flushed(const struct control_flows *flows);

/* What translates a packet, as document_flows() has it of the flow. */
json_t *document_translation(const struct watch_translation *translation,
                             const struct ruleset *ruleset);
json_t *document_rules(const struct control_report *report);

#endif
