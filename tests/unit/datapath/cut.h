/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cut: what the kernel makes of a message written to a tun device, as packets of the wire.
 *
 * Written from the rules of segmentation and the virtio specification, with the naive sums of
 * forge.h; it shares no code with the daemon's own split.
 */
#ifndef IPMODD_TESTS_CUT_H
#define IPMODD_TESTS_CUT_H

#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_PACKETS = 256,
    WIRE_BYTES = 2048,
};

/* Packets as they are on the wire. */
struct wire {
    uint8_t bytes[WIRE_PACKETS][WIRE_BYTES];
    size_t lengths[WIRE_PACKETS];
    size_t count;
};

/*
 * Adds the packets of MESSAGE, LENGTH bytes with the virtio-net header, to WIRE. Fails the test
 * when a super-packet contradicts its header or itself.
 */
void cut_up(const uint8_t *message, size_t length, struct wire *wire);

#endif
