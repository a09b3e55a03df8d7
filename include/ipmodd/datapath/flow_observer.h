/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow observer: one who is told what becomes of the flows of a table.
 *
 * It is told of a flow when its first packet has passed the rules and is to leave: only then is it
 * decided how it is translated. One of which nothing may leave is never told, however it ends. What
 * follows are the moments at which others would call it another flow than before: its first answer,
 * each state of a TCP connection, and its end with the reason for that. Packets as such are not
 * told; their numbers are in the flow.
 *
 * All calls come from the thread that works with the table, in the middle of its work: the observer
 * reads the flow that it is handed, and asks and changes nothing of the table. Without one there is
 * a test at each of those moments and none for other packets.
 */
#ifndef IPMODD_DATAPATH_FLOW_OBSERVER_H
#define IPMODD_DATAPATH_FLOW_OBSERVER_H

#include <stdint.h>

struct flow;

enum flow_change {
    FLOW_BEGINS,
    FLOW_CHANGES, /* its first answer, or another state of TCP */
    FLOW_ENDS,
    FLOW_CHANGE_COUNT,
};

/* Why a flow ends. */
enum flow_end {
    FLOW_END_TIMEOUT,   /* it was quiet for the time of its class */
    FLOW_END_CLOSED,    /* so was a TCP connection behind its end, or its tuples open another one */
    FLOW_END_FLUSHED,   /* somebody wanted it to */
    FLOW_END_DISPLACED, /* a new one needed its room, and nobody had answered it */
    FLOW_END_MOVED,     /* it was masqueraded, and its packets would leave from another address */
    FLOW_END_COUNT,
};

/* "new", "update", "end". */
const char *flow_change_name(enum flow_change change);

/* "timeout", "closed", "flushed", "displaced", "moved". */
const char *flow_end_name(enum flow_end end);

struct flow_event {
    enum flow_change change;
    enum flow_end end; /* with FLOW_ENDS */
    uint64_t now_ns;   /* monotonic, as times in the flow */
};

struct flow_observer {
    void *context; /* handed back in every call */
    /* FLOW, borrowed for the call, is as EVENT leaves it; at its end, as it was. */
    void (*tell)(void *context, const struct flow *flow, const struct flow_event *event);
};

#endif
