/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the tun device into a batch. */
#include "path_state.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

/*
 * A read cuts off what does not fit and does not tell, so a packet that fills its buffer counts as
 * too long. None that is valid does: 65,535 bytes are the most that either family has.
 */
static void take_packet(struct path *path, struct batch *batch, size_t length)
{
    if (length < PACKET_CAPACITY) {
        batch_commit(batch, length);
        return;
    }
    path->counters.in++;
    path->counters.in_bytes += length;
    path->counters.drops[REASON_TOO_LONG]++;
}

ssize_t batch_read(struct path *path, struct batch *batch, int tun_fd)
{
    uint8_t *buffer;

    assert(batch->count == 0 && batch->answer_count == 0);
    while ((buffer = batch_next_buffer(batch)) != NULL) {
        ssize_t length = read(tun_fd, buffer, PACKET_CAPACITY);

        if (length >= 0) {
            take_packet(path, batch, (size_t)length);
        } else if (errno == EAGAIN || batch->count > 0) {
            break;
        } else {
            return -errno;
        }
    }
    return (ssize_t)batch->count;
}
