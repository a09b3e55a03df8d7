/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps events that repeat from filling the log. */
#include "ipmodd/log/limit.h"

struct log_limit log_limit_make(uint64_t burst, uint64_t interval_ns)
{
    return (struct log_limit){.bucket = bucket_make(1, interval_ns, burst)};
}

bool log_limit_take(struct log_limit *limit, uint64_t now_ns, uint64_t *ret_suppressed)
{
    if (!bucket_take(&limit->bucket, now_ns)) {
        limit->suppressed++;
        return false;
    }
    *ret_suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
