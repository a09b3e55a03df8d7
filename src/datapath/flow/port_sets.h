/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port sets: which ports (or query identifiers) of external addresses are taken, a bit each, so
 * that a free one is found, or known not to be there, by looking at words. Asking for one port
 * after the other takes the longer the fewer are left, and a flood of new flows leaves none.
 *
 * The bits of an address and protocol are kept in blocks, which exist while a port of theirs is
 * taken: there are never more of them than ports taken, and memory is touched as it is used.
 */
#ifndef IPMODD_DATAPATH_FLOW_PORT_SETS_H
#define IPMODD_DATAPATH_FLOW_PORT_SETS_H

#include "mapping.h"

struct port_sets;

/* For CAPACITY ports that are taken at a time. NULL without memory. */
struct port_sets *port_sets_new(size_t capacity);
void port_sets_free(struct port_sets *sets);

/* Places what comes by a hash with another SEED; only while nothing is taken. */
void port_sets_seed(struct port_sets *sets, uint64_t seed);

/* Bytes of memory that what is taken has had at most. */
size_t port_sets_memory(const struct port_sets *sets);

/* OUTSIDE was not taken, or was. */
void port_sets_take(struct port_sets *sets, const struct mapping_outside *outside);
void port_sets_give_back(struct port_sets *sets, const struct mapping_outside *outside);

/* The first port of RANGE that is not taken at the address of OUTSIDE, from its port on and round.
 */
bool port_sets_find(const struct port_sets *sets, const struct mapping_outside *outside,
                    const struct port_range *range, uint16_t *ret_port);

#endif
