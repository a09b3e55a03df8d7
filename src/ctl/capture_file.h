/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reading (capture.c) and writing (capture_writer.c) of captures share. */
#ifndef IPMODD_CTL_CAPTURE_FILE_H
#define IPMODD_CTL_CAPTURE_FILE_H

#include "capture.h"

#include <pcap/pcap.h>
#include <sys/stat.h>

struct capture {
    pcap_t *pcap;
    enum link_type link_type;
    const char *name; /* borrowed */
    int fd;
    struct stat status;
    uint8_t magic[4]; /* the first bytes of the file, which name its format */
    size_t magic_size, magic_given;
    bool microseconds;
    uint64_t bytes_read; /* the magic left out */
    uint64_t frames;
};

/* Fills ERROR and returns -EINVAL. */
int capture_fail(struct capture_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
