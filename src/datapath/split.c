/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cutting super-packets into wire packets. */
#include "split.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"
#include "offload.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

/* The headers and the part of the payload that segment NUMBER carries. */
static void copy_part(struct packet *segment, const struct packet *packet, size_t number)
{
    size_t headers = packet->payload_offset, size = packet->vnet.gso_size;
    size_t from = headers + number * size;
    size_t payload = MIN_OF(size, packet->length - from);

    memcpy(segment->data, packet->data, headers);
    memcpy(segment->data + headers, packet->data + from, payload);
    segment->length = headers + payload;
}

static void put_ip4_field(uint8_t *header, size_t place, uint16_t value)
{
    uint8_t *checksum = header + IP4_CHECKSUM;
    uint16_t change = sum_change_word(0, be16_load(header + place), value);

    be16_store(checksum, checksum_adjust(be16_load(checksum), change));
    be16_store(header + place, value);
}

static void mend_ip(struct packet *segment, size_t number)
{
    uint8_t *header = segment->data;

    if (segment->family == FAMILY_IPV6) {
        be16_store(header + IP6_PAYLOAD_LENGTH, (uint16_t)(segment->length - IP6_HEADER));
        return;
    }
    put_ip4_field(header, IP4_TOTAL_LENGTH, (uint16_t)segment->length);
    put_ip4_field(header, IP4_ID, (uint16_t)(be16_load(header + IP4_ID) + number));
}

static void mend_tcp(struct packet *segment, const struct packet *packet, size_t number)
{
    uint8_t *header = segment->data + segment->l4_offset;
    size_t before = number * packet->vnet.gso_size;

    be32_store(header + TCP_SEQ, be32_load(header + TCP_SEQ) + (uint32_t)before);
    header[TCP_FLAGS] =
        tcp_flags_of_segment(header[TCP_FLAGS], number == 0, number + 1 == packet->segments);
}

/* The pseudo-header has the length of what follows it; nothing else of it changes. */
static void mend_partial_checksum(struct packet *segment, const struct packet *packet)
{
    size_t place = packet->proto == IPPROTO_TCP ? (size_t)TCP_CHECKSUM : (size_t)UDP_CHECKSUM;
    uint8_t *field = segment->data + segment->l4_offset + place;
    uint16_t whole = (uint16_t)(packet->length - packet->l4_offset);
    uint16_t part = (uint16_t)(segment->length - segment->l4_offset);

    be16_store(field, sum_add(sum_add(be16_load(field), (uint16_t)~whole), part));
}

static void build_segment(struct packet *segment, const struct packet *packet, size_t number)
{
    copy_part(segment, packet, number);
    mend_ip(segment, number);
    if (packet->proto == IPPROTO_TCP)
        mend_tcp(segment, packet, number);
    else
        be16_store(segment->data + segment->l4_offset + UDP_LENGTH,
                   (uint16_t)(segment->length - segment->l4_offset));
    mend_partial_checksum(segment, packet);
    segment->vnet.gso_type = VNET_GSO_NONE;
    segment->vnet.gso_size = 0;
    segment->segments = 1;
}

void split_packet(struct packet *packet, struct batch *batch)
{
    size_t longest = packet->payload_offset + packet->vnet.gso_size;

    assert(packet->segments > 1);
    packet->first_segment = (uint32_t)batch->segment_count;
    for (size_t i = 0; i < packet->segments; i++)
        build_segment(batch_add_segment(batch, packet, longest), packet, i);
    packet->fate = FATE_SPLIT;
}
