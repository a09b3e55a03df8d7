/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures: copies of packets that rules with `capture` see, in a ring that a writer drains.
 *
 * For each packet that such a rule holds for, the path copies the packet as the rule found it and,
 * if the rule changed it, once more as the rule left it, with the same id. Checksums are made true
 * before a copy, except those that are left to the kernel; a super-packet is one packet.
 *
 * A record is whole: it carries the names and settings of its rule, so that nothing of a ruleset
 * has to outlive it. The ring has a fixed size and is allocated with its path; the path never
 * waits. What finds no room is counted, and the record behind the gap says how much was lost. One
 * thread fills the ring, that of the path, and one drains it, as with events (event.h).
 */
#ifndef IPMODD_DATAPATH_CAPTURE_H
#define IPMODD_DATAPATH_CAPTURE_H

#include "ipmodd/datapath/packet.h"

#include <stdatomic.h>

enum {
    CAPTURE_NAME_MAX = 63,
    CAPTURE_WHAT_MAX = 255,
    CAPTURE_RING_BYTES = 8 * 1024 * 1024,
};

/* `capture` of a rule. */
struct rule_capture {
    char *name; /* of the capture; several rules may share it, with the same size and files */
    uint64_t file_size;   /* bytes of a file at most */
    uint32_t files;       /* of the capture at most */
    uint32_t snap_length; /* bytes of a packet that are copied at most */
    char *what;           /* the rule and its actions in words: "rule voice: set-dscp = ef" */
};

enum capture_stage {
    CAPTURE_ONLY,   /* the rule left the packet as it was */
    CAPTURE_BEFORE, /* as the rule found it; CAPTURE_AFTER follows, unless that was lost */
    CAPTURE_AFTER,
};

struct capture_record {
    size_t size;   /* of the record in the ring */
    bool is_space; /* not a record: the rest of the ring, in which none fitted */
    enum capture_stage stage;
    enum direction direction;
    enum fate fate;     /* what the rule decided; with CAPTURE_BEFORE not known */
    enum reason reason; /* with FATE_DROP */
    uint64_t time_ns;   /* since 1970-01-01 00:00 UTC */
    uint64_t id;        /* counts up on each path */
    size_t lost;        /* records that found no room since the one before */
    size_t length;      /* of the packet */
    size_t captured;    /* bytes of it at `data` */
    size_t segments;    /* wire packets that it stands for */
    uint64_t file_size; /* as in struct rule_capture */
    uint32_t files;
    char name[CAPTURE_NAME_MAX + 1];
    char what[CAPTURE_WHAT_MAX + 1];
    uint8_t data[];
};

/* Positions count up for ever, as in struct event_ring. */
struct capture_ring {
    uint8_t *memory;  /* CAPTURE_RING_BYTES, owned */
    size_t claimed;   /* behind what is being filled */
    size_t lost_told; /* what records have said of `lost` so far */
    _Alignas(64) atomic_size_t pushed;
    atomic_size_t lost;
    _Alignas(64) atomic_size_t popped;
    size_t lent; /* size of the record at `popped`, which the caller of capture_ring_pop() has */
};

/* 0 or -ENOMEM. The memory is touched only as far as it is used. */
int capture_ring_init(struct capture_ring *ring);
void capture_ring_clear(struct capture_ring *ring);

/*
 * For the side that fills: a record with room for DATA bytes and its `lost` set, or NULL when there
 * is none (counted). Several may be claimed; the other side sees them all at once when they are
 * pushed.
 */
struct capture_record *capture_ring_claim(struct capture_ring *ring, size_t data);
void capture_ring_push(struct capture_ring *ring);

/* For the side that drains: the oldest record, valid until the next call; NULL without one. */
const struct capture_record *capture_ring_pop(struct capture_ring *ring);

/* For either. */
bool capture_ring_is_empty(const struct capture_ring *ring);
size_t capture_ring_lost(const struct capture_ring *ring);

/* Frees what CAPTURE owns and CAPTURE; NULL is allowed. */
void rule_capture_free(struct rule_capture *capture);

#endif
