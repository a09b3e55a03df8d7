/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of one capture: formatting, buffering, rotation, and what happens when that fails.
 *
 * Invariant: the first `size` bytes of the file are whole blocks. What of the next one could be
 * written is cut off again, and the packets that are missing are counted as lost. A file that
 * cannot be begun is tried again a second later and leaves no trace; older files move only when
 * there is a file to be moved, so failing repeatedly loses none of them.
 */
#ifndef IPMODD_CAPTURE_FILE_H
#define IPMODD_CAPTURE_FILE_H

#include "ipmodd/capture/captures.h"

enum { CAPTURE_BUFFER = 256 * 1024 };

/* Where files of captures go. */
struct capture_place {
    char *directory;
    char *interface;
    int fd; /* of the directory; -1: not opened yet */
};

struct capture_file {
    struct capture_state state;
    int fd; /* -1: not open */
    uint64_t size;
    uint64_t retry_ns;      /* not to be opened before; CLOCK_MONOTONIC */
    size_t pending;         /* bytes of the buffer in use */
    size_t pending_packets; /* in them */
    uint8_t buffer[CAPTURE_BUFFER];
};

/* Nothing is opened yet; NULL without memory. */
struct capture_file *capture_file_new(const char *name);

/*
 * Puts RECORD, a packet with ID, into the buffer or the file, or counts it as lost. NOW_NS:
 * CLOCK_MONOTONIC.
 */
void capture_file_add(struct capture_file *file, struct capture_place *place,
                      const struct capture_record *record, uint64_t id, uint64_t now_ns);

/* Writes the buffer. */
void capture_file_flush(struct capture_file *file);

/* Writes the buffer and closes; the next record begins a new file. */
void capture_file_close(struct capture_file *file);

#endif
