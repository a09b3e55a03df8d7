/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge: a run of TCP segments or UDP datagrams of one flow, handed to the kernel as one
 * super-packet.
 *
 * A run grows in the order in which packets leave and ends with the first that does not fit, so no
 * packet overtakes another and none waits for more than its batch. What the kernel makes of it at
 * the egress is what would have left one by one, byte for byte; a packet of which that is not
 * certain ends the run. So the headers are the same, TCP options included, but for what
 * segmentation writes itself: lengths, checksums, IPv4 identifications and TCP sequence numbers
 * that count up, CWR in the first alone, FIN and PSH in the last alone. All carry as much as the
 * first, but the last may carry less; and every checksum is there and right. SYN, RST, URG and
 * segments without data are never part of a run.
 *
 * The packets stay as they are: the headers of the super-packet are a copy, its payload is theirs.
 */
#ifndef IPMODD_DATAPATH_MERGE_H
#define IPMODD_DATAPATH_MERGE_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/offload.h"
#include "ipmodd/datapath/packet.h"

#include <sys/uio.h>

enum {
    RUN_PACKETS = 64,      /* segments that Linux took before 6.9 (UDP_MAX_SEGMENTS) */
    RUN_HEADERS_MAX = 100, /* IPv6 without extension headers, TCP with all options */
};

/* What may be merged. */
struct merging {
    enum merge_mode mode;
    unsigned classes; /* 1u << enum offload_class of super-packets that the device takes */
};

struct run {
    struct packet *packets[RUN_PACKETS]; /* borrowed; all with FATE_OUT */
    size_t count;
    size_t length; /* bytes of the super-packet */
    bool closed;   /* nothing may follow the last packet */
};

/* Adds PACKET to RUN, or returns false: the run has to be written first. An empty one takes any. */
bool run_add(struct run *run, struct packet *packet, struct merging merging);

/* Of the super-packet of RUN, which has two packets at least. */
enum offload_class run_class(const struct run *run);

/* Room for what run_gather() makes. */
struct run_parts {
    uint8_t header[VNET_HEADER + RUN_HEADERS_MAX];
    struct iovec parts[1 + RUN_PACKETS];
};

/*
 * The super-packet of RUN, which has two packets at least, with its virtio-net header: `parts`,
 * that many of them, valid as long as the packets.
 */
size_t run_gather(const struct run *run, struct run_parts *ret_parts);

#endif
