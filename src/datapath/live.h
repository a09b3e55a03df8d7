/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two live adapters share (read.c, write.c): each pass through the kernel takes one off
 * the TTL, and one of them gives it back. Of a packet that leaves this host that is the writer,
 * before the kernel takes it; of one that comes in the reader, since the kernel delivers it as it
 * is written.
 */
#ifndef IPMODD_DATAPATH_LIVE_H
#define IPMODD_DATAPATH_LIVE_H

#include "ipmodd/base/addr.h"

/* One more in the IP header at BYTES, which is below 255; its checksum stays as right as it was. */
void live_raise_ttl(uint8_t *bytes, enum ip_family family);

#endif
