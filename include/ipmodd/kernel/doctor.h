/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doctor: what on this host keeps a diversion from doing what its configuration says, and the
 * command that mends it.
 *
 * One record a check in a table (doctor/table.c), asked in the order in which a packet would meet
 * what it looks at. The checks read the host as divert_start() does (devices, settings, main table,
 * rules, netfilter of others) and change nothing. Some can only be answered for a running daemon:
 * what that tells of itself is handed in, since talking to it is not this folder's business.
 *
 * What cannot be known, for want of privileges or of a program, is a finding too.
 */
#ifndef IPMODD_KERNEL_DOCTOR_H
#define IPMODD_KERNEL_DOCTOR_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/offload.h"

enum finding_level {
    FINDING_OK,      /* looked at, nothing to mend */
    FINDING_NOTE,    /* good to know; nothing is wrong with it */
    FINDING_UNKNOWN, /* could not be looked at */
    FINDING_WARNING, /* something will not work for some packets */
    FINDING_ERROR,   /* nothing will work */
    FINDING_LEVEL_COUNT,
};

/* "ok", "note", "unknown", "warning", "error". */
const char *finding_level_name(enum finding_level level);

struct finding {
    const char *name; /* of the check; static */
    enum finding_level level;
    char *text; /* owned */
    char *mend; /* a command, or `[section] key = value`; owned, NULL = nothing to do */
};

/* Zeroed when empty. */
struct findings {
    struct finding *items;
    size_t count;
};

/* Adds one; MEND may be NULL. 0 or -ENOMEM. */
int findings_add(struct findings *findings, const char *name, enum finding_level level,
                 const char *mend, const char *format, ...) __attribute__((format(printf, 5, 6)));
void findings_clear(struct findings *findings);

/* What a daemon tells of itself; zeroed when there is none to ask. */
struct doctor_daemon {
    bool answers;
    uint64_t ttl_255;       /* packets that left with 254 */
    uint64_t queue_dropped; /* packets that found the queue of the device full */
    unsigned offload;       /* 1u << enum offload_class of those in use */
    uint64_t offload_refused[OFFLOAD_CLASS_COUNT];
};

/*
 * Looks at everything; at least one finding a check is added to FINDINGS. 0, or -errno when not
 * even the devices of this host can be read: then RET_WHY, static, says which step failed.
 */
int doctor_examine(const struct config *config, const struct doctor_daemon *daemon,
                   struct findings *findings, const char **ret_why);

/*
 * Why an echo request from SOURCE, written into the tun device of CONFIG by a daemon that runs,
 * gets no answer back to the device. As above, with checks of its own.
 */
int doctor_examine_ping(const struct config *config, const struct ip_addr *source,
                        struct findings *findings, const char **ret_why);

#endif
