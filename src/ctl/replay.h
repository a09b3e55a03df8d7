/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ipmodctl replay` has to say when it is done. */
#ifndef IPMODD_CTL_REPLAY_H
#define IPMODD_CTL_REPLAY_H

#include "explain_show.h"
#include "player.h"

/* How a replay ended. */
struct replay_end {
    bool complete;        /* the capture was read to its end */
    const char *incident; /* otherwise why not */
};

/*
 * What became of the packet of FRAME: its number, time and line, then what explain_print() says; as
 * JSON one object on one line. 0 or -ENOMEM.
 */
int replay_explain(const struct player *player, const struct frame *frame,
                   const struct explanation *told, bool json, FILE *out);

/* For people: what came and went, each rule in order, each reason that dropped a packet. */
void replay_report_print(const struct player *player, const struct replay_end *end, FILE *out);

/* The same as one JSON document on one line. 0 or -ENOMEM. */
int replay_report_print_json(const struct player *player, const struct replay_end *end, FILE *out);

#endif
