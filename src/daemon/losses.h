/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Losses that no rule asked for, told in the log: packets that found the device's queue full, and
 * malformed ones by what is wrong with them.
 *
 * They can come at any rate, so each kind has an entry at once and then one in a while, with the
 * number of packets since the one before. Nothing stays untold: as long as something is left, the
 * caller is to come again.
 */
#ifndef IPMODD_DAEMON_LOSSES_H
#define IPMODD_DAEMON_LOSSES_H

#include "ipmodd/datapath/path.h"
#include "ipmodd/datapath/reason.h"
#include "ipmodd/log/limit.h"

/* One kind of loss: what its counter was when it was last told. */
struct loss {
    struct log_limit limit;
    uint64_t told;
};

struct losses {
    struct loss overrun;
    struct loss malformed[REASON_LAST_MALFORMED + 1]; /* by reason */
};

struct losses losses_make(void);

/*
 * Writes entries about what has been lost since the last ones. COUNTERS are the packet path's,
 * TX_DROPPED that of DEVICE, NOW_NS monotonic. True when something is left to be told later.
 */
bool losses_tell(struct losses *losses, const struct path_counters *counters, uint64_t tx_dropped,
                 const char *device, uint64_t now_ns);

#endif
