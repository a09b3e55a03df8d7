/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of merging share: a path that writes to a pair of datagram sockets in place of a
 * tun device, flows of packets to write, and what came out, cut up into packets of the wire.
 *
 * Linked with writev(2) wrapped.
 */
#ifndef IPMODD_TESTS_MERGING_H
#define IPMODD_TESTS_MERGING_H

#include "cut.h"
#include "forge.h"
#include "ipmodd/datapath/path.h"

enum { IP4_ID_AT = 4 };

struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
    unsigned classes; /* of super-packets that are taken */
    int tun;
    int kernel;
};

int merging_set_up(void **state);
int merging_tear_down(void **state);

#define MERGE_TEST(name) cmocka_unit_test_setup_teardown(name, merging_set_up, merging_tear_down)

extern struct forged forged;

/* The same packets written with merging and without. */
extern struct wire merged, single;

/* What writev() fails with; 0: it does not. */
extern int refusal;

/* What the packets of a burst have in common, and how the next one differs. */
struct stream {
    enum ip_family family;
    uint8_t proto;
    size_t payload;
    uint16_t id;
    bool df;
    bool partial;
    uint32_t sequence; /* of TCP, as the rest */
    uint8_t flags;
    uint8_t stamp; /* in the options */
    uint16_t window;
};

/* Its next packet in `forged`, and what the kernel would say of it. */
void forge_next(const struct stream *flow, struct virtio_net *ret_vnet);

/* What the packet after that has of its own. */
void flow_advance(struct stream *flow);

/* Puts what is forged into the batch. */
void merging_put(struct fixture *fixture, const struct virtio_net *vnet);

/* Runs the batch and writes it; the number of messages, of which RET_WIRE has the packets. */
size_t write_out(struct fixture *fixture, enum merge_mode mode, struct wire *ret_wire);

/* Of `merged` and `single`; WITH_IDS: those of atomic datagrams included. */
void assert_same_wire(bool with_ids);

#endif
