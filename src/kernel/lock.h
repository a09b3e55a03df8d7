/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks against a second instance.
 *
 * An instance is a network namespace and a tun name. Two of one namespace must not share the name,
 * the table or the divert priority either: they would take each other's rules and routes for their
 * own. One alone in a namespace may divert what comes in, since the rules for that name devices,
 * and order those of the kernel. Each lock has a file netns-INODE-WHAT.lock in $RUNTIME_DIRECTORY
 * or /run/ipmodd, locked by flock(2) as long as the process lives and removed at a clean end.
 */
#ifndef IPMODD_KERNEL_LOCK_H
#define IPMODD_KERNEL_LOCK_H

#include "kernel/fault.h"

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOCK_PATH = 256 };

/* Whose rules and routes are whose, among those with our protocol number. */
struct instance {
    char tun[IFNAMSIZ];
    uint32_t table;
    uint32_t divert_priority;
    bool inbound; /* and all that diverts what comes in */
};

/* Whether both have the same table and priority, so that the rules of one are the other's. */
bool instance_same_place(const struct instance *a, const struct instance *b);

enum lock_kind {
    LOCK_TUN,
    LOCK_TABLE,
    LOCK_PRIORITY,
    LOCK_INBOUND, /* held only while something needs it; see ledger_claim_inbound() */
    LOCK_COUNT,
};

/* Where locks and ledgers stand; making it, writable for what this process will be. 0 or -errno. */
const char *lock_directory(char text[static PATH_MAX]);
int lock_make_directory(const char *directory);

/* The file of a lock, with room for another ending. 0 or -errno. */
int lock_path(const struct instance *instance, enum lock_kind which, char path[static LOCK_PATH]);

/* 0 with the locked descriptor, -EBUSY if another process has it, or another -errno. */
int lock_try(const struct instance *instance, enum lock_kind which, int *ret_fd);

/* The same with FAULT set, for one that is needed; waits for a process that is just ending. */
int lock_take(const struct instance *instance, enum lock_kind which, int *ret_fd,
              struct fault *fault);

/* Removes the file and unlocks *FD, which is -1 then; nothing if it was so before. */
void lock_drop(const struct instance *instance, enum lock_kind which, int *fd);

#endif
