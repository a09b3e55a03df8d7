/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Super-packets and partial checksums: what is believed of the kernel's word, edits of the whole,
 * when a rule has them split, and how they are counted. tests/golden has the segments themselves.
 */
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/path.h"
#include "path_parts.h"
#include "src/datapath/fixup.h"
#include "src/datapath/offload.h"
#include "src/datapath/parse.h"
#include "src/datapath/split.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 1000, PAYLOAD = 2500, SEGMENTS = 3 };

static struct forged forged;

static struct virtio_net forge_super(enum ip_family family, uint8_t proto, uint8_t tcp_flags)
{
    forge_ip(&forged, family, proto);
    if (proto == IPPROTO_TCP)
        forge_tcp(&forged, tcp_flags, NULL, 0, PAYLOAD);
    else
        forge_udp(&forged, PAYLOAD);
    return forge_seal_partial(&forged, SIZE);
}

/* What is forged, as parse and offload see it with VNET in front. */
static enum reason judge(const struct virtio_net *vnet, struct packet *ret_packet)
{
    *ret_packet = forged_packet(&forged);
    ret_packet->vnet = *vnet;
    return offload_accept(ret_packet);
}

static void test_every_class_is_understood(void **state)
{
    static const enum offload_class classes[FAMILY_COUNT][2] = {
        [FAMILY_IPV4] = {OFFLOAD_TCP4, OFFLOAD_UDP},
        [FAMILY_IPV6] = {OFFLOAD_TCP6, OFFLOAD_UDP},
    };
    struct packet packet;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        for (unsigned i = 0; i < 2; i++) {
            struct virtio_net vnet = forge_super(family, i == 0 ? IPPROTO_TCP : IPPROTO_UDP, 0x10);

            assert_int_equal(judge(&vnet, &packet), REASON_NONE);
            assert_int_equal(packet.segments, SEGMENTS);
            assert_int_equal(offload_class_of(&packet), classes[family][i]);
            assert_int_equal(packet_wire_bytes(&packet),
                             PAYLOAD + SEGMENTS * (forged.length - PAYLOAD));
            vnet.gso_size = PAYLOAD;
            assert_int_equal(judge(&vnet, &packet), REASON_NONE);
            assert_int_equal(packet.segments, 1);
        }
    }
    packet.vnet.gso_type = VNET_GSO_TCP6 | VNET_GSO_ECN;
    assert_int_equal(offload_class_of(&packet), OFFLOAD_TCP_ECN);
}

/* One thing wrong at a time. */
static void test_contradictions_are_refused(void **state)
{
    const struct virtio_net good = forge_super(FAMILY_IPV4, IPPROTO_TCP, 0x10);
    struct virtio_net bad[] = {good, good, good, good, good, good, good, good, good};
    struct packet packet;

    (void)state;
    bad[0].gso_size = 0;
    bad[1].gso_type = VNET_GSO_TCP6;
    bad[2].gso_type = VNET_GSO_UDP;
    bad[3].gso_type = 3; /* UDP fragmentation, which is not asked for */
    bad[4].gso_type = VNET_GSO_ECN;
    bad[5].flags = 0;
    bad[6].csum_start = (uint16_t)(forged.l4 + 1);
    bad[7].csum_offset = 6;
    bad[8].csum_start = (uint16_t)(forged.length - 1);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(judge(&bad[i], &packet), REASON_BAD_OFFLOAD);
    assert_int_equal(judge(&good, &packet), REASON_NONE);
}

static void test_too_many_segments(void **state)
{
    struct virtio_net vnet;
    struct packet packet;

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, 0x10, NULL, 0, OFFLOAD_SEGMENTS_MAX + 1);
    vnet = forge_seal_partial(&forged, 1);
    assert_int_equal(judge(&vnet, &packet), REASON_BAD_OFFLOAD);
    vnet.gso_size = 2;
    assert_int_equal(judge(&vnet, &packet), REASON_NONE);
}

