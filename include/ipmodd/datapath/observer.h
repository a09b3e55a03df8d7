/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observer: one who looks on while a path works, to explain what became of a packet and why.
 *
 * The path calls it at the few moments at which a packet can be told apart from what it was, with
 * the packet as it is then. What happened between two calls follows from them: a rule that was not
 * announced did not match the packet as the call before left it, so nothing has to be recorded for
 * it, and nothing that costs a decision (a random number, a token) is ever done twice.
 *
 * In production there is none, which costs one test for each rule that matches and two for each
 * packet. An observer changes nothing, and keeps no pointer into the packet.
 */
#ifndef IPMODD_DATAPATH_OBSERVER_H
#define IPMODD_DATAPATH_OBSERVER_H

#include "ipmodd/datapath/packet.h"

/* Every function is set. Rules are indices in the path's present ruleset. */
struct observer {
    void *context; /* handed back in every call */

    /* It was read and parsed; FAULT is what parse.c has against it, direction is not known yet. */
    void (*arrived)(void *context, const struct packet *packet, enum reason fault);

    /* The rule matches, and has not acted. */
    void (*matched)(void *context, size_t rule, const struct packet *packet);

    /* The rule has acted; FATE_PENDING: the list goes on. */
    void (*acted)(void *context, size_t rule, const struct packet *packet);

    /* The fate is decided and checksums are true again: with FATE_OUT, the bytes as they leave. */
    void (*decided)(void *context, const struct packet *packet);

    /* An answer that the batch gave rise to; after all packets of the batch. */
    void (*answered)(void *context, const struct packet *answer);
};

#endif
