/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a batch to the tun device; what concerns the live kernel alone is here. */
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "offload.h"
#include "path_state.h"
#include "split.h"

#include <errno.h>
#include <unistd.h>

enum { TTL_MAX = 255 };

/* Forwarding takes one off, except from what is addressed to this host and so is not forwarded. */
static bool will_be_forwarded(const struct path *path, const struct packet *packet)
{
    return (packet->flags & PACKET_HAS_IP) != 0 &&
           !host_view_is_local(path->view, packet->family, packet_dst(packet));
}

static void raise_ttl(struct packet *packet)
{
    uint8_t ttl = packet_ttl(packet), raised = (uint8_t)(ttl + 1);
    uint8_t *checksum = packet->data + IP4_CHECKSUM;

    if (packet->family == FAMILY_IPV6) {
        packet->data[IP6_HOP_LIMIT] = raised;
        return;
    }
    packet->data[IP4_TTL] = raised;
    be16_store(checksum,
               checksum_adjust(be16_load(checksum), sum_change(0, IP4_TTL, &ttl, &raised, 1)));
}

static void give_ttl_back(struct path *path, struct packet *packet)
{
    if (!will_be_forwarded(path, packet))
        return;
    if (packet_ttl(packet) == TTL_MAX)
        path->counters.ttl_255 += packet->segments;
    else
        raise_ttl(packet);
}

/* 0 or -errno. */
static int put(struct packet *packet, int tun_fd)
{
    uint8_t *start = packet->data - VNET_HEADER;

    virtio_net_store(start, &packet->vnet);
    return write(tun_fd, start, VNET_HEADER + packet->length) >= 0 ? 0 : -errno;
}

/* The TTL of a packet that was tried as a whole has been given back already. */
static int put_segments(struct path *path, struct batch *batch, struct packet *packet, int tun_fd)
{
    int last = 0;

    path->counters.gso_refused++;
    path->offload_refused[offload_class_of(packet)]++;
    split_packet(packet, batch);
    for (size_t i = 0; i < packet->segments; i++) {
        struct packet *segment = &batch->segments[packet->first_segment + i];
        int r = put(segment, tun_fd);

        if (r < 0) {
            path_count_lost(path, segment, REASON_WRITE_FAILED);
            last = r;
        }
    }
    return last;
}

/* 0 or -errno. */
static int write_packet(struct path *path, struct batch *batch, struct packet *packet, int tun_fd)
{
    int r;

    if (packet->fate != FATE_OUT)
        return 0;
    give_ttl_back(path, packet);
    r = put(packet, tun_fd);
    if (r == -EINVAL && packet->segments > 1)
        return put_segments(path, batch, packet, tun_fd);
    if (r < 0)
        path_count_lost(path, packet, REASON_WRITE_FAILED);
    return r;
}

static int write_packets(struct path *path, struct batch *batch, struct packet *packets,
                         size_t count, int tun_fd)
{
    int last = 0;

    for (size_t i = 0; i < count; i++) {
        int r = write_packet(path, batch, &packets[i], tun_fd);

        if (r < 0)
            last = r;
    }
    return last;
}

/* A packet that was split has its segments written in its place, so no flow changes its order. */
static int write_in_order(struct path *path, struct batch *batch, int tun_fd)
{
    int last = 0;

    for (size_t i = 0; i < batch->count; i++) {
        struct packet *packet = &batch->packets[i];
        bool split = packet->fate == FATE_SPLIT;
        struct packet *leaving = split ? &batch->segments[packet->first_segment] : packet;
        int r = write_packets(path, batch, leaving, split ? packet->segments : 1, tun_fd);

        if (r < 0)
            last = r;
    }
    return last;
}

int batch_write(struct path *path, struct batch *batch, int tun_fd)
{
    int answers = write_packets(path, batch, batch->answers, batch->answer_count, tun_fd);
    int packets = write_in_order(path, batch, tun_fd);

    return packets < 0 ? packets : answers;
}
