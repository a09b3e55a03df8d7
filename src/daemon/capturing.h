/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capturing: the files of rules with `capture` in the life of the daemon: where they are, when they
 * are written, and what the log says of them.
 */
#ifndef IPMODD_DAEMON_CAPTURING_H
#define IPMODD_DAEMON_CAPTURING_H

#include "ipmodd/capture/captures.h"
#include "ipmodd/log/limit.h"
#include "mover.h"

struct capturing {
    struct captures *captures;
    struct log_limit losses;
    uint64_t lost_told;
};

/*
 * What rules capture will be written below $STATE_DIRECTORY, which systemd sets, or
 * /var/lib/ipmodd, as packets of DEVICE. Nothing runs yet. 0 or -errno.
 */
int capturing_open(struct capturing *capturing, const char *device);

/* What rules capture on MOVER's path is part of it; before capturing_follow(). */
void capturing_add_mover(struct capturing *capturing, struct mover *mover);

/* RULESET is in force; privileges are given up. A failure is logged. */
void capturing_follow(struct capturing *capturing, const struct ruleset *ruleset);

/*
 * Writes an entry about what captures lost since the last one, but not too often. True when
 * something is left to be told later.
 */
bool capturing_tell_losses(struct capturing *capturing, uint64_t now_ns);

/* An entry for each capture that has files. */
void capturing_log_statistics(struct capturing *capturing);

/*
 * Writes what is left and ends; safe from any state. -ETIMEDOUT, which is logged, when the disk
 * does not answer: then the paths have to stay until the process ends.
 */
int capturing_close(struct capturing *capturing);

#endif
