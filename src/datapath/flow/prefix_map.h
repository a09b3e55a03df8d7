/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefix map: one address of a prefix for each of another, without any memory.
 *
 * The bits of the prefix are replaced and the others kept. Of IPv6 prefixes up to 64 bits one more
 * 16-bit word changes so that no checksum over the address does (NPTv6, RFC 6296 3): that behind
 * the first 48 bits, or, where the prefix is longer, the first of the last four that is not 0xffff.
 */
#ifndef IPMODD_DATAPATH_FLOW_PREFIX_MAP_H
#define IPMODD_DATAPATH_FLOW_PREFIX_MAP_H

#include "ipmodd/base/addr.h"

/*
 * Moves ADDRESS (wire order, of PREFIX's family) into PREFIX. False, with nothing done, for those
 * that have no counterpart: the word that would have to change is 0xffff (RFC 6296 3.4, 3.5).
 */
bool prefix_map(const struct ip_prefix *prefix, uint8_t *address);

#endif