/* A UDP length that leaves bytes behind: the kernel could not cut those. */
static void test_udp_length(void **state)
{
    struct virtio_net vnet = forge_super(FAMILY_IPV6, IPPROTO_UDP, 0);
    struct packet packet;

    (void)state;
    forged.bytes[forged.l4 + 5]--;
    assert_int_equal(judge(&vnet, &packet), REASON_BAD_OFFLOAD);
}

static void test_fragment(void **state)
{
    struct virtio_net vnet = forge_super(FAMILY_IPV4, IPPROTO_TCP, 0x10);
    struct packet packet;

    (void)state;
    forged.bytes[6] |= 0x20;
    assert_int_equal(judge(&vnet, &packet), REASON_BAD_OFFLOAD);
}

/* The partial checksum of an inner packet is none of ours, and goes back as it came. */
static void test_foreign_partial_checksum(void **state)
{
    struct virtio_net vnet = forge_super(FAMILY_IPV4, IPPROTO_UDP, 0);
    struct packet packet;

    (void)state;
    forge_seal(&forged);
    vnet.gso_type = VNET_GSO_NONE;
    vnet.csum_start = (uint16_t)(vnet.csum_start + 40);
    assert_int_equal(judge(&vnet, &packet), REASON_NONE);
    assert_int_equal(packet.flags & PACKET_PARTIAL_CHECKSUM, 0);
    assert_int_equal(packet.segments, 1);
    edit_dport(&packet, 4711);
    fixup_packet(&packet);
    assert_true(checksums_are_right(packet.data, packet.length, packet.family, packet.proto,
                                    packet.l4_offset));
}

static void edit_everything(struct packet *packet)
{
    struct ip_addr addr;

    assert_int_equal(
        ip_addr_parse(packet->family == FAMILY_IPV4 ? "203.0.113.77" : "2001:db8:77::7", &addr), 0);
    assert_true(edit_src(packet, &addr));
    addr.bytes[3] ^= 0x5a;
    assert_true(edit_dst(packet, &addr));
    assert_true(edit_sport(packet, 65535));
    assert_true(edit_dport(packet, 1));
    assert_true(edit_tos(packet, 0xb8));
    assert_true(edit_ttl(packet, 3));
}

static void test_partial_checksum_of_a_single_packet(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        enum ip_family family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        struct virtio_net vnet = forge_super(family, i < 2 ? IPPROTO_TCP : IPPROTO_UDP, 0x02);
        uint32_t before = stored_l4_checksum(forged.bytes, forged.proto, forged.l4);
        struct packet packet;

        vnet.gso_type = VNET_GSO_NONE;
        assert_int_equal(judge(&vnet, &packet), REASON_NONE);
        assert_int_equal(packet.segments, 1);
        assert_false(fixup_is_damaged(&packet));
        edit_dport(&packet, 4711);
        fixup_packet(&packet);
        assert_int_equal(stored_l4_checksum(forged.bytes, forged.proto, forged.l4), before);
        edit_everything(&packet);
        fixup_packet(&packet);
        assert_int_equal(packet.flags & PACKET_PARTIAL_CHECKSUM, PACKET_PARTIAL_CHECKSUM);
        fixup_complete(&packet);
        assert_int_equal(packet.flags & PACKET_PARTIAL_CHECKSUM, 0);
        assert_true(checksums_are_right(packet.data, packet.length, family, packet.proto,
                                        packet.l4_offset));
    }
}

/* One packet of the batch, ready to be split. */
static struct packet *take(struct batch *batch, const struct virtio_net *vnet)
{
    struct packet *packet = &batch->packets[batch->count];

    memcpy(batch_next_buffer(batch), forged.bytes, forged.length);
    batch_commit_offloaded(batch, forged.length, vnet);
    assert_int_equal(parse_packet(packet), REASON_NONE);
    assert_int_equal(offload_accept(packet), REASON_NONE);
    return packet;
}

