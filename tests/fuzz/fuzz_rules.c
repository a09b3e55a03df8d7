/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any rules on any packet, whatever rules load:
 *   - packets that leave parse again, as long as they came;
 *   - a right checksum stays right and a wrong one wrong, partial ones too;
 *   - a packet for which no rule held that edits leaves byte for byte as it came;
 *   - everything is accounted for;
 *   - the same input once more, with the classifier where there was none and without it where there
 *     was one, leaves the same bytes.
 *
 * Input: the text of a configuration, a NUL, a virtio-net header and the packet, which comes twice.
 */
#include "memory_file.h"
#include "target.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/rules/load.h"
#include "ipmodd/wire/bytes.h"
#include "src/datapath/classifier/classifier.h"
#include "src/datapath/fixup.h"
#include "src/datapath/offload.h"
#include "src/datapath/parse.h"

#include <netinet/in.h>
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

/* What is known of the checksums of a packet. */
enum checksums {
    CHECKSUMS_UNKNOWN, /* a route or an option hides an address that they cover */
    CHECKSUMS_RIGHT,
    CHECKSUMS_WRONG,
};

/* Whether the partial checksum of PACKET is the sum of its pseudo-header: 0 and 0xffff are one. */
static bool is_partial_right(const struct packet *packet)
{
    size_t length = packet->length - packet->l4_offset;
    size_t place = checksum_kind_of(packet->family, packet->proto)->place;
    uint16_t stored = be16_load(packet->data + packet->l4_offset + place);

    return stored % UINT16_MAX == fixup_pseudo_sum(packet, length) % UINT16_MAX;
}

/* Of PACKET, which parsed. */
static enum checksums checksums_of(const struct packet *packet)
{
    if ((packet->flags & (PACKET_SOURCE_ROUTED | PACKET_HOME_ADDRESS)) != 0)
        return CHECKSUMS_UNKNOWN;
    if (fixup_is_damaged(packet))
        return CHECKSUMS_WRONG;
    if ((packet->flags & PACKET_PARTIAL_CHECKSUM) != 0 && !is_partial_right(packet))
        return CHECKSUMS_WRONG;
    return CHECKSUMS_RIGHT;
}

/* A packet that left parses again. */
static struct packet require_whole(const struct packet *packet)
{
    struct packet again = *packet;

    REQUIRE(parse_again(&again) == REASON_NONE);
    REQUIRE(again.length == packet->length);
    return again;
}

static bool is_out(const struct packet *packet)
{
    REQUIRE(packet->fate == FATE_OUT || packet->fate == FATE_DROP || packet->fate == FATE_PARKED);
    REQUIRE(packet->fate != FATE_DROP || packet->reason != REASON_NONE);
    return packet->fate == FATE_OUT;
}

/* Of ORIGIN, as it came, PACKET became. A CRC that happens to become 0 would say that there is
 * none.
 */
static void require_same_truth(const struct packet *packet, const struct packet *origin)
{
    struct packet again = require_whole(packet);
    enum checksums before = checksums_of(origin), after = checksums_of(&again);

    REQUIRE(packet->length == origin->length);
    REQUIRE(before != CHECKSUMS_RIGHT || after == CHECKSUMS_RIGHT);
    REQUIRE(before != CHECKSUMS_WRONG || after == CHECKSUMS_WRONG || packet->proto == IPPROTO_SCTP);
}

/* A part of ORIGIN, or an answer that was made from nothing (NULL). */
static void require_right(const struct packet *packet, const struct packet *origin)
{
    struct packet again;

    if (!is_out(packet))
        return;
    again = require_whole(packet);
    if (origin == NULL || checksums_of(origin) == CHECKSUMS_RIGHT)
        REQUIRE(checksums_of(&again) == CHECKSUMS_RIGHT);
}

static bool may_edit(const struct rule *rule)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        if (rule->actions[i].type->writes != 0 || rule->actions[i].type->needs_flow)
            return true;
    }
    return false;
}

/* Whether a rule held for a packet that may have edited it. */
static bool has_edited(const struct path *path)
{
    const struct ruleset *ruleset = path_ruleset(path);

    for (size_t i = 0; i < ruleset->rule_count; i++) {
        if (may_edit(&ruleset->rules[i]) && path_rule_counters(path, i)->packets > 0)
            return true;
    }
    return false;
}

