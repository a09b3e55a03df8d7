/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two live adapters share (read.c, write.c): each pass through the kernel takes one off
 * the TTL, and one of them gives it back. Of a packet that leaves this host that is the writer,
 * before the kernel takes it; of one that comes in the reader, since the kernel delivers it as it
 * is written.
 *
 * And the calls: those of the C library are cancellation points, for which glibc does two atomic
 * operations more in a process of several threads: of a small packet's 600 ns in read(2) they were
 * 50 (Linux 6.18, Xeon). No thread of this program is ever cancelled.
 */
#ifndef IPMODD_DATAPATH_LIVE_H
#define IPMODD_DATAPATH_LIVE_H

#include "ipmodd/base/addr.h"

#include <sys/types.h>
#include <sys/uio.h>

/* One more in the IP header at BYTES, which is below 255; its checksum stays as right as it was. */
void live_raise_ttl(uint8_t *bytes, enum ip_family family);

/* As read(2), write(2) and writev(2), errno included. */
ssize_t live_read(int fd, void *bytes, size_t size);
ssize_t live_write(int fd, const void *bytes, size_t length);
ssize_t live_writev(int fd, const struct iovec *parts, int count);

#endif