static void assert_same_segments(const struct batch *batch)
{
    for (size_t i = 0; i < SEGMENTS; i++) {
        struct packet *a = &batch->segments[i];
        const struct packet *b = &batch->segments[SEGMENTS + i];

        assert_int_equal(a->length, b->length);
        assert_memory_equal(a->data, b->data, a->length);
        fixup_complete(a);
        assert_true(checksums_are_right(a->data, a->length, a->family, a->proto, a->l4_offset));
    }
}

/* Edited and then split is the same as split and then edited. */
static void test_edits_of_the_whole_are_edits_of_each(void **state)
{
    struct path_parts *fixture = *state;

    for (unsigned i = 0; i < 4; i++) {
        enum ip_family family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        struct virtio_net vnet = forge_super(family, i < 2 ? IPPROTO_TCP : IPPROTO_UDP, 0x19);
        struct packet *whole, *parts;

        batch_reset(fixture->batch);
        whole = take(fixture->batch, &vnet);
        edit_everything(whole);
        fixup_packet(whole);
        split_packet(whole, fixture->batch);
        parts = take(fixture->batch, &vnet);
        split_packet(parts, fixture->batch);
        for (size_t k = 0; k < SEGMENTS; k++) {
            edit_everything(&fixture->batch->segments[SEGMENTS + k]);
            fixup_packet(&fixture->batch->segments[SEGMENTS + k]);
        }
        assert_same_segments(fixture->batch);
    }
}

/* A wrong IPv4 header checksum is as wrong in every segment. */
static void test_wrong_ip_checksum_stays_wrong(void **state)
{
    struct path_parts *fixture = *state;
    struct virtio_net vnet = forge_super(FAMILY_IPV4, IPPROTO_TCP, 0x10);

    forged.bytes[11]++;
    split_packet(take(fixture->batch, &vnet), fixture->batch);
    for (size_t i = 0; i < SEGMENTS; i++)
        assert_true(fixup_is_damaged(&fixture->batch->segments[i]));
}

static void add_match(struct rule *rule, const struct match_type *type, const char *text)
{
    struct scope scope = scope_all();
    struct value_error error;
    void *value;

    assert_int_equal(type->parse(text, &scope, &value, &error), 0);
    assert_int_equal(rule_add_match(rule, type, value), 0);
}

static void add_action(struct rule *rule, const char *key, const char *text)
{
    const struct action_type *type = action_type_find(key);
    struct scope scope = scope_all();
    struct value_error error;
    void *value;

    assert_int_equal(type->parse(text, &scope, &value, &error), 0);
    assert_int_equal(rule_add_action(rule, type, value), 0);
}

static struct rule new_rule(void)
{
    struct rule rule;

    assert_int_equal(rule_init(&rule, "test", "test.conf", 1), 0);
    return rule;
}

/* A rule of the real language: MATCH = VALUE unless that is NULL, ACTION = ACTION_VALUE. */
static void add_rule(struct path_parts *fixture, const char *match, const char *value,
                     const char *action, const char *action_value)
{
    struct rule rule = new_rule();

    if (match != NULL)
        add_match(&rule, match_type_find(match), value);
    add_action(&rule, action, action_value);
    assert_int_equal(ruleset_add(fixture->ruleset, &rule), 0);
}

/* Runs what is forged through the rules; the packet with its fate. */
static const struct packet *run(struct path_parts *fixture, const struct virtio_net *vnet)
{
    path_free(fixture->path);
    fixture->path = path_new(fixture->ruleset, fixture->view);
    assert_non_null(fixture->path);
    batch_reset(fixture->batch);
    memcpy(batch_next_buffer(fixture->batch), forged.bytes, forged.length);
    batch_commit_offloaded(fixture->batch, forged.length, vnet);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    return &fixture->batch->packets[0];
}

static const struct path_counters *counters(const struct path_parts *fixture)
{
    return path_counters(fixture->path);
}

