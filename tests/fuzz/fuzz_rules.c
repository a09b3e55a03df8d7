/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any rules on any packet: whatever rules load, the packets that leave parse again, a right
 * checksum stays right and a wrong one wrong, and everything is accounted for.
 *
 * Input: the text of a configuration, a NUL, a virtio-net header and the packet, which comes twice.
 */
#include "memory_file.h"
#include "target.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/rules/load.h"
#include "src/datapath/fixup.h"
#include "src/datapath/offload.h"
#include "src/datapath/parse.h"

#include <string.h>

/* The configuration in TEXT; false when it is refused. */
static bool load(const void *text, size_t length, struct loaded *ret_loaded)
{
    struct problems problems = PROBLEMS_INIT;
    int CLEANUP(cleanup_fd) fd = memory_file(text, length);
    char name[MEMORY_FILE_NAME];
    int r = load_configuration(memory_file_name(fd, name), &problems, ret_loaded);

    problems_clear(&problems);
    return r == 0;
}

/* PACKET as parse and offload see it. */
static enum reason parse_again(struct packet *packet)
{
    enum reason fault;

    *packet = (struct packet){.data = packet->data,
                              .length = packet->length,
                              .capacity = packet->capacity,
                              .vnet = packet->vnet};
    fault = parse_packet(packet);
    return fault != REASON_NONE ? fault : offload_accept(packet);
}

/* Whether a checksum of BYTES is wrong; of a partial one, which its packet may contradict, unknown.
 */
static bool is_sound(const uint8_t *bytes, size_t length, const struct virtio_net *vnet)
{
    static uint8_t copy[PACKET_CAPACITY];
    struct packet packet = {
        .data = copy, .length = length, .capacity = sizeof(copy), .vnet = *vnet};

    memcpy(copy, bytes, length);
    return parse_again(&packet) == REASON_NONE &&
           (packet.flags &
            (PACKET_PARTIAL_CHECKSUM | PACKET_SOURCE_ROUTED | PACKET_HOME_ADDRESS)) == 0 &&
           !fixup_is_damaged(&packet);
}

static void require_good(const struct packet *packet, bool sound)
{
    struct packet again = *packet;

    REQUIRE(packet->fate == FATE_OUT || packet->fate == FATE_DROP);
    REQUIRE(packet->fate == FATE_OUT || packet->reason != REASON_NONE);
    if (packet->fate != FATE_OUT)
        return;
    REQUIRE(parse_again(&again) == REASON_NONE);
    REQUIRE(again.length == packet->length);
    REQUIRE(!sound || !fixup_is_damaged(&again));
}

static void run(struct path *path, struct batch *batch, const uint8_t *bytes, size_t length,
                const struct virtio_net *vnet)
{
    struct moment now = {.now_ns = 1, .wall_ns = UINT64_C(1700000000000000000)};
    bool sound = is_sound(bytes, length, vnet);

    batch_reset(batch);
    for (unsigned i = 0; i < 2; i++) {
        memcpy(batch_next_buffer(batch), bytes, length);
        batch_commit_offloaded(batch, length, vnet);
    }
    path_run(path, batch, &now);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->packets[i].fate != FATE_SPLIT)
            require_good(&batch->packets[i], sound);
    }
    for (size_t i = 0; i < batch->segment_count; i++)
        require_good(&batch->segments[i], sound);
    for (size_t i = 0; i < batch->answer_count; i++)
        require_good(&batch->answers[i], true);
}

/* Were every configuration refused, nothing would be tested. */
static void require_that_something_loads(void)
{
    static const char good[] = "[rule a]\nttl = 1\n";
    static bool done;
    struct loaded CLEANUP(loaded_clear) loaded = {.config = NULL};

    if (!done)
        REQUIRE(load(good, strlen(good), &loaded));
    done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct batch *batch;
    const uint8_t *end = memchr(input, '\0', size);
    struct loaded CLEANUP(loaded_clear) loaded = {.config = NULL};
    struct host_view *view;
    struct path *path;
    struct virtio_net vnet;
    size_t left;

    require_that_something_loads();
    if (end == NULL || (size_t)(input + size - end) <= VNET_HEADER + 1)
        return 0;
    left = (size_t)(input + size - end) - 1 - VNET_HEADER;
    if (left > PACKET_CAPACITY || !load(input, (size_t)(end - input), &loaded))
        return 0;
    loaded.ruleset->malformed = MALFORMED_DROP;
    batch = batch != NULL ? batch : batch_new();
    view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    path = path_new(loaded.ruleset, view);
    REQUIRE(batch != NULL && view != NULL && path != NULL);
    vnet = virtio_net_load(end + 1);
    run(path, batch, end + 1 + VNET_HEADER, left, &vnet);
    path_free(path);
    host_view_free(view);
    return 0;
}
