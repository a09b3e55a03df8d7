/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a frame of a capture holds for the pipeline. */
#ifndef IPMODD_CTL_FRAME_H
#define IPMODD_CTL_FRAME_H

#include "capture.h"

enum frame_kind {
    FRAME_PACKET, /* an IP packet, whole as far as its header tells */
    FRAME_NOT_IP,
    FRAME_CUT, /* an IP packet of which the capture has only the first bytes */
};

/* Where the packet of a frame is. */
struct frame_packet {
    size_t offset;
    size_t size; /* bytes from there to the end of the frame, as far as a packet's buffer takes */
    size_t told; /* its length by its header; 0 where that does not say */
};

/* RET is written for all kinds but FRAME_NOT_IP. */
enum frame_kind frame_find_packet(enum link_type link, const struct frame *frame,
                                  struct frame_packet *ret);

#endif