/* Whether the TTLs of the segments that leave, first to last, are those in EXPECTED. */
static void assert_ttls(const struct path_parts *fixture, const uint8_t expected[SEGMENTS])
{
    assert_int_equal(fixture->batch->packets[0].fate, FATE_SPLIT);
    assert_int_equal(fixture->batch->segment_count, SEGMENTS);
    for (size_t i = 0; i < SEGMENTS; i++) {
        struct packet *segment = &fixture->batch->segments[i];

        assert_int_equal(segment->fate, FATE_OUT);
        assert_int_equal(packet_ttl(segment), expected[i]);
        fixup_complete(segment);
        assert_false(fixup_is_damaged(segment));
    }
    assert_int_equal(counters(fixture)->split, 1);
}

static void test_whole_packet_rules_do_not_split(void **state)
{
    struct path_parts *fixture = *state;
    struct virtio_net vnet = forge_super(FAMILY_IPV4, IPPROTO_TCP, 0x10);
    const struct packet *packet;

    add_rule(fixture, "proto", "tcp", "set-ttl", "9");
    add_rule(fixture, "dport", "80", "set-dst", "203.0.113.9");
    packet = run(fixture, &vnet);
    assert_int_equal(packet->fate, FATE_OUT);
    assert_int_equal(packet->segments, SEGMENTS);
    assert_int_equal(packet_ttl(packet), 9);
    assert_int_equal(counters(fixture)->in, SEGMENTS);
    assert_int_equal(counters(fixture)->out, SEGMENTS);
    assert_int_equal(counters(fixture)->edited, SEGMENTS);
    assert_int_equal(counters(fixture)->split, 0);
    assert_int_equal(counters(fixture)->in_bytes, PAYLOAD + SEGMENTS * 40);
    assert_int_equal(path_rule_counters(fixture->path, 0)->packets, SEGMENTS);
    assert_int_equal(path_rule_counters(fixture->path, 0)->bytes, PAYLOAD + SEGMENTS * 40);
}

/* Segments of 1,040, 1,040 and 540 bytes. */
/* FORGED with its payload where nobody may look; the packet of the batch is there. */
static uint8_t *hide_payload(struct path_parts *fixture, const struct virtio_net *vnet,
                             size_t payload)
{
    size_t headers = forged.length - payload;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory =
        mmap(NULL, page + FORGED_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory + page, FORGED_MAX, PROT_NONE), 0);
    memcpy(memory + page - headers, forged.bytes, headers);
    batch_reset(fixture->batch);
    batch_commit_offloaded(fixture->batch, forged.length, vnet);
    fixture->batch->packets[0].data = memory + page - headers;
    return memory;
}

/* Edits of headers neither read nor write a byte of payload: that would end this program. */
static void test_payload_is_not_touched(void **state)
{
    struct path_parts *fixture = *state;

    add_rule(fixture, NULL, NULL, "set-ttl", "33");
    add_rule(fixture, NULL, NULL, "set-dscp", "ef");
    add_rule(fixture, NULL, NULL, "set-dport", "4711");
    fixture->path = path_new(fixture->ruleset, fixture->view);
    for (unsigned i = 0; i < 4; i++) {
        enum ip_family family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        struct virtio_net vnet = forge_super(family, i < 2 ? IPPROTO_TCP : IPPROTO_UDP, 0x18);
        uint8_t *memory = hide_payload(fixture, &vnet, PAYLOAD);

        path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
        assert_int_equal(fixture->batch->packets[0].fate, FATE_OUT);
        assert_int_equal(packet_ttl(&fixture->batch->packets[0]), 33);
        assert_int_equal(packet_dport(&fixture->batch->packets[0]), 4711);
        munmap(memory, (size_t)sysconf(_SC_PAGESIZE) + FORGED_MAX);
    }
    assert_int_equal(counters(fixture)->edited, 4 * SEGMENTS);
}

