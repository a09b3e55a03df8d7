/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Token bucket as a virtual scheduling time. */
#include "ipmodd/base/bucket.h"

#include <assert.h>

struct bucket bucket_make(uint64_t rate, uint64_t period_ns, uint64_t burst)
{
    uint64_t interval_ns;

    assert(rate > 0 && period_ns > 0 && burst > 0);
    interval_ns = period_ns / rate;
    if (interval_ns == 0)
        interval_ns = 1;
    return (struct bucket){
        .interval_ns = interval_ns,
        .tolerance_ns = (burst - 1) * interval_ns,
    };
}

bool bucket_take(struct bucket *bucket, uint64_t now_ns)
{
    if (bucket->arrival_ns > now_ns && bucket->arrival_ns - now_ns > bucket->tolerance_ns)
        return false;
    if (bucket->arrival_ns < now_ns)
        bucket->arrival_ns = now_ns;
    bucket->arrival_ns += bucket->interval_ns;
    return true;
}
