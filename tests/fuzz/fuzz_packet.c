/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a packet, any edits as a rule: what leaves parses again and is as right or as wrong
 * as it came, and nothing but headers has changed, unless the edit was one of the payload. What is
 * split has the payload of the whole, in order.
 *
 * Input: one byte with the number of steps, for each step one byte that chooses a setter and four
 * bytes of value, then a virtio-net header and the packet.
 */
#include "target.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/answer.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/path.h"
#include "src/datapath/fixup.h"
#include "src/datapath/offload.h"
#include "src/datapath/parse.h"

#include <string.h>

enum { STEPS_MAX = 8, STEP_SIZE = 5 };

enum step_kind {
    STEP_SRC,
    STEP_DST,
    STEP_SPORT,
    STEP_DPORT,
    STEP_TTL,
    STEP_TOS,
    STEP_DF,
    STEP_MSS,
    STEP_REJECT,
    STEP_ECHO,
    STEP_IP_ID,
    STEP_FLOW_LABEL,
    STEP_WINDOW,
    STEP_TCP_FLAGS,
    STEP_STRIP,
    STEP_SPLIT,
    STEP_PAYLOAD,
    STEP_KIND_COUNT,
};

/* What the one rule does for the present input. */
struct plan {
    const uint8_t *steps; /* STEP_SIZE bytes each */
    size_t count;
};

static struct plan plan;

static struct ip_addr make_addr(enum ip_family family, const uint8_t *value)
{
    struct ip_addr addr = {.family = family};

    memcpy(addr.bytes, value, 4);
    if (family == FAMILY_IPV6)
        memcpy(addr.bytes + 12, value, 4);
    return addr;
}

static bool is_above(const void *value, uint8_t kind)
{
    return kind > *(const uint8_t *)value;
}

static enum step take_step(const uint8_t *step, struct answerer *answerer, struct packet *packet)
{
    const uint8_t *value = step + 1;
    struct ip_addr addr = make_addr(packet->family, value);
    uint16_t number = (uint16_t)(value[0] << 8 | value[1]);

    switch ((enum step_kind)(step[0] % STEP_KIND_COUNT)) {
    case STEP_SRC:
        edit_src(packet, &addr);
        break;
    case STEP_DST:
        edit_dst(packet, &addr);
        break;
    case STEP_SPORT:
        edit_sport(packet, number);
        break;
    case STEP_DPORT:
        edit_dport(packet, number);
        break;
    case STEP_TTL:
        edit_ttl(packet, value[0]);
        break;
    case STEP_TOS:
        edit_tos(packet, value[0]);
        break;
    case STEP_DF:
        edit_df(packet, value[0] % 2 != 0);
        break;
    case STEP_MSS:
        edit_tcp_mss(packet, number);
        break;
    case STEP_REJECT:
        answer_reject(answerer, packet, value[0] % REJECT_KIND_COUNT);
        return STEP_END;
    case STEP_ECHO:
        return answer_echo(answerer, packet) ? STEP_END : STEP_NEXT;
    case STEP_IP_ID:
        edit_ip_id(packet, number);
        break;
    case STEP_FLOW_LABEL:
        edit_flow_label(packet, (uint32_t)number << 8 | value[2]);
        break;
    case STEP_WINDOW:
        edit_tcp_window(packet, number);
        break;
    case STEP_TCP_FLAGS:
        edit_tcp_flags(packet, value[0]);
        break;
    case STEP_STRIP:
        edit_strip_tcp_options(packet, is_above, value);
        break;
    case STEP_PAYLOAD:
        edit_payload(packet, value[0], value + 1, 3);
        break;
    case STEP_SPLIT: /* see takes_whole() */
    case STEP_KIND_COUNT:
        break;
    }
    return STEP_NEXT;
}

static enum step apply_plan(const void *value, const struct action_context *context,
                            struct packet *packet)
{
    const struct plan *steps = value;

    for (size_t i = 0; i < steps->count; i++) {
        if (take_step(steps->steps + i * STEP_SIZE, context->answerer, packet) == STEP_END)
            return STEP_END;
    }
    return STEP_NEXT;
}

