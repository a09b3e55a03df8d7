/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the tun device into a batch. */
#include "batch.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "live.h"
#include "path_state.h"

#include <assert.h>
#include <errno.h>

enum { TTL_MAX = 255 };

/* The destination of an IP packet that nobody has looked at yet; NULL if it has none. */
static const uint8_t *find_destination(const struct packet *packet, enum ip_family *ret_family)
{
    unsigned version = packet->length > 0 ? packet->data[0] >> 4 : 0;

    *ret_family = version == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
    if (version == 4 && packet->length >= IP4_HEADER_MIN)
        return packet->data + IP4_DST;
    if (version == 6 && packet->length >= IP6_HEADER)
        return packet->data + IP6_DST;
    return NULL;
}

/* Rules and the program that gets it see the TTL that the wire had. */
static void restore_ttl(const struct path *path, struct packet *packet)
{
    enum ip_family family;
    const uint8_t *destination = find_destination(packet, &family);

    if (destination == NULL || !host_view_is_local(path->view, family, destination) ||
        packet->data[family == FAMILY_IPV4 ? IP4_TTL : IP6_HOP_LIMIT] == TTL_MAX)
        return;
    live_raise_ttl(packet->data, family);
    packet->flags |= PACKET_TTL_RESTORED;
}

/*
 * A read cuts off what does not fit and does not tell, so a packet that fills its buffer counts as
 * too long. None that is valid does: 65,535 bytes are the most that either family has.
 */
static void take_packet(struct path *path, struct batch *batch, size_t length,
                        const struct virtio_net *vnet)
{
    if (length < PACKET_CAPACITY) {
        batch_commit_offloaded(batch, length, vnet);
        if (path->view->inbound)
            restore_ttl(path, &batch->packets[batch->count - 1]);
        return;
    }
    path->counters.in++;
    path->counters.in_bytes += length;
    path->counters.drops[REASON_TOO_LONG]++;
}

/* LENGTH bytes were read, header and packet. What is too short for a header has no packet. */
static void take_read(struct path *path, struct batch *batch, const uint8_t *bytes, size_t length)
{
    struct virtio_net vnet;

    if (length < VNET_HEADER) {
        batch_commit(batch, 0);
        return;
    }
    vnet = virtio_net_load(bytes);
    take_packet(path, batch, length - VNET_HEADER, &vnet);
}

ssize_t batch_read(struct path *path, struct batch *batch, int tun_fd, size_t limit)
{
    const size_t before = batch->count;
    uint8_t *buffer;

    assert(batch->answer_count == 0);
    while (batch->count < before + limit && (buffer = batch_next_buffer(batch)) != NULL) {
        uint8_t *start = buffer - VNET_HEADER;
        ssize_t length = live_read(tun_fd, start, VNET_HEADER + PACKET_CAPACITY);

        if (length >= 0) {
            take_read(path, batch, start, (size_t)length);
        } else if (errno == EAGAIN || batch->count > 0) {
            break;
        } else {
            return -errno;
        }
    }
    return (ssize_t)(batch->count - before);
}
