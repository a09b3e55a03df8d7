/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures: pcap and pcapng files, read and written frame by frame through libpcap.
 *
 * Reading stops for good at the first fault; what came before it stands. Times are nanoseconds,
 * whatever the file has.
 */
#ifndef IPMODD_CTL_CAPTURE_H
#define IPMODD_CTL_CAPTURE_H

#include "link.h"

#include <time.h>

enum { CAPTURE_ERROR = 512 };

/* One sentence without a line end: what is wrong, and where. */
struct capture_error {
    char text[CAPTURE_ERROR];
};

/* A frame as it stands in a capture. */
struct frame {
    const uint8_t *bytes; /* valid until the next read */
    size_t captured;      /* how many of them there are */
    size_t length;        /* how many there were on the wire */
    struct timespec time; /* since 1970-01-01 00:00 UTC */
};

struct capture;

/* PATH, or "-" for standard input. 0; -EINVAL with ERROR filled. */
int capture_open(const char *path, struct capture **ret_capture, struct capture_error *error);

/* The same for what FD, which is taken over, reads from; NAME is for messages. */
int capture_open_fd(int fd, const char *name, struct capture **ret_capture,
                    struct capture_error *error);

/* NULL is allowed. */
void capture_close(struct capture *capture);
void capture_cleanup(struct capture **capture);

/* 1 with a frame, 0 at the end, -EINVAL at a fault with ERROR filled. */
int capture_next(struct capture *capture, struct frame *ret_frame, struct capture_error *error);

enum link_type capture_link_type(const struct capture *capture);
const char *capture_name(const struct capture *capture);

/* What part of the file has been read, 0 to 1; negative where that cannot be told. */
double capture_progress(const struct capture *capture);

/* Whether FD is open on the same file. */
bool capture_is_file(const struct capture *capture, int fd);

/* A capture being written. */
struct capture_writer;

/*
 * PATH, or "-" for standard output, for frames as those of LIKE: link type, snap length, which is
 * LARGEST bytes at least, and resolution of times (nanoseconds unless LIKE is a pcap file with
 * microseconds). A name that ends in .pcapng becomes one, always with nanoseconds; all others pcap.
 * A file that is there is overwritten. 0; -EINVAL with ERROR filled.
 */
int capture_writer_open(const char *path, const struct capture *like, int largest,
                        struct capture_writer **ret_writer, struct capture_error *error);

/* Whether what is written to FD stands among the frames: both are the same file or pipe. */
bool capture_writer_shares(const struct capture_writer *writer, int fd);

/* 0 or -ENOMEM; a failed write shows in capture_writer_close(). */
int capture_writer_put(struct capture_writer *writer, const struct frame *frame);

/* 0; -EINVAL with ERROR filled when not everything is in the file. NULL is allowed. */
int capture_writer_close(struct capture_writer *writer, struct capture_error *error);

#endif
