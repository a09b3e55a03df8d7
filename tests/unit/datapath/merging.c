/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A path without a kernel behind it, and packets for it. */
#include "merging.h"

#include "../unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct forged forged;
struct wire merged, single;
int refusal;

ssize_t __real_live_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_live_writev(int fd, const struct iovec *parts, int count);

ssize_t __wrap_live_writev(int fd, const struct iovec *parts, int count)
{
    if (refusal == 0)
        return __real_live_writev(fd, parts, count);
    errno = refusal;
    return -1;
}

int merging_set_up(void **state)
{
    static struct fixture fixture;
    struct ip_addr local;
    int pair[2];

    ip_addr_parse("192.0.2.1", &local);
    fixture.view = host_view_new(&local, 1, NULL, 0, NULL, 0);
    fixture.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_PASS);
    fixture.path = path_new(fixture.ruleset, fixture.view);
    fixture.batch = batch_new();
    fixture.classes = ~0u;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    fixture.tun = pair[0];
    fixture.kernel = pair[1];
    *state = &fixture;
    return 0;
}

int merging_tear_down(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->tun);
    close(fixture->kernel);
    path_free(fixture->path);
    ruleset_free(fixture->ruleset);
    host_view_free(fixture->view);
    batch_free(fixture->batch);
    return 0;
}

void merging_put(struct fixture *fixture, const struct virtio_net *vnet)
{
    memcpy(batch_next_buffer(fixture->batch), forged.bytes, forged.length);
    batch_commit_offloaded(fixture->batch, forged.length, vnet);
}

size_t write_out(struct fixture *fixture, enum merge_mode mode, struct wire *ret_wire)
{
    static uint8_t message[VNET_HEADER + FORGED_MAX];
    ssize_t length;

    ret_wire->count = 0;
    path_set_merge(fixture->path, mode, fixture->classes);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(batch_write(fixture->path, fixture->batch, fixture->tun), 0);
    for (size_t messages = 0;; messages++) {
        length = read(fixture->kernel, message, sizeof(message));
        if (length < 0)
            return messages;
        cut_up(message, (size_t)length, ret_wire);
    }
}

void assert_same_wire(bool with_ids)
{
    assert_int_equal(merged.count, single.count);
    for (size_t i = 0; i < merged.count; i++) {
        uint8_t *a = merged.bytes[i], *b = single.bytes[i];

        assert_int_equal(merged.lengths[i], single.lengths[i]);
        if (!with_ids && a[0] >> 4 == 4 && (b[6] & 0x40) != 0) {
            memcpy(a + IP4_ID_AT, b + IP4_ID_AT, 2);
            memcpy(a + 10, b + 10, 2);
        }
        assert_memory_equal(a, b, merged.lengths[i]);
    }
}

static void forge_segment(const struct stream *flow)
{
    const uint8_t options[12] = {1, 1, 8, 10, 0, 0, 0, flow->stamp, 0, 0, 0, 5};
    uint8_t *header = forged.bytes + forged.length;

    forge_tcp(&forged, flow->flags, options, flow->stamp == 0 ? 0 : sizeof(options), flow->payload);
    for (unsigned i = 0; i < 4; i++)
        header[4 + i] = (uint8_t)(flow->sequence >> (24 - 8 * i));
    header[14] = (uint8_t)(flow->window >> 8);
    header[15] = (uint8_t)flow->window;
}

void forge_next(const struct stream *flow, struct virtio_net *ret_vnet)
{
    *ret_vnet = (struct virtio_net){.flags = 0};
    forge_ip(&forged, flow->family, flow->proto);
    if (flow->family == FAMILY_IPV4) {
        forged.bytes[IP4_ID_AT] = (uint8_t)(flow->id >> 8);
        forged.bytes[IP4_ID_AT + 1] = (uint8_t)flow->id;
        forged.bytes[6] = flow->df ? 0x40 : 0;
    }
    if (flow->proto == IPPROTO_TCP)
        forge_segment(flow);
    else
        forge_udp(&forged, flow->payload);
    if (flow->partial)
        *ret_vnet = forge_seal_partial(&forged, 0);
    else
        forge_seal(&forged);
}

void flow_advance(struct stream *flow)
{
    flow->id++;
    flow->sequence += (uint32_t)flow->payload;
    flow->flags &= 0x7f; /* CWR was the first one's */
}
