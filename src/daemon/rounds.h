/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds: what is looked at about once a second while packets come.
 *
 * Log entries of rules that no notice told of, flows that have had their time, the rates of the
 * moment, and what was lost without a rule's doing. An idle process makes none.
 */
#ifndef IPMODD_DAEMON_ROUNDS_H
#define IPMODD_DAEMON_ROUNDS_H

#include "engine.h"
#include "losses.h"
#include "service.h"

#include <stdbool.h>
#include <stdint.h>

struct rounds {
    struct engine *engine;   /* borrowed, as the next */
    struct service *service; /* that is told of the counters */
    struct losses losses;
    uint64_t tx_dropped; /* of the device, as last read */
};

struct rounds rounds_make(struct engine *engine, struct service *service);

/* Makes a round. True when something is left to be told: another one is then to follow. */
bool rounds_go(struct rounds *rounds);

#endif
