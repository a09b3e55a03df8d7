/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules with `log` saw, as entries of the log: one line for people, fields for programs. */
#ifndef IPMODD_DAEMON_REPORT_H
#define IPMODD_DAEMON_REPORT_H

#include "ipmodd/datapath/event.h"
#include "ipmodd/datapath/ruleset.h"
#include "ipmodd/log/limit.h"

/* What of the rings' losses has been told. */
struct reporter {
    struct log_limit loss;
    uint64_t lost_told;
};

struct reporter reporter_make(void);

/* Empties RING. */
void report_events(struct event_ring *ring);

/* Tells how many of all events, LOST since the start, found no room in their ring. */
void report_loss(struct reporter *reporter, uint64_t lost);

/* Room for the line about any event. */
enum { REPORT_TEXT = 512 };

/*
 * "rule NAME: drop out IP 192.0.2.1.4000 > 198.51.100.2.53: udp, ttl 64, length 60 (rule)" in TEXT,
 * which is returned.
 */
const char *report_format(const struct event *event, char text[static REPORT_TEXT]);

/* What the rule decided, in the words of ipmodd.conf(5): next, accept, drop, reject, reply. */
const char *report_verdict(const struct event *event);

#endif
