/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the host view share about the ways out of the host. */
#ifndef IPMODD_BASE_HOST_VIEW_WAYS_H
#define IPMODD_BASE_HOST_VIEW_WAYS_H

#include "ipmodd/base/host_view.h"

bool host_view_same_ways(const struct host_view *a, const struct host_view *b);

/*
 * The best IPv6 source of VIEW for DST_WIRE over the device IFINDEX, by RFC 6724 section 5; NULL
 * if there is none.
 */
const struct host_source *source6_best(const struct host_view *view, uint32_t ifindex,
                                       const uint8_t *dst_wire);

#endif
