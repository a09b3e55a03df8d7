/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Announces news of the diversion in the log and in the service's status.
 *
 * Whoever keeps changing routing could fill the log with it, so entries are limited as a whole;
 * what was kept back is counted by the next one.
 */
#ifndef IPMODD_DAEMON_ANNOUNCE_H
#define IPMODD_DAEMON_ANNOUNCE_H

#include "engine.h"
#include "ipmodd/log/limit.h"

struct announcer {
    struct log_limit limit;
    bool told_lost; /* the last word about the device was that it is gone */
};

struct announcer announcer_make(void);

/* What NEWS of ENGINE's diversion tell. */
void announcer_tell(struct announcer *announcer, const struct engine *engine,
                    const struct divert_news *news);

/* The diversion failed to look after itself. */
void announcer_tell_failure(struct announcer *announcer, const struct engine *engine);

#endif
