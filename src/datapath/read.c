/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the tun device into a batch. */
#include "batch.h"
#include "path_state.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

/*
 * A read cuts off what does not fit and does not tell, so a packet that fills its buffer counts as
 * too long. None that is valid does: 65,535 bytes are the most that either family has.
 */
static void take_packet(struct path *path, struct batch *batch, size_t length,
                        const struct virtio_net *vnet)
{
    if (length < PACKET_CAPACITY) {
        batch_commit_offloaded(batch, length, vnet);
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
    uint8_t *buffer;

    assert(batch->count == 0 && batch->answer_count == 0);
    while (batch->count < limit && (buffer = batch_next_buffer(batch)) != NULL) {
        uint8_t *start = buffer - VNET_HEADER;
        ssize_t length = read(tun_fd, start, VNET_HEADER + PACKET_CAPACITY);

        if (length >= 0) {
            take_read(path, batch, start, (size_t)length);
        } else if (errno == EAGAIN || batch->count > 0) {
            break;
        } else {
            return -errno;
        }
    }
    return (ssize_t)batch->count;
}
