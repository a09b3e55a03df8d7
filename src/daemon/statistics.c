/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the counters to the log. */
#include "statistics.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"
#include "totals.h"

#include <errno.h>
#include <inttypes.h>

static void log_totals(const struct path_counters *counters, uint64_t tun_tx_dropped)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_IN_PACKETS", "%" PRIu64, counters->in);
    log_fields_add(&fields, "IPMODD_IN_BYTES", "%" PRIu64, counters->in_bytes);
    log_fields_add(&fields, "IPMODD_OUT_PACKETS", "%" PRIu64, counters->out);
    log_fields_add(&fields, "IPMODD_OUT_BYTES", "%" PRIu64, counters->out_bytes);
    log_fields_add(&fields, "IPMODD_GENERATED", "%" PRIu64, counters->generated);
    log_fields_add(&fields, "IPMODD_EDITED", "%" PRIu64, counters->edited);
    log_fields_add(&fields, "IPMODD_MALFORMED_PASSED", "%" PRIu64, counters->malformed_passed);
    log_fields_add(&fields, "IPMODD_TTL_255", "%" PRIu64, counters->ttl_255);
    log_fields_add(&fields, "IPMODD_UNDECIDED", "%" PRIu64, counters->undecided);
    log_fields_add(&fields, "IPMODD_SPLIT", "%" PRIu64, counters->split);
    log_fields_add(&fields, "IPMODD_GSO_REFUSED", "%" PRIu64, counters->gso_refused);
    log_fields_add(&fields, "IPMODD_MERGED", "%" PRIu64, counters->merged);
    log_fields_add(&fields, "IPMODD_HANDED_OVER", "%" PRIu64, counters->handed_over);
    log_fields_add(&fields, "IPMODD_PARKED", "%" PRIu64, counters->parked);
    log_fields_add(&fields, "IPMODD_FLOW_HITS", "%" PRIu64, counters->flow_hits);
    log_fields_add(&fields, "IPMODD_FLOW_MISSES", "%" PRIu64, counters->flow_misses);
    log_fields_add(&fields, "IPMODD_TUN_TX_DROPPED", "%" PRIu64, tun_tx_dropped);
    log_fields_add(&fields, "IPMODD_LOG_LOST", "%" PRIu64, log_lost());
    log_write(LEVEL_NOTICE, LOG_ID_STATISTICS, &fields,
              "in %" PRIu64 " packets %" PRIu64 " bytes, out %" PRIu64 " packets %" PRIu64
              " bytes, generated %" PRIu64 ", edited %" PRIu64 ", malformed-passed %" PRIu64
              ", ttl-255 %" PRIu64 ", undecided %" PRIu64 ", split %" PRIu64
              ", gso-refused %" PRIu64 ", merged %" PRIu64 ", handed-over %" PRIu64
              ", parked %" PRIu64 ", flow-hits %" PRIu64 ", flow-misses %" PRIu64
              ", tx-dropped %" PRIu64 ", log-lost %" PRIu64,
              counters->in, counters->in_bytes, counters->out, counters->out_bytes,
              counters->generated, counters->edited, counters->malformed_passed, counters->ttl_255,
              counters->undecided, counters->split, counters->gso_refused, counters->merged,
              counters->handed_over, counters->parked, counters->flow_hits, counters->flow_misses,
              tun_tx_dropped, log_lost());
}

static void log_rule(const struct rule *rule, const struct rule_counters *counters)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_RULE", "%s", rule->name);
    log_fields_add(&fields, "IPMODD_PACKETS", "%" PRIu64, counters->packets);
    log_fields_add(&fields, "IPMODD_BYTES", "%" PRIu64, counters->bytes);
    log_fields_add(&fields, "CONFIG_FILE", "%s", rule->file);
    log_fields_add(&fields, "CONFIG_LINE", "%u", rule->line);
    log_write(LEVEL_NOTICE, LOG_ID_STATISTICS, &fields,
              "rule %s: %" PRIu64 " packets %" PRIu64 " bytes", rule->name, counters->packets,
              counters->bytes);
}

static void log_drops(enum reason reason, uint64_t packets)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_REASON", "%s", reason_name(reason));
    log_fields_add(&fields, "IPMODD_PACKETS", "%" PRIu64, packets);
    log_write(LEVEL_NOTICE, LOG_ID_STATISTICS, &fields, "dropped %s: %" PRIu64 " packets",
              reason_name(reason), packets);
}

void statistics_log(struct engine *engine)
{
    const struct ruleset *ruleset = engine->loaded.ruleset;
    struct totals totals CLEANUP(totals_clear);
    struct log_fields fields = {.count = 0};

    if (totals_collect(&totals, engine) < 0) {
        log_fields_add(&fields, "ERRNO", "%d", ENOMEM);
        log_write(LEVEL_ERROR, LOG_ID_STATISTICS, &fields, "not enough memory for the statistics");
        return;
    }
    log_totals(&totals.counters, divert_tun_tx_dropped(engine->divert));
    for (size_t i = 0; i < ruleset->rule_count; i++)
        log_rule(&ruleset->rules[i], &totals.rules[i]);
    for (enum reason i = 0; i < REASON_COUNT; i++) {
        if (totals.counters.drops[i] > 0)
            log_drops(i, totals.counters.drops[i]);
    }
}
