/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of struct divert, for the files that share it: divert.c (life), divert_claim.c (what
 * is free to be used), divert_reload.c, divert_undo.c (the way back), events.c (what a message
 * makes out of date), reconcile.c (making it right again).
 *
 * Work is noted as dirt and done in one go. The first event after a pause is acted on at once,
 * those that follow wait until a moment has passed that grows with the work, so a storm of changes
 * costs a bounded share of one processor. What could not be done is tried again with growing
 * delays.
 */
#ifndef IPMODD_KERNEL_DIVERT_STATE_H
#define IPMODD_KERNEL_DIVERT_STATE_H

#include "ipmodd/kernel/divert.h"
#include "kernel/apply.h"
#include "kernel/inspect.h"
#include "kernel/monitor.h"

/* What is out of date. */
enum {
    DIRT_HOST = 1u << 0,   /* devices, addresses, settings */
    DIRT_RULES = 1u << 1,  /* the list of rules */
    DIRT_MAIN = 1u << 2,   /* the main table as a whole */
    DIRT_TABLE = 1u << 3,  /* table N as a whole */
    DIRT_KEYS = 1u << 4,   /* the keys in divert->keys */
    DIRT_REPAIR = 1u << 5, /* something of ours was taken away */
    DIRT_ALL = DIRT_HOST | DIRT_RULES | DIRT_MAIN | DIRT_TABLE,
};

enum { KEYS_MAX = 4096 };

struct divert {
    struct config *config; /* owned */
    struct netlink *netlink;
    struct monitor monitor;
    struct tun tun;
    struct ledger ledger;
    struct snapshot snapshot;
    struct wanted wanted;
    struct host_view *view;
    struct inspect inspect;
    struct rps rps;
    struct fault fault;
    unsigned dirt;
    struct route_key keys[KEYS_MAX];
    size_t key_count;
    uint64_t not_before_ns; /* of the next reconcile */
    uint64_t retry_ns;      /* when to try again what failed; 0 = nothing failed */
    unsigned retry_ms;      /* the delay before that */
    uint64_t look_ns;       /* when to look at everything once more; 0 = nobody asked */
    uint64_t tx_dropped;    /* of tun0, when it was read last */
    uint32_t guards_told;   /* lowest priority of the guards that news told of */
    bool starting;          /* news of tun0's birth are no news */
};

/* What divert_error_text(NULL) shows: there is no object after a failed start. */
struct fault *divert_last_failure(void);

/* What follows gives 0, or -errno with divert->fault set. */

/* Whether the priorities and the tables of CONFIG that are not in use by this process are free. */
int divert_check_free(struct divert *divert, const struct config *config);

/* Inbound traffic has one owner. What a killed process left of it is for whoever starts next. */
int divert_claim_inbound(struct divert *divert, const struct config *config);

/* A first pass; what a running diversion would try again is a failure here. */
int divert_make(struct divert *divert);

/* What a killed process left with other numbers. */
int divert_remove_left(struct divert *divert);

/* Takes away everything of ours; goes on after a failure, and tries twice. */
int divert_undo(struct divert *divert);

/* What MESSAGE makes out of date. Always 0. */
int events_note(void *context, const struct nlmsghdr *message);

/* Does what is dirty. 0 or -errno (then everything is dirty, and due again after a delay). */
int reconcile(struct divert *divert, struct divert_news *news);

/* The apply context over the parts of DIVERT. */
struct apply divert_apply(struct divert *divert);

#endif
