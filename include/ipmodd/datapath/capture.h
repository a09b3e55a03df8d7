/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures: copies of packets that rules with `capture` see, in a ring that a writer drains.
 *
 * For each packet that such a rule holds for, the path copies the packet as the rule found it and,
 * if the rule changed it, once more as the rule left it, with the same id. Checksums are made true
 * before a copy, except those that are left to the kernel; a super-packet is one packet.
 *
 * A record is whole: it carries the names and settings of its rule, so that nothing of a ruleset
 * has to outlive it. The ring (record_ring.h) is allocated with its path.
 */
#ifndef IPMODD_DATAPATH_CAPTURE_H
#define IPMODD_DATAPATH_CAPTURE_H

#include "ipmodd/datapath/packet.h"
#include "ipmodd/datapath/record_ring.h"

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
    struct record record;
    enum capture_stage stage;
    enum direction direction;
    enum fate fate;     /* what the rule decided; with CAPTURE_BEFORE not known */
    enum reason reason; /* with FATE_DROP */
    uint64_t time_ns;   /* since 1970-01-01 00:00 UTC */
    uint64_t id;        /* counts up on each path */
    size_t length;      /* of the packet */
    size_t captured;    /* bytes of it at `data` */
    size_t segments;    /* wire packets that it stands for */
    uint64_t file_size; /* as in struct rule_capture */
    uint32_t files;
    char name[CAPTURE_NAME_MAX + 1];
    char what[CAPTURE_WHAT_MAX + 1];
    uint8_t data[];
};

/* Frees what CAPTURE owns and CAPTURE; NULL is allowed. */
void rule_capture_free(struct rule_capture *capture);

#endif
