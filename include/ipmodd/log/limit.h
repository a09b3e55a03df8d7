/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rate limit for an event that can repeat: a burst goes through, then a few a minute, and what was
 * kept back is counted so that the next entry can say so.
 *
 * Time is handed in (monotonic, nanoseconds), as for every bucket (base/bucket.h).
 */
#ifndef IPMODD_LOG_LIMIT_H
#define IPMODD_LOG_LIMIT_H

#include "ipmodd/base/bucket.h"

struct log_limit {
    struct bucket bucket;
    uint64_t suppressed;
};

/* BURST entries at once, then one every INTERVAL_NS. */
struct log_limit log_limit_make(uint64_t burst, uint64_t interval_ns);

/* Whether to write now; then RET_SUPPRESSED is how many were kept back since the last one. */
bool log_limit_take(struct log_limit *limit, uint64_t now_ns, uint64_t *ret_suppressed);

#endif
