/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offload: what a tun device leaves to be done to the packets read from it, and takes so from us.
 *
 * Sets of classes are 1u << enum offload_class. Nothing is kept here.
 */
#ifndef IPMODD_KERNEL_OFFLOAD_H
#define IPMODD_KERNEL_OFFLOAD_H

#include "ipmodd/base/offload.h"

/* Fixes size and byte order of the virtio-net header of TUN_FD. 0 or -errno. */
int offload_set_header(int tun_fd);

/*
 * The classes that the device of TUN_FD, which has to be down, takes. Writes a super-packet of each
 * class: one that the kernel knows is refused because the device is down (EIO), another because it
 * is invalid (EINVAL). None gets anywhere.
 */
unsigned offload_probe(int tun_fd);

/* Asks for CLASSES and partial checksums. 0, or -errno: -EINVAL when the kernel lacks one of them.
 */
int offload_request(int tun_fd, unsigned classes);

/* Asks for packets with nothing left to be done. 0 or -errno. */
int offload_request_none(int tun_fd);

#endif