static void test_length(void **state)
{
    static const struct {
        const char *value;
        bool holds_for_some;
        uint8_t ttl; /* of all, when it holds for all or none */
    } cases[] = {
        {"540, 1040", false, 9}, {"500-1040", false, 9},     {"2000-65535", false, 64},
        {"541-1039", false, 64}, {"!540, !1040", false, 64}, {"540", true, 0},
    };
    struct path_parts *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct virtio_net vnet = forge_super(FAMILY_IPV4, IPPROTO_TCP, 0x10);

        ruleset_free(fixture->ruleset);
        fixture->ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
        add_rule(fixture, "length", cases[i].value, "set-ttl", "9");
        if (!cases[i].holds_for_some) {
            assert_int_equal(packet_ttl(run(fixture, &vnet)), cases[i].ttl);
            assert_int_equal(counters(fixture)->split, 0);
            continue;
        }
        run(fixture, &vnet);
        assert_ttls(fixture, (const uint8_t[]){64, 64, 9});
        assert_int_equal(path_rule_counters(fixture->path, 0)->packets, 1);
        assert_int_equal(path_rule_counters(fixture->path, 0)->bytes, 540);
    }
}

static void test_tcp_flags(void **state)
{
    static const struct {
        const char *value;
        uint8_t flags; /* of the super-packet */
        uint8_t ttls[SEGMENTS];
        bool split;
    } cases[] = {
        {"ack", 0x19, {9, 9, 9}, false},         {"syn", 0x19, {64, 64, 64}, false},
        {"psh", 0x10, {64, 64, 64}, false},      {"!psh", 0x10, {9, 9, 9}, false},
        {"psh", 0x18, {64, 64, 9}, true},        {"fin, rst", 0x11, {64, 64, 9}, true},
        {"cwr", 0x90, {9, 64, 64}, true},        {"!cwr", 0x90, {64, 9, 9}, true},
        {"!cwr, !psh", 0x98, {64, 9, 64}, true},
    };
    struct path_parts *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct virtio_net vnet = forge_super(FAMILY_IPV6, IPPROTO_TCP, cases[i].flags);
        const struct packet *packet;

        ruleset_free(fixture->ruleset);
        fixture->ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
        add_rule(fixture, "tcp-flags", cases[i].value, "set-ttl", "9");
        packet = run(fixture, &vnet);
        if (cases[i].split)
            assert_ttls(fixture, cases[i].ttls);
        else
            assert_int_equal(packet_ttl(packet), cases[i].ttls[0]);
        assert_int_equal(counters(fixture)->split, cases[i].split);
    }
}

static bool never(const void *value, const struct match_context *context,
                  const struct packet *packet)
{
    (void)context;
    (void)value;
    assert_int_equal(packet->segments, 1);
    return false;
}

static void keep(void *value)
{
    (void)value;
}

/* A match that only a split tells about, behind one that decides for the whole. */
static void test_split_is_put_off(void **state)
{
    static const struct match_type single = {
        .key = "single", .free = keep, .test = never, .per_wire_packet = true};
    struct path_parts *fixture = *state;
    struct virtio_net vnet = forge_super(FAMILY_IPV4, IPPROTO_UDP, 0);
    struct rule rule = new_rule();

    assert_int_equal(rule_add_match(&rule, &single, NULL), 0);
    add_match(&rule, match_type_find("dport"), "81");
    assert_int_equal(ruleset_add(fixture->ruleset, &rule), 0);
    assert_int_equal(run(fixture, &vnet)->fate, FATE_OUT);
    add_rule(fixture, NULL, NULL, "set-ttl", "7");
    rule = new_rule();
    assert_int_equal(rule_add_match(&rule, &single, NULL), 0);
    assert_int_equal(ruleset_add(fixture->ruleset, &rule), 0);
    run(fixture, &vnet);
    assert_ttls(fixture, (const uint8_t[]){7, 7, 7});
    assert_int_equal(counters(fixture)->edited, SEGMENTS);
    assert_int_equal(path_rule_counters(fixture->path, 1)->packets, SEGMENTS);
    assert_int_equal(path_rule_counters(fixture->path, 2)->packets, 0);
}

static void test_drops_count_segments(void **state)
{
    struct path_parts *fixture = *state;
    struct virtio_net vnet = forge_super(FAMILY_IPV4, IPPROTO_TCP, 0x10);

    add_rule(fixture, NULL, NULL, "verdict", "drop");
    assert_int_equal(run(fixture, &vnet)->fate, FATE_DROP);
    assert_int_equal(counters(fixture)->drops[REASON_RULE], SEGMENTS);
    assert_int_equal(counters(fixture)->split, 0);
}

