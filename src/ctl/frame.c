/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the packet of a frame, and whether all of it is there. */
#include "frame.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"

/* What the IP header says of the packet's length; 0 where it does not say, or is not there. */
static size_t length_by_header(const uint8_t *bytes, size_t size)
{
    if (size >= IP4_HEADER_MIN && bytes[0] >> 4 == 4)
        return be16_load(bytes + IP4_TOTAL_LENGTH);
    if (size >= IP6_HEADER && bytes[0] >> 4 == 6)
        return IP6_HEADER + (size_t)be16_load(bytes + IP6_PAYLOAD_LENGTH);
    return 0;
}

enum frame_kind frame_find_packet(enum link_type link, const struct frame *frame,
                                  struct frame_packet *ret)
{
    size_t offset, size, told;

    if (!link_find_ip(link, frame->bytes, frame->captured, &offset))
        return FRAME_NOT_IP;
    size = frame->captured - offset;
    told = length_by_header(frame->bytes + offset, size);
    *ret = (struct frame_packet){
        .offset = offset, .size = MIN_OF(size, (size_t)PACKET_CAPACITY), .told = told};
    if (frame->length > frame->captured && (told == 0 || told > size))
        return FRAME_CUT;
    return FRAME_PACKET;
}
