/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where entries go. No call waits: what cannot be taken at once is refused with -EAGAIN or the
 * -errno of the attempt, and the caller counts it as lost.
 */
#ifndef IPMODD_LOG_TARGET_H
#define IPMODD_LOG_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/* Whether descriptor FD is the stream that JOURNAL_STREAM names ("DEVICE:INODE"). */
bool stream_is_journal(int fd, const char *journal_stream);

/* A socket connected to journald at PATH, close-on-exec, owned by the caller; or -errno. */
int journal_connect(const char *path);

/* One datagram. 0 or -errno. */
int journal_send(int fd, const void *bytes, size_t length);

/* One line on FD, line end added. 0 or -errno; a line is written whole or, to a reader that goes
 * away in between, in part. */
int stream_send(int fd, const char *line);

#endif