/* Only plans without a step that speaks of a single packet take super-packets. */
static bool takes_whole(const void *value)
{
    static const unsigned single = 1u << STEP_SPLIT | 1u << STEP_REJECT | 1u << STEP_ECHO |
                                   1u << STEP_IP_ID | 1u << STEP_TCP_FLAGS | 1u << STEP_PAYLOAD;
    const struct plan *steps = value;

    for (size_t i = 0; i < steps->count; i++) {
        if ((single & 1u << steps->steps[i * STEP_SIZE] % STEP_KIND_COUNT) != 0)
            return false;
    }
    return true;
}

static void keep(void *value)
{
    (void)value;
}

static const struct action_type plan_action = {.key = "plan",
                                               .free = keep,
                                               .apply = apply_plan,
                                               .per_wire_packet = true,
                                               .takes_whole = takes_whole};

/* The path is made once and used for all inputs, as in the daemon. */
static struct path *make_path(void)
{
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_PASS);
    struct host_view *view;
    struct path *path;
    struct rule rule;
    struct ip_addr local;
    struct ip_prefix tun;

    REQUIRE(ip_addr_parse("192.0.2.1", &local) == 0 &&
            ip_prefix_parse("203.0.113.1/24", &tun) == 0);
    view = host_view_new(&local, 1, NULL, 0, &tun, 1);
    REQUIRE(rule_init(&rule, "plan", "fuzz", 1) == 0);
    rule.logs = true;
    rule.log = (struct rule_log){LEVEL_INFO, {1, 1000000000}, 1};
    REQUIRE(rule_add_action(&rule, &plan_action, &plan) == 0);
    REQUIRE(ruleset != NULL && ruleset_add(ruleset, &rule) == 0);
    path = path_new(ruleset, view);
    REQUIRE(view != NULL && path != NULL);
    return path;
}

/* PACKET as parse and offload see it now, with VNET in front. */
static struct packet parsed_again(const struct packet *packet, const struct virtio_net *vnet,
                                  enum reason *ret_fault)
{
    struct packet again = {.data = packet->data,
                           .length = packet->length,
                           .capacity = packet->capacity,
                           .vnet = *vnet};

    *ret_fault = parse_packet(&again);
    if (*ret_fault == REASON_NONE)
        *ret_fault = offload_accept(&again);
    return again;
}

static bool plan_edits_payload(void)
{
    for (size_t i = 0; i < plan.count; i++) {
        if (plan.steps[i * STEP_SIZE] % STEP_KIND_COUNT == STEP_PAYLOAD)
            return true;
    }
    return false;
}

/* Of the same shape as BEFORE, as right or wrong, with the same payload. */
static void require_kept(const struct packet *packet, const struct packet *before)
{
    enum reason fault;
    struct packet again = parsed_again(packet, &packet->vnet, &fault);

    REQUIRE(fault == REASON_NONE);
    REQUIRE(again.family == before->family && again.proto == before->proto);
    REQUIRE(again.flags == before->flags && again.segments == before->segments);
    REQUIRE(again.length == before->length);
    REQUIRE(again.l4_offset == before->l4_offset);
    REQUIRE(again.payload_offset == before->payload_offset);
    REQUIRE(fixup_is_damaged(&again) == fixup_is_damaged(before));
    if ((before->flags & PACKET_HAS_L4) != 0 && !plan_edits_payload())
        REQUIRE(memcmp(again.data + again.payload_offset, before->data + before->payload_offset,
                       before->length - before->payload_offset) == 0);
}

/* A partial checksum is right by definition, but what it is the sum of may not be the packet's. */
static bool can_be_damaged(const struct packet *before)
{
    struct packet whole = *before;
    static uint8_t bytes[PACKET_CAPACITY];

    if (fixup_is_damaged(before) ||
        (before->flags & (PACKET_SOURCE_ROUTED | PACKET_HOME_ADDRESS)) != 0)
        return true;
    memcpy(bytes, before->data, before->length);
    whole.data = bytes;
    fixup_complete(&whole);
    return fixup_is_damaged(&whole);
}

