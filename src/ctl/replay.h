/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ipmodctl replay` has to say when it is done. */
#ifndef IPMODD_CTL_REPLAY_H
#define IPMODD_CTL_REPLAY_H

#include "player.h"

/* How a replay ended. */
struct replay_end {
    bool complete;        /* the capture was read to its end */
    const char *incident; /* otherwise why not */
};

/* For people: what came and went, each rule in order, each reason that dropped a packet. */
void replay_report_print(const struct player *player, const struct replay_end *end, FILE *out);

/* The same as one JSON document on one line. 0 or -ENOMEM. */
int replay_report_print_json(const struct player *player, const struct replay_end *end, FILE *out);

#endif
