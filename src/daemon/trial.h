/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trial: a configuration that goes again unless somebody says in time that it may stay.
 *
 * Who steers a host over the network that a rule has just cut off cannot take the rule back. So the
 * configuration from before is kept whole, and a timer of the kernel waits for the confirmation: it
 * needs neither the connection nor the files that were there before.
 *
 * One configuration is kept, also when there is nothing to confirm. Whatever is loaded during a
 * trial belongs to it: the one that is kept stays that from before the trial.
 *
 * The descriptor is for the loop of the main thread. This decides nothing and logs nothing.
 */
#ifndef IPMODD_DAEMON_TRIAL_H
#define IPMODD_DAEMON_TRIAL_H

#include "ipmodd/rules/load.h"

struct trial {
    struct loaded previous; /* to go back to; without a config there is none */
    int deadline_fd;        /* a timerfd, readable when the time is over */
    uint64_t deadline_ns;   /* monotonic; 0: there is nothing to confirm */
};

/* 0 or -errno. Close it also after a failure. */
int trial_open(struct trial *trial);
void trial_close(struct trial *trial);

bool trial_is_pending(const struct trial *trial);

/* Seconds until the deadline, rounded up; 0 when it is over or nothing is to be confirmed. */
unsigned trial_seconds_left(const struct trial *trial);

/* Takes over OLD, which was in force until now. */
void trial_keep(struct trial *trial, struct loaded *old);

/* What is in force is to be confirmed within SECONDS from now on. */
void trial_begin(struct trial *trial, unsigned seconds);

/* The descriptor becomes readable again in SECONDS; the deadline stays over. */
void trial_retry(struct trial *trial, unsigned seconds);

/* There is nothing to confirm any more. */
void trial_end(struct trial *trial);

#endif
