/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observer: one who looks on while a path works, to explain what became of a packet and why.
 *
 * The path calls it at the few moments at which a packet can be told apart from what it was, with
 * the packet as it is then. What happened between two calls follows from them: a rule that was not
 * announced did not match the packet as the call before left it, so nothing has to be recorded for
 * it, and nothing that costs a decision (a random number, a token) is ever done twice. Packets of a
 * batch come one after the other, each with all that is said of it.
 *
 * In production there is none, which is asked once a batch and costs nothing for a packet. An
 * observer changes nothing, and keeps no pointer into the packet.
 */
#ifndef IPMODD_DATAPATH_OBSERVER_H
#define IPMODD_DATAPATH_OBSERVER_H

#include "ipmodd/datapath/packet.h"

/* Every function is set. Rules are indices in the path's present ruleset. */
struct observer {
    void *context; /* handed back in every call */

    /* It was read: its bytes as they came. Of one that is handed over to another path (shards.h)
     * nothing more is said here. */
    void (*received)(void *context, const struct packet *packet);

    /*
     * It is what rules will see: a reply of a translated flow has its addresses back
     * (translation.h), which its checksums do not show yet, and no rule has acted. FAULT is what
     * parse.c has against it; without one, its direction, flow and, of a later fragment, first
     * fragment are found as far as they will be.
     */
    void (*arrived)(void *context, const struct packet *packet, enum reason fault);

    /* The rule matches, and has not acted. */
    void (*matched)(void *context, size_t rule, const struct packet *packet);

    /* The rule has acted; FATE_PENDING: the list goes on. */
    void (*acted)(void *context, size_t rule, const struct packet *packet);

    /*
     * SEGMENT goes on in place of the super-packet PACKET, as one of its `segments`, at the rule
     * that asked for the split; PACKET's fate is FATE_SPLIT. Said of each one before rules see it.
     */
    void (*split)(void *context, const struct packet *packet, const struct packet *segment);

    /* The rule that has acted gave rise to this answer. */
    void (*answered)(void *context, const struct packet *answer);

    /* It has met all rules and is to leave, and has the addresses that its flow gives it. */
    void (*translated)(void *context, const struct packet *packet);

    /*
     * The fate is decided and checksums are true again: with FATE_OUT, the bytes as they leave.
     * FATE_PARKED: it will arrive again, with PACKET_WAITED, and nothing more is said of it now.
     */
    void (*decided)(void *context, const struct packet *packet);
};

#endif