/* All packets of BATCH were once ORIGIN, or NULL when that does not parse. */
static void require_promises(const struct path *path, const struct batch *batch,
                             const struct packet *origin)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct packet *packet = &batch->packets[i];

        if (packet->fate == FATE_SPLIT || !is_out(packet))
            continue;
        REQUIRE(origin != NULL);
        require_same_truth(packet, origin);
        if (!has_edited(path))
            REQUIRE(memcmp(packet->data, origin->data, origin->length) == 0);
    }
    for (size_t i = 0; i < batch->segment_count; i++)
        require_right(&batch->segments[i], origin);
    for (size_t i = 0; i < batch->answer_count; i++)
        require_right(&batch->answers[i], NULL);
}

/* Nothing is on its way any more: all that came or was made here left, or was dropped as something.
 */
static void require_balance(const struct path *path)
{
    const struct path_counters *counters = path_counters(path);
    uint64_t gone = counters->out;

    for (size_t i = 0; i < REASON_COUNT; i++)
        gone += counters->drops[i];
    REQUIRE(counters->parked == 0 && counters->handed_over == 0);
    REQUIRE(counters->in + counters->generated == gone);
}

static void require_same_packets(const struct packet *a, const struct packet *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        REQUIRE(a[i].fate == b[i].fate && a[i].reason == b[i].reason);
        REQUIRE(a[i].length == b[i].length);
        REQUIRE(memcmp(&a[i].vnet, &b[i].vnet, sizeof(a[i].vnet)) == 0);
        REQUIRE(memcmp(a[i].data, b[i].data, a[i].length) == 0);
    }
}

static void require_same(const struct batch *a, const struct batch *b)
{
    REQUIRE(a->count == b->count && a->segment_count == b->segment_count);
    REQUIRE(a->answer_count == b->answer_count);
    require_same_packets(a->packets, b->packets, a->count);
    require_same_packets(a->segments, b->segments, a->segment_count);
    require_same_packets(a->answers, b->answers, a->answer_count);
}

/* What comes as input: twice in a batch. */
struct arrival {
    const uint8_t *bytes;
    size_t length;
    struct virtio_net vnet;
};

/* Fills BATCH and runs it through a path of its own with RULESET, whose promises are looked at. */
static void run(const struct ruleset *ruleset, const struct arrival *arrival, struct batch *batch)
{
    static uint8_t copy[PACKET_CAPACITY];
    struct moment now = {.now_ns = 1, .wall_ns = UINT64_C(1700000000000000000)};
    struct packet origin = {
        .data = copy, .length = arrival->length, .capacity = sizeof(copy), .vnet = arrival->vnet};
    struct host_view *view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    struct path *path = path_new(ruleset, view);

    REQUIRE(batch != NULL && view != NULL && path != NULL);
    memcpy(copy, arrival->bytes, arrival->length);
    batch_reset(batch);
    for (unsigned i = 0; i < 2; i++) {
        memcpy(batch_next_buffer(batch), arrival->bytes, arrival->length);
        batch_commit_offloaded(batch, arrival->length, &arrival->vnet);
    }
    path_run(path, batch, &now);
    require_promises(path, batch, parse_again(&origin) == REASON_NONE ? &origin : NULL);
    path_finish(path);
    require_balance(path);
    path_free(path);
    host_view_free(view);
}

/* The same once more is the same again, and so it is with a classifier instead of a list. */
static void run_both_ways(struct ruleset *ruleset, const struct arrival *arrival)
{
    static struct batch *first, *second;
    struct ruleset other = *ruleset;

    first = first != NULL ? first : batch_new();
    second = second != NULL ? second : batch_new();
    other.classifier = NULL;
    if (ruleset->classifier == NULL)
        REQUIRE(classifier_new(&other, NULL, &other.classifier) == 0);
    run(ruleset, arrival, first);
    run(&other, arrival, second);
    require_same(first, second);
    if (ruleset->classifier == NULL)
        classifier_free(other.classifier);
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
    const uint8_t *end = memchr(input, '\0', size);
    struct loaded CLEANUP(loaded_clear) loaded = {.config = NULL};
    struct arrival arrival;

    require_that_something_loads();
    if (end == NULL || (size_t)(input + size - end) <= VNET_HEADER + 1)
        return 0;
    arrival = (struct arrival){.bytes = end + 1 + VNET_HEADER,
                               .length = (size_t)(input + size - end) - 1 - VNET_HEADER,
                               .vnet = virtio_net_load(end + 1)};
    if (arrival.length > PACKET_CAPACITY || !load(input, (size_t)(end - input), &loaded))
        return 0;
    loaded.ruleset->malformed = MALFORMED_DROP;
    run_both_ways(loaded.ruleset, &arrival);
    return 0;
}
