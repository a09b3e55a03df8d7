/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells of packets that were lost without a rule's doing. */
#include "losses.h"

#include "ipmodd/log/fields.h"

#include <inttypes.h>

#define OVERRUN_INTERVAL_NS   UINT64_C(30000000000)
#define MALFORMED_INTERVAL_NS UINT64_C(10000000000)

struct losses losses_make(void)
{
    struct losses losses = {.overrun.limit = log_limit_make(1, OVERRUN_INTERVAL_NS)};

    for (enum reason i = 0; i <= REASON_LAST_MALFORMED; i++)
        losses.malformed[i].limit = log_limit_make(1, MALFORMED_INTERVAL_NS);
    return losses;
}

/* How many of COUNT are to be told now, and are taken for told; 0 = none, or it is too early. */
static uint64_t take(struct loss *loss, uint64_t count, uint64_t now_ns)
{
    uint64_t suppressed;
    uint64_t fresh;

    if (count < loss->told)
        loss->told = 0; /* a counter of the device, which was made again */
    fresh = count - loss->told;
    if (fresh == 0 || !log_limit_take(&loss->limit, now_ns, &suppressed))
        return 0;
    loss->told = count;
    return fresh;
}

static void tell_overrun(uint64_t count, const char *device)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_DEVICE", "%s", device);
    log_fields_add(&fields, "IPMODD_PACKETS", "%" PRIu64, count);
    log_write(LEVEL_WARNING, LOG_ID_TUN_OVERRUN, &fields,
              "%" PRIu64 " packets were lost because the queue of %s was full: more come than "
              "can be treated",
              count, device);
}

static void tell_malformed(uint64_t count, enum reason reason)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_REASON", "%s", reason_name(reason));
    log_fields_add(&fields, "IPMODD_PACKETS", "%" PRIu64, count);
    log_fields_add(&fields, "IPMODD_SUPPRESSED", "%" PRIu64, count - 1);
    if (count == 1)
        log_write(LEVEL_WARNING, LOG_ID_MALFORMED, &fields, "a malformed packet was dropped: %s",
                  reason_name(reason));
    else
        log_write(LEVEL_WARNING, LOG_ID_MALFORMED, &fields,
                  "a malformed packet was dropped: %s, and %" PRIu64 " more since the last entry",
                  reason_name(reason), count - 1);
}

bool losses_tell(struct losses *losses, const struct path_counters *counters, uint64_t tx_dropped,
                 const char *device, uint64_t now_ns)
{
    uint64_t count = take(&losses->overrun, tx_dropped, now_ns);
    bool is_left;

    if (count > 0)
        tell_overrun(count, device);
    is_left = tx_dropped != losses->overrun.told;
    for (enum reason i = 0; i <= REASON_LAST_MALFORMED; i++) {
        count = take(&losses->malformed[i], counters->drops[i], now_ns);
        if (count > 0)
            tell_malformed(count, i);
        is_left |= counters->drops[i] != losses->malformed[i].told;
    }
    return is_left;
}
