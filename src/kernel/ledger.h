/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ledger: the settings of other devices that ipmodd changed, with what they were before.
 *
 * Old values would die with the process, so they stand in a file that is on disk (or in /run's
 * memory) before the first change. A restore writes back only what still has our value: what an
 * administrator set meanwhile stays. What is in the ledger already is never recorded again, so that
 * our own value cannot become "the original".
 *
 * The file stands beside the locks (lock.h) as netns-INODE-tun-NAME.state. Inode numbers are used
 * again; the state names the namespace's cookie too, and a file with another cookie is not ours.
 * Lines that make no sense are skipped: a damaged file must not keep the daemon from starting.
 *
 * The state also names the table and the priorities that are in use, so that what a killed process
 * left is found after its configuration changed, by whoever comes to sweep it away. During a move
 * to others it names both, and both are locked, until what was in the old place is gone. And while
 * the kernel's rule for table local is being moved (apply_inbound.c) it says so, with what that
 * rule was.
 */
#ifndef IPMODD_KERNEL_LEDGER_H
#define IPMODD_KERNEL_LEDGER_H

#include "kernel/fault.h"
#include "kernel/lock.h"
#include "kernel/sysctl.h"

#include <stdbool.h>
#include <stdio.h>

struct ledger_entry {
    struct setting ours;
    int32_t original;
};

enum { LEDGER_LEFT_MAX = 4 };

struct ledger {
    char path[LOCK_PATH]; /* "" = never written (plan, tests), or it could not be read */
    uint64_t cookie;      /* of the network namespace; 0 = the kernel tells none */
    struct instance instance;
    struct instance leaving; /* after a move, until ledger_left(); "" as name = none */
    struct instance left[LEDGER_LEFT_MAX]; /* by a killed process, until ledger_swept() */
    size_t left_count;
    struct ledger_entry *entries; /* in the order of the changes */
    size_t count;
    uint8_t local_protocol[FAMILY_COUNT]; /* of a rule for table local that is on the move; 0 = it
                                             is where it was */
    int locks[LOCK_COUNT];                /* -1 = not held */
    int leaving_locks[LOCK_COUNT];        /* -1 = not held, or `instance` has the same */
};

#define LEDGER_INIT ((struct ledger){.locks = {-1, -1, -1, -1}, .leaving_locks = {-1, -1, -1, -1}})

/*
 * Locks INSTANCE in this network namespace and reads what an earlier process left. -EBUSY while
 * another process has one of the three; otherwise 0 or -errno with FAULT set.
 */
int ledger_open(struct ledger *ledger, const struct instance *instance, struct fault *fault);

/*
 * Locks the table and priority of INSTANCE too; those held so far are being left from now on. Not
 * while others are. An error (-EBUSY: another process has them) changes nothing.
 */
int ledger_move(struct ledger *ledger, const struct instance *instance, struct fault *fault);

/* Turns a move round: what was being left is used, and the other is being left. */
void ledger_move_back(struct ledger *ledger);

/* Whether a move is not over. */
bool ledger_is_leaving(const struct ledger *ledger);

/* Ends a move: what was being left is gone, and others may have it. */
void ledger_left(struct ledger *ledger);

/*
 * Makes all that diverts what comes in ours, of a killed process too: with FAULT set where it is
 * needed, else only if nobody has it. 0, -EBUSY while another instance diverts what comes in, or
 * another -errno.
 */
int ledger_claim_inbound(struct ledger *ledger, struct fault *fault);
int ledger_try_inbound(struct ledger *ledger);
bool ledger_has_inbound(const struct ledger *ledger);
void ledger_leave_inbound(struct ledger *ledger);

/*
 * Notes that the rule for table local with PROTOCOL is about to be moved, or that it is back (0),
 * and makes that durable. 0 or -errno.
 */
int ledger_move_local(struct ledger *ledger, enum ip_family family, uint8_t protocol);

/* Makes the state file, so that a crash leaves it. 0 or -errno. */
int ledger_save(const struct ledger *ledger);

/* What a killed process left is gone, which is made durable. 0 or -errno. */
int ledger_swept(struct ledger *ledger);

/* Removes the files (the state only if nothing is recorded or left), unlocks, frees. */
void ledger_close(struct ledger *ledger);

/* The entry for a setting, or NULL. */
const struct ledger_entry *ledger_find(const struct ledger *ledger, enum ip_family family,
                                       const char *device, const char *name);

/* Whether CURRENT is what we wrote, so that it says nothing about what the host wants. */
bool ledger_made(const struct ledger *ledger, enum ip_family family, const char *device,
                 const char *name, int32_t current);

/* Notes that SETTING replaces ORIGINAL, and makes that durable. 0, or -errno with nothing noted. */
int ledger_record(struct ledger *ledger, const struct setting *setting, int32_t original);

/*
 * Takes entry INDEX out: the setting has its original value again, or is gone. A file that cannot
 * be written then, on a full disk, names one too many, and that one does not have our value.
 */
void ledger_forget(struct ledger *ledger, size_t index);

/* Appends ENTRY in memory alone. 0, -E2BIG or -ENOMEM. */
int ledger_add(struct ledger *ledger, const struct ledger_entry *entry);

/* The text form. Reading adds to LEDGER. 0 or -ENOMEM or -E2BIG. */
void ledger_write(const struct ledger *ledger, FILE *out);
int ledger_read(struct ledger *ledger, FILE *in);

#endif