/* SEGMENT, whose payload begins at AT of the payload of BEFORE. */
static void require_good_segment(const struct packet *segment, const struct packet *before,
                                 size_t at)
{
    enum reason fault;
    struct packet again = parsed_again(segment, &segment->vnet, &fault);

    REQUIRE(fault == REASON_NONE);
    REQUIRE(again.family == before->family && again.proto == before->proto);
    REQUIRE(again.segments == 1);
    fixup_complete(&again);
    REQUIRE(again.payload_offset == before->payload_offset);
    if (!plan_edits_payload())
        REQUIRE(memcmp(again.data + again.payload_offset,
                       before->data + before->payload_offset + at,
                       again.length - again.payload_offset) == 0);
    REQUIRE(can_be_damaged(before) || !fixup_is_damaged(&again));
}

static void require_good_segments(const struct batch *batch, const struct packet *before)
{
    const struct packet *packet = &batch->packets[0];
    size_t at = 0;

    REQUIRE(before != NULL && batch->segment_count == before->segments);
    for (size_t i = 0; i < packet->segments; i++) {
        const struct packet *segment = &batch->segments[packet->first_segment + i];

        REQUIRE(segment->fate == FATE_OUT || segment->reason != REASON_NONE);
        require_good_segment(segment, before, at);
        at += segment->length - segment->payload_offset;
    }
    REQUIRE(at == before->length - before->payload_offset);
}

static void require_good_answer(const struct packet *answer, const struct packet *before)
{
    enum reason fault;
    struct packet again = parsed_again(answer, &answer->vnet, &fault);

    REQUIRE(fault == REASON_NONE);
    REQUIRE(again.length == answer->length);
    REQUIRE(!fixup_is_damaged(&again));
    REQUIRE(before != NULL && again.family == before->family);
}

/* BEFORE: the input as parsed by itself, or NULL when it is malformed. */
static void require_good_outcome(const struct batch *batch, const struct packet *before,
                                 const uint8_t *bytes)
{
    const struct packet *packet = &batch->packets[0];

    for (size_t i = 0; i < batch->answer_count; i++)
        require_good_answer(&batch->answers[i], before);
    if (packet->fate == FATE_SPLIT) {
        require_good_segments(batch, before);
        return;
    }
    REQUIRE(packet->fate == FATE_OUT || packet->reason != REASON_NONE);
    REQUIRE(batch->answer_count ==
            (packet->reason == REASON_REJECTED || packet->reason == REASON_ANSWERED));
    if (packet->fate == FATE_OUT && before != NULL)
        require_kept(packet, before);
    if (packet->fate == FATE_OUT && (before == NULL || (packet->flags & PACKET_EDITED) == 0))
        REQUIRE(memcmp(packet->data, bytes, packet->length) == 0);
}

static void run_packet(const struct virtio_net *vnet, const uint8_t *bytes, size_t length)
{
    static struct path *path;
    static struct batch *batch;
    static uint8_t original[PACKET_CAPACITY];
    static uint64_t now_ns;
    struct packet before = {.data = original, .length = length, .capacity = sizeof(original)};
    enum reason fault;

    if (path == NULL) {
        path = make_path();
        batch = batch_new();
        REQUIRE(batch != NULL);
    }
    memcpy(original, bytes, length);
    before = parsed_again(&before, vnet, &fault);
    batch_reset(batch);
    memcpy(batch_next_buffer(batch), bytes, length);
    batch_commit_offloaded(batch, length, vnet);
    path_run(path, batch, &(struct moment){.now_ns = now_ns += 1000000000});
    event_ring_pop(path_events(path));
    require_good_outcome(batch, fault == REASON_NONE ? &before : NULL, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static const uint8_t nothing[1];
    struct virtio_net vnet;
    size_t head;

    if (size == 0)
        return 0;
    plan.count = MIN_OF(input[0] % (STEPS_MAX + 1u), (size - 1) / STEP_SIZE);
    plan.steps = input + 1;
    head = 1 + plan.count * STEP_SIZE;
    if (size - head < VNET_HEADER || size - head - VNET_HEADER > PACKET_CAPACITY)
        return 0;
    vnet = virtio_net_load(input + head);
    head += VNET_HEADER;
    run_packet(&vnet, size > head ? input + head : nothing, size - head);
    return 0;
}
