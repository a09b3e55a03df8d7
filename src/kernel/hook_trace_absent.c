/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Built without libnftables or libnl-nf-3: no packet can be followed. */
#include "ipmodd/kernel/hook_trace.h"

#include <errno.h>
#include <stdio.h>

int hook_trace_open(uint8_t proto, uint32_t cookie, struct hook_trace **ret_trace,
                    char why[static HOOK_TRACE_WHY])
{
    (void)proto;
    (void)cookie;
    (void)ret_trace;
    snprintf(why, HOOK_TRACE_WHY,
             "built without libnftables and libnl-nf-3, no packet can be "
             "followed through netfilter");
    return -EOPNOTSUPP;
}

int hook_trace_next(struct hook_trace *trace, int timeout_ms, struct hook_sight *ret_sight)
{
    (void)trace;
    (void)timeout_ms;
    (void)ret_sight;
    return -EOPNOTSUPP;
}

void hook_trace_close(struct hook_trace *trace)
{
    (void)trace;
}
