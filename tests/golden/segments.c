/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Splits the super-packets of a folder and compares each segment, byte by byte, with what an
 * independent implementation expects (make_segments.py).
 *
 * A case: comments with '#'; "super KIND GSO_SIZE", then "segment" for each wire packet, each
 * followed by indented lines of hexadecimal digits and "pattern PLACE LENGTH" for the payload.
 */
#include "ipmodd/base/macro.h"
#include "src/datapath/fixup.h"
#include "src/datapath/offload.h"
#include "src/datapath/parse.h"
#include "src/datapath/split.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

struct segments_case {
    const char *path;
    struct batch *batch;
    uint8_t bytes[PACKET_CAPACITY]; /* of the packet that is being read */
    size_t length;
    struct virtio_net vnet;
    size_t next; /* segment to compare; valid once the super-packet was split */
    bool split;
    bool good;
};

static const struct {
    const char *name;
    uint8_t gso_type;
} kinds[] = {
    {"tcp4", VNET_GSO_TCP4}, {"tcp4-ecn", VNET_GSO_TCP4 | VNET_GSO_ECN},
    {"tcp6", VNET_GSO_TCP6}, {"tcp6-ecn", VNET_GSO_TCP6 | VNET_GSO_ECN},
    {"udp", VNET_GSO_UDP},
};

static void complain(struct segments_case *segments, const char *what)
{
    fprintf(stderr, "%s: segment %zu: %s\n", segments->path, segments->next, what);
    segments->good = false;
}

static void start_super(struct segments_case *segments, const char *kind, unsigned size)
{
    segments->vnet = (struct virtio_net){.flags = VNET_NEEDS_CSUM, .gso_size = (uint16_t)size};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].name, kind) == 0)
            segments->vnet.gso_type = kinds[i].gso_type;
    }
    if (segments->vnet.gso_type == VNET_GSO_NONE)
        complain(segments, "no such kind");
}

/* A parser of its own finds the checksum: that of the daemon must find it in the same place. */
static struct virtio_net vnet_of(const struct segments_case *segments)
{
    bool is_udp = segments->vnet.gso_type == VNET_GSO_UDP;
    struct virtio_net vnet = segments->vnet;
    const uint8_t *bytes = segments->bytes;
    unsigned next = bytes[6], at = 40;

    if (bytes[0] >> 4 == 4) {
        at = 4 * (bytes[0] & 15u);
    } else {
        for (; next == 0 || next == 60; at += 8 * (bytes[at + 1] + 1u))
            next = bytes[at];
    }
    vnet.csum_start = (uint16_t)at;
    vnet.csum_offset = is_udp ? 6 : 16;
    return vnet;
}

static void split_super(struct segments_case *segments)
{
    struct virtio_net vnet = vnet_of(segments);
    struct packet *packet = &segments->batch->packets[0];

    batch_reset(segments->batch);
    memcpy(batch_next_buffer(segments->batch), segments->bytes, segments->length);
    batch_commit_offloaded(segments->batch, segments->length, &vnet);
    if (parse_packet(packet) != REASON_NONE || offload_accept(packet) != REASON_NONE ||
        packet->segments < 2)
        complain(segments, "the super-packet is refused");
    else
        split_packet(packet, segments->batch);
    segments->split = true;
    segments->next = 0;
}

/* With the checksum that the kernel would still compute. */
static bool is_as_expected(struct packet *segment, const struct segments_case *segments)
{
    fixup_complete(segment);
    return segment->length == segments->length &&
           memcmp(segment->data, segments->bytes, segments->length) == 0;
}

static void compare(struct segments_case *segments)
{
    struct packet *segment = &segments->batch->segments[segments->next];
    struct packet again = {.data = segments->bytes, .length = segments->length};

    if (segments->next == segments->batch->segment_count)
        complain(segments, "expected, but not there");
    else if (!is_as_expected(segment, segments))
        complain(segments, "differs");
    else if (parse_packet(&again) != REASON_NONE || again.l4_offset != segment->l4_offset ||
             again.payload_offset != segment->payload_offset || segment->segments != 1)
        complain(segments, "is not described as it is");
    segments->next++;
}

/* What was read so far is a whole packet. */
static void end_packet(struct segments_case *segments)
{
    if (segments->split)
        compare(segments);
    else
        split_super(segments);
    segments->length = 0;
}

static void add_pattern(struct segments_case *segments, size_t place, size_t length)
{
    if (length > sizeof(segments->bytes) - segments->length) {
        complain(segments, "too long");
        return;
    }
    for (size_t i = place; i < place + length; i++)
        segments->bytes[segments->length++] = (uint8_t)(7 * i + i / 256);
}

static void add_hex(struct segments_case *segments, const char *digits)
{
    unsigned byte;

    for (; sscanf(digits, "%2x", &byte) == 1; digits += 2)
        segments->bytes[segments->length++] = (uint8_t)byte;
}

static void add_line(struct segments_case *segments, const char *line)
{
    char kind[16];
    size_t place, length;
    unsigned size;

    if (line[0] == '#')
        return;
    if (sscanf(line, "super %15s %u", kind, &size) == 2)
        start_super(segments, kind, size);
    else if (strcmp(line, "segment\n") == 0)
        end_packet(segments);
    else if (sscanf(line, " pattern %zu %zu", &place, &length) == 2)
        add_pattern(segments, place, length);
    else
        add_hex(segments, line + strspn(line, " "));
}

static bool try_case(const char *path, struct batch *batch)
{
    static struct segments_case segments;
    CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
    char line[256];

    segments = (struct segments_case){.path = path, .batch = batch, .good = file != NULL};
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        add_line(&segments, line);
    if (!segments.split)
        complain(&segments, "nothing to try");
    else
        end_packet(&segments);
    if (segments.next != batch->segment_count)
        complain(&segments, "there are more than expected");
    return segments.good;
}

static bool try_entry(const char *folder, const char *name, struct batch *batch)
{
    CLEANUP(cleanup_free) char *path = NULL;
    bool good = asprintf(&path, "%s/%s", folder, name) >= 0 && try_case(path, batch);

    printf("%s %s\n", good ? "ok  " : "FAIL", name);
    return good;
}

int main(int argc, char **argv)
{
    struct batch *batch = batch_new();
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    unsigned tried = 0, failed = 0;

    if (batch == NULL || folder == NULL) {
        fprintf(stderr, "usage: segments FOLDER\n");
        return EXIT_FAILURE;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        tried++;
        failed += !try_entry(argv[1], entry->d_name, batch);
    }
    closedir(folder);
    batch_free(batch);
    printf("%u cases, %u failed\n", tried, failed);
    return tried > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
