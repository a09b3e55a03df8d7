/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pool: the addresses that a rule offers for one end of a flow, by number. */
#ifndef IPMODD_DATAPATH_FLOW_POOL_H
#define IPMODD_DATAPATH_FLOW_POOL_H

#include "ipmodd/datapath/flow.h"
#include "ipmodd/datapath/translation.h"

/* How many addresses FIRST to LAST are, at most 2^32. */
uint64_t pool_size(const struct address_range *range);

/* The address with NUMBER, below pool_size(): FIRST is number 0. Writes as many bytes as its family
 * has. */
void pool_put_address(const struct address_range *range, uint64_t number, uint8_t *ret_bytes);

/*
 * Of what one address of several is chosen by: the source of TUPLE alone, or with its port and
 * protocol. No secret, so that it is the same one after a restart.
 */
uint64_t pool_hash_host(const struct flow_tuple *tuple);
uint64_t pool_hash_client(const struct flow_tuple *tuple);

#endif
