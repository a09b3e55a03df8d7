/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a batch to the tun device; what concerns the live kernel alone is here. */
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "path_state.h"

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
        path->counters.ttl_255++;
    else
        raise_ttl(packet);
}

/* 0 or -errno. */
static int write_packet(struct path *path, struct packet *packet, int tun_fd)
{
    if (packet->fate != FATE_OUT)
        return 0;
    give_ttl_back(path, packet);
    if (write(tun_fd, packet->data, packet->length) >= 0)
        return 0;
    path_count_lost(path, packet, REASON_WRITE_FAILED);
    return -errno;
}

static int write_packets(struct path *path, struct packet *packets, size_t count, int tun_fd)
{
    int last = 0;

    for (size_t i = 0; i < count; i++) {
        int r = write_packet(path, &packets[i], tun_fd);

        if (r < 0)
            last = r;
    }
    return last;
}

int batch_write(struct path *path, struct batch *batch, int tun_fd)
{
    int answers = write_packets(path, batch->answers, batch->answer_count, tun_fd);
    int packets = write_packets(path, batch->packets, batch->count, tun_fd);

    return packets < 0 ? packets : answers;
}
