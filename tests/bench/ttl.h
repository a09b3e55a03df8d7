/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one edit that the bench's own contenders make: the TTL of IPv4, the hop limit of IPv6.
 *
 * Written anew here, so that a change of ipmodd's code does not move what it is compared with.
 */
#ifndef IPMODD_BENCH_TTL_H
#define IPMODD_BENCH_TTL_H

#include <stddef.h>
#include <stdint.h>

/* Both leave alone what is too short or neither IPv4 nor IPv6. */

/* Sets it to TTL; an IPv4 header checksum follows by difference (RFC 1624). */
void packet_set_ttl(uint8_t *packet, size_t length, uint8_t ttl);

/* Gives back what forwarding took: one more than it is, 255 at most. */
void packet_return_ttl(uint8_t *packet, size_t length);

#endif
