/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters as log entries: totals, each rule in order, each reason that dropped a packet. */
#ifndef IPMODD_DAEMON_STATISTICS_H
#define IPMODD_DAEMON_STATISTICS_H

#include "ipmodd/datapath/path.h"

/* TUN_TX_DROPPED: what the full queue of the tun device dropped before we saw it. */
void statistics_log(const struct path *path, uint64_t tun_tx_dropped);

#endif