/* As without offload: every wire packet is refused by itself. */
static void test_reject_answers_each_wire_packet(void **state)
{
    struct path_parts *fixture = *state;

    add_rule(fixture, NULL, NULL, "verdict", "reject");
    for (unsigned i = 0; i < 2; i++) {
        uint8_t proto = i == 0 ? IPPROTO_TCP : IPPROTO_UDP;
        struct virtio_net vnet = forge_super(FAMILY_IPV4, proto, 0x10);

        run(fixture, &vnet);
        assert_int_equal(counters(fixture)->drops[REASON_REJECTED], SEGMENTS);
        assert_int_equal(counters(fixture)->generated, SEGMENTS);
        assert_int_equal(fixture->batch->answer_count, SEGMENTS);
        for (size_t k = 0; k < SEGMENTS; k++) {
            assert_int_equal(fixture->batch->answers[k].fate, FATE_OUT);
            assert_false(fixup_is_damaged(&fixture->batch->answers[k]));
        }
    }
}

/* However many segments a batch has, there is room for what may be answered of them. */
static void test_rejections_are_limited(void **state)
{
    struct path_parts *fixture = *state;
    struct virtio_net vnet;

    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, 0x10, NULL, 0, OFFLOAD_SEGMENTS_MAX);
    vnet = forge_seal_partial(&forged, 1);
    add_rule(fixture, NULL, NULL, "verdict", "reject");
    run(fixture, &vnet);
    assert_int_equal(counters(fixture)->drops[REASON_REJECTED], ANSWER_BURST);
    assert_int_equal(counters(fixture)->drops[REASON_REJECT_LIMITED],
                     OFFLOAD_SEGMENTS_MAX - ANSWER_BURST);
}

/* The most segments that a batch can be made to have, all of them split. */
static void test_batch_has_room_for_all_segments(void **state)
{
    struct path_parts *fixture = *state;
    struct virtio_net vnet;
    size_t expected = 0;

    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, 0x10, NULL, 0, OFFLOAD_SEGMENTS_MAX - 1);
    vnet = forge_seal_partial(&forged, 1);
    batch_reset(fixture->batch);
    while (!batch_is_full(fixture->batch)) {
        split_packet(take(fixture->batch, &vnet), fixture->batch);
        expected += OFFLOAD_SEGMENTS_MAX - 1;
    }
    assert_int_equal(fixture->batch->segment_count, expected);
    assert_null(batch_next_buffer(fixture->batch));
}

#define OFFLOAD_TEST(name) \
    cmocka_unit_test_setup_teardown(name, path_parts_set_up, path_parts_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLOAD_TEST(test_every_class_is_understood),
        OFFLOAD_TEST(test_contradictions_are_refused),
        OFFLOAD_TEST(test_too_many_segments),
        OFFLOAD_TEST(test_udp_length),
        OFFLOAD_TEST(test_fragment),
        OFFLOAD_TEST(test_foreign_partial_checksum),
        OFFLOAD_TEST(test_partial_checksum_of_a_single_packet),
        OFFLOAD_TEST(test_edits_of_the_whole_are_edits_of_each),
        OFFLOAD_TEST(test_wrong_ip_checksum_stays_wrong),
        OFFLOAD_TEST(test_whole_packet_rules_do_not_split),
        OFFLOAD_TEST(test_payload_is_not_touched),
        OFFLOAD_TEST(test_length),
        OFFLOAD_TEST(test_tcp_flags),
        OFFLOAD_TEST(test_split_is_put_off),
        OFFLOAD_TEST(test_drops_count_segments),
        OFFLOAD_TEST(test_reject_answers_each_wire_packet),
        OFFLOAD_TEST(test_rejections_are_limited),
        OFFLOAD_TEST(test_batch_has_room_for_all_segments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
