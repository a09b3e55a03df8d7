/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a batch to the tun device; what concerns the live kernel alone is here. */
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "live.h"
#include "merge.h"
#include "offload.h"
#include "path_state.h"
#include "split.h"

#include <errno.h>

enum { TTL_MAX = 255 };

/* Forwarding takes one off, except from what is addressed to this host and so is not forwarded. */
static bool will_be_forwarded(const struct path *path, const struct packet *packet)
{
    return (packet->flags & PACKET_HAS_IP) != 0 &&
           !host_view_is_local(path->view, packet->family, packet_dst(packet));
}

/*
 * What came in and is sent on to another host by a rule is one hop further on, as a router would
 * have it: of that the one stays off.
 */
static void give_ttl_back(struct path *path, struct packet *packet)
{
    if (!will_be_forwarded(path, packet) || (packet->flags & PACKET_TTL_RESTORED) != 0)
        return;
    if (packet_ttl(packet) == TTL_MAX)
        path->counters.ttl_255 += packet->segments;
    else
        live_raise_ttl(packet->data, packet->family);
}

/* 0 or -errno. */
static int put(struct packet *packet, int tun_fd)
{
    uint8_t *start = packet->data - VNET_HEADER;

    virtio_net_store(start, &packet->vnet);
    return live_write(tun_fd, start, VNET_HEADER + packet->length) >= 0 ? 0 : -errno;
}

/* One pass over a batch. */
struct writer {
    struct path *path;
    struct batch *batch;
    int tun_fd;
    struct run run; /* what leaves next */
    int error;      /* -errno of the last write that failed */
};

/* PACKET, as it was given to the kernel, did not get through. */
static void lose(struct writer *writer, const struct packet *packet, int error)
{
    path_count_lost(writer->path, packet, REASON_WRITE_FAILED);
    writer->error = error;
}

static void put_or_lose(struct writer *writer, struct packet *packet)
{
    int r = put(packet, writer->tun_fd);

    if (r < 0)
        lose(writer, packet, r);
}

/* The kernel refused a super-packet of CLASS. */
static void note_refusal(struct path *path, enum offload_class class)
{
    path->counters.gso_refused++;
    path->offload_refused[class]++;
}

/* The TTL of a packet that was tried as a whole has been given back already. */
static void put_segments(struct writer *writer, struct packet *packet)
{
    note_refusal(writer->path, offload_class_of(packet));
    split_packet(packet, writer->batch);
    for (size_t i = 0; i < packet->segments; i++)
        put_or_lose(writer, &writer->batch->segments[packet->first_segment + i]);
}

static void write_one(struct writer *writer, struct packet *packet)
{
    int r = put(packet, writer->tun_fd);

    if (r == -EINVAL && packet->segments > 1)
        put_segments(writer, packet);
    else if (r < 0)
        lose(writer, packet, r);
}

static void write_merged(struct writer *writer)
{
    const struct run *run = &writer->run;
    struct run_parts parts;
    size_t count = run_gather(run, &parts);
    int error = live_writev(writer->tun_fd, parts.parts, (int)count) >= 0 ? 0 : -errno;

    if (error == 0)
        writer->path->counters.merged += run->count;
    if (error == -EINVAL)
        note_refusal(writer->path, run_class(run));
    for (size_t i = 0; i < run->count && error < 0; i++) {
        if (error == -EINVAL)
            put_or_lose(writer, run->packets[i]);
        else
            lose(writer, run->packets[i], error);
    }
}

static void flush(struct writer *writer)
{
    if (writer->run.count == 1)
        write_one(writer, writer->run.packets[0]);
    else if (writer->run.count > 1)
        write_merged(writer);
    writer->run.count = 0;
}

/* What stays on this host does not cross a wire, and may be read by somebody who counts packets. */
static void write_packet(struct writer *writer, struct packet *packet)
{
    struct merging merging = writer->path->merging;

    if (packet->fate != FATE_OUT)
        return;
    if (!will_be_forwarded(writer->path, packet))
        merging.mode = MERGE_OFF;
    give_ttl_back(writer->path, packet);
    if (run_add(&writer->run, packet, merging))
        return;
    flush(writer);
    run_add(&writer->run, packet, merging);
}

/* And what waited for it. */
static void write_with_others(struct writer *writer, struct packet *packet)
{
    for (; packet != NULL; packet = packet->behind)
        write_packet(writer, packet);
}

static void write_packets(struct writer *writer, struct packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        write_packet(writer, &packets[i]);
}

/* A packet that was split has its segments written in its place, so no flow changes its order. */
int batch_write(struct path *path, struct batch *batch, int tun_fd)
{
    struct writer writer = {.path = path, .batch = batch, .tun_fd = tun_fd};

    write_packets(&writer, batch->answers, batch->answer_count);
    for (size_t i = 0; i < batch->count; i++) {
        struct packet *packet = &batch->packets[i];

        if (packet->fate == FATE_SPLIT)
            write_packets(&writer, &batch->segments[packet->first_segment], packet->segments);
        else
            write_with_others(&writer, packet);
    }
    flush(&writer);
    return writer.error;
}
