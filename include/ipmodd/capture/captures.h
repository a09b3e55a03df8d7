/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures: the thread that writes what rules captured to pcapng files.
 *
 * Packet paths put copies into rings (datapath/capture.h); this thread empties them into one file
 * for each capture. A disk may make it wait as long as it likes: paths never do, their rings fill
 * up and count. What a full disk does not take is counted here, and the file is cut back to its
 * last whole packet, so that it can be read at any time; after a crash its last block may be torn.
 *
 * Files are DIRECTORY/NAME.pcapng and, older ones, NAME.pcapng.1, .2 …; a new one begins when the
 * next packet would make it larger than it may be, and at the first packet after a start, and the
 * oldest one goes. They have mode 0640 and are never synced.
 *
 * The thread starts with the first capture that is asked for and ends with captures_stop(). All
 * functions but captures_wake() are for one thread, the one that loads rules.
 */
#ifndef IPMODD_CAPTURE_CAPTURES_H
#define IPMODD_CAPTURE_CAPTURES_H

#include "ipmodd/datapath/ruleset.h"

struct captures;

/*
 * DIRECTORY (absolute) is made at the first packet if it is missing. INTERFACE is the name that
 * files give. Both are copied. 0, or -errno.
 */
int captures_new(const char *directory, const char *interface, struct captures **ret_captures);

/* RING, one of QUEUES_MAX at most, will be emptied; it outlives the captures, and the thread has
 * not started yet. */
void captures_add_ring(struct captures *captures, struct record_ring *ring);

/*
 * RULESET is in force on all paths: files of captures that it does not name are closed when what
 * was captured for them is written. Starts the thread if there is work for it. 0, or -errno.
 */
int captures_follow(struct captures *captures, const struct ruleset *ruleset);

/*
 * For the thread that fills RING, once a batch: has it emptied if something is in it. Never waits,
 * and touches nothing that other threads write while RING is empty.
 */
void captures_wake(struct captures *captures, const struct record_ring *ring);

/* What became of one capture since the start. */
struct capture_state {
    char name[CAPTURE_NAME_MAX + 1];
    uint64_t packets; /* that were written, and their bytes in the file */
    uint64_t bytes;
    uint64_t lost; /* records that could not be written */
    int error;     /* errno of the last failure; 0: none */
};

/* The capture with number INDEX, from 0 on; false when there are no more. */
bool captures_state(struct captures *captures, size_t index, struct capture_state *ret_state);

/* Records that found a ring full, or no memory. */
uint64_t captures_overflow(const struct captures *captures);

/*
 * Writes what the rings have, closes all files and frees CAPTURES, which may be NULL. -ETIMEDOUT
 * when the disk did not let that happen within TIMEOUT_MS: then thread and memory are left behind
 * for the end of the process, and so must the rings be.
 */
int captures_stop(struct captures *captures, unsigned timeout_ms);

#endif
