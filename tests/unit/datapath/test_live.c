/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live input and output, over a pair of datagram sockets in place of a tun device. */
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "path_parts.h"
#include "rulebook.h"
#include "src/datapath/fixup.h"
#include "src/datapath/offload.h"
#include "src/datapath/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct forged forged;

/* Writes of super-packets that fail with EINVAL from now on; what else is written arrives. */
static unsigned refusals;

ssize_t __real_live_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_live_write(int fd, const void *bytes, size_t length);

ssize_t __wrap_live_write(int fd, const void *bytes, size_t length)
{
    if (refusals > 0 && length > VNET_HEADER && ((const uint8_t *)bytes)[VNET_GSO_TYPE] != 0) {
        refusals--;
        errno = EINVAL;
        return -1;
    }
    return __real_live_write(fd, bytes, length);
}

struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
    int tun;    /* the path's end */
    int kernel; /* the other one */
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct ip_addr locals[2];
    int pair[2];

    ip_addr_parse("192.0.2.1", &locals[0]);
    ip_addr_parse("2001:db8:1::1", &locals[1]);
    fixture.view = host_view_new(locals, 2, NULL, 0, NULL, 0);
    fixture.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_PASS);
    fixture.path = path_new(fixture.ruleset, fixture.view);
    fixture.batch = batch_new();
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    fixture.tun = pair[0];
    fixture.kernel = pair[1];
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->tun);
    close(fixture->kernel);
    path_parts_free(fixture->path, fixture->ruleset, fixture->view, fixture->batch);
    return 0;
}

/* As the kernel hands a packet over: VNET in front. */
static void send_bytes(struct fixture *fixture, const struct virtio_net *vnet, const void *bytes,
                       size_t length)
{
    static uint8_t message[VNET_HEADER + FORGED_MAX];

    virtio_net_store(message, vnet);
    memcpy(message + VNET_HEADER, bytes, length);
    assert_int_equal(write(fixture->kernel, message, VNET_HEADER + length), VNET_HEADER + length);
}

static void send_forged(struct fixture *fixture)
{
    send_bytes(fixture, &(struct virtio_net){.flags = 0}, forged.bytes, forged.length);
}

/* The packet that was written, without its header; its length, -1 for nothing. */
static ssize_t receive(struct fixture *fixture, uint8_t *ret_bytes, struct virtio_net *ret_vnet)
{
    static uint8_t message[VNET_HEADER + FORGED_MAX];
    ssize_t length = read(fixture->kernel, message, sizeof(message));

    if (length < 0)
        return -1;
    assert_true(length >= VNET_HEADER);
    *ret_vnet = virtio_net_load(message);
    memcpy(ret_bytes, message + VNET_HEADER, (size_t)length - VNET_HEADER);
    return length - VNET_HEADER;
}

static void forge_udp_packet(enum ip_family family, uint8_t ttl)
{
    forge_ip(&forged, family, IPPROTO_UDP);
    forged.bytes[family == FAMILY_IPV4 ? 8 : 7] = ttl;
    forge_udp(&forged, 20);
    forge_seal(&forged);
}

/* To an address of this host. */
static void turn_around(void)
{
    if (forged.family == FAMILY_IPV4)
        memcpy(forged.bytes + 16, "\xc0\x00\x02\x01", 4);
    else
        memcpy(forged.bytes + 24, forged.bytes + 8, 16);
    forge_seal(&forged);
}

/* One batch in and out. What came out in RET_BYTES; its length, -1 for nothing. */
static ssize_t pass(struct fixture *fixture, uint8_t *ret_bytes)
{
    struct virtio_net vnet;
    ssize_t length;

    send_forged(fixture);
    batch_reset(fixture->batch);
    assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS), 1);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(batch_write(fixture->path, fixture->batch, fixture->tun), 0);
    length = receive(fixture, ret_bytes, &vnet);
    if (length >= 0)
        assert_int_equal(vnet.flags | vnet.gso_type | vnet.gso_size, 0);
    return length;
}

static void assert_balanced(const struct fixture *fixture)
{
    const struct path_counters *counters = path_counters(fixture->path);
    uint64_t gone = counters->out;

    for (size_t i = 0; i < REASON_COUNT; i++)
        gone += counters->drops[i];
    assert_int_equal(counters->in + counters->generated, gone);
}

static void test_read_until_empty(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS), 0);
    for (unsigned i = 0; i < 3; i++) {
        forge_udp_packet(FAMILY_IPV4, (uint8_t)(10 + i));
        send_forged(fixture);
    }
    assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(fixture->batch->packets[i].length, forged.length);
        assert_int_equal(fixture->batch->packets[i].data[8], 10 + i);
    }
}

static void test_read_a_few(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 3; i++) {
        forge_udp_packet(FAMILY_IPV4, (uint8_t)(10 + i));
        send_forged(fixture);
    }
    for (unsigned i = 0; i < 3; i++) {
        batch_reset(fixture->batch);
        assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, 1), 1);
        assert_int_equal(fixture->batch->packets[0].data[8], 10 + i);
    }
}

static void test_read_failure(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(batch_read(fixture->path, fixture->batch, -1, BATCH_PACKETS), -EBADF);
}

static void test_too_long(void **state)
{
    static const uint8_t huge[PACKET_CAPACITY + 1] = {0x45};
    const struct virtio_net nothing = {.flags = 0};
    struct fixture *fixture = *state;

    send_bytes(fixture, &nothing, huge, sizeof(huge));
    send_bytes(fixture, &nothing, huge, PACKET_CAPACITY - 1);
    assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS), 1);
    assert_int_equal(fixture->batch->packets[0].length, 65535);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(path_counters(fixture->path)->in, 2);
    assert_int_equal(path_counters(fixture->path)->drops[REASON_TOO_LONG], 1);
    assert_balanced(fixture);
}

static void test_ttl_is_given_back(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        size_t place = family == FAMILY_IPV4 ? 8 : 7;

        for (unsigned ttl = 0; ttl < 255; ttl++) {
            forge_udp_packet(family, (uint8_t)ttl);
            assert_int_equal(pass(fixture, out), forged.length);
            assert_int_equal(out[place], ttl + 1);
            assert_true(checksums_are_right(out, forged.length, family, IPPROTO_UDP, forged.l4));
        }
    }
    assert_int_equal(path_counters(fixture->path)->ttl_255, 0);
}

static void test_ttl_255_is_counted(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_udp_packet(family, 255);
        assert_int_equal(pass(fixture, out), forged.length);
        assert_memory_equal(out, forged.bytes, forged.length);
        assert_int_equal(path_counters(fixture->path)->ttl_255, family + 1);
    }
}

static void test_ttl_of_what_is_not_forwarded(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_udp_packet(family, 64);
        turn_around();
        assert_int_equal(pass(fixture, out), forged.length);
        assert_memory_equal(out, forged.bytes, forged.length);
    }
}

/* The kernel took one off on the way in, and takes none on the way to a socket. */
static void test_ttl_of_what_comes_in(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    fixture->view->inbound = true;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        size_t place = family == FAMILY_IPV4 ? 8 : 7;

        for (unsigned ttl = 0; ttl < 256; ttl++) {
            forge_udp_packet(family, (uint8_t)ttl);
            turn_around();
            assert_int_equal(pass(fixture, out), forged.length);
            assert_int_equal(out[place], ttl < 255 ? ttl + 1 : 255);
            assert_true(checksums_are_right(out, forged.length, family, IPPROTO_UDP, forged.l4));
        }
    }
    assert_int_equal(path_counters(fixture->path)->ttl_255, 0);
}

/* Cut off in the middle of an address, or of no family: nothing is touched. */
static void test_ttl_of_scraps(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    fixture->view->inbound = true;
    fixture->ruleset->malformed = MALFORMED_PASS;
    forge_udp_packet(FAMILY_IPV4, 64);
    turn_around();
    for (size_t length = 1; length < 20; length++) {
        forged.length = length;
        assert_int_equal(pass(fixture, out), length);
        assert_memory_equal(out, forged.bytes, length);
    }
    forged.length = 20;
    forged.bytes[0] = 0x55;
    assert_int_equal(pass(fixture, out), 20);
    assert_memory_equal(out, forged.bytes, 20);
}

/* What a rule sends on to another host is one hop further on. */
static void test_ttl_of_what_came_in_and_is_sent_on(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];
    struct host_view *elsewhere = host_view_new(NULL, 0, NULL, 0, NULL, 0);

    assert_non_null(elsewhere);
    fixture->view->inbound = true;
    forge_udp_packet(FAMILY_IPV4, 62);
    turn_around();
    send_forged(fixture);
    assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, 1), 1);
    path_set_host_view(fixture->path, elsewhere); /* not its own any more */
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(batch_write(fixture->path, fixture->batch, fixture->tun), 0);
    assert_int_equal(receive(fixture, out, &(struct virtio_net){.flags = 0}), forged.length);
    assert_int_equal(out[8], 63);
    host_view_free(elsewhere);
}

/* A wrong IPv4 header checksum comes out as wrong as it was. */
static void test_wrong_checksum_stays_wrong(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    forge_udp_packet(FAMILY_IPV4, 64);
    forged.bytes[11] = (uint8_t)(forged.bytes[11] + 1);
    assert_int_equal(pass(fixture, out), forged.length);
    assert_int_equal(out[8], 65);
    assert_int_not_equal((unsigned)out[10] << 8 | out[11], naive_ip4_checksum(out));
}

/* Malformed packets that pass: with a good IP header they are forwarded, else left as they are. */
static void test_malformed_that_passes(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    forge_udp_packet(FAMILY_IPV4, 64);
    forged.bytes[25] = 200;
    assert_int_equal(pass(fixture, out), forged.length);
    assert_int_equal(out[8], 65);
    forge_udp_packet(FAMILY_IPV4, 64);
    forged.bytes[0] = 0x44;
    assert_int_equal(pass(fixture, out), forged.length);
    assert_memory_equal(out, forged.bytes, forged.length);
}

static void test_dropped_is_not_written(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    fixture->ruleset->policy = POLICY_DROP;
    forge_udp_packet(FAMILY_IPV6, 64);
    assert_int_equal(pass(fixture, out), -1);
    assert_int_equal(errno, EAGAIN);
}

static void test_answers_are_written(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t out[FORGED_MAX];

    rulebook_add(fixture->ruleset, "reject", NULL, 0, &action_reject, 0);
    path_free(fixture->path);
    fixture->path = path_new(fixture->ruleset, fixture->view);
    forge_udp_packet(FAMILY_IPV4, 64);
    assert_int_equal(pass(fixture, out), 28 + forged.length);
    assert_int_equal(out[8], 64); /* to this host: not forwarded */
    memcpy(forged.bytes + 12, "\xc0\x00\x02\x63", 4);
    forge_seal(&forged);
    assert_int_equal(pass(fixture, out), 28 + forged.length);
    assert_int_equal(out[8], 65); /* to another one */
    assert_balanced(fixture);
}

static void test_write_failure(void **state)
{
    struct fixture *fixture = *state;
    const struct path_counters *counters = path_counters(fixture->path);
    int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(read_only >= 0);
    forge_udp_packet(FAMILY_IPV4, 64);
    send_forged(fixture);
    send_forged(fixture);
    assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS), 2);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(counters->out, 2);
    assert_int_equal(batch_write(fixture->path, fixture->batch, read_only), -EBADF);
    assert_int_equal(counters->out, 0);
    assert_int_equal(counters->out_bytes, 0);
    assert_int_equal(counters->drops[REASON_WRITE_FAILED], 2);
    assert_balanced(fixture);
    close(read_only);
}

static struct virtio_net forge_super(enum ip_family family, uint8_t proto, size_t payload)
{
    forge_ip(&forged, family, proto);
    if (proto == IPPROTO_TCP)
        forge_tcp(&forged, 0x18, NULL, 0, payload);
    else
        forge_udp(&forged, payload);
    return forge_seal_partial(&forged, 1000);
}

/* What batch_read() has, through the rules and out again. */
static void move(struct fixture *fixture)
{
    batch_reset(fixture->batch);
    assert_true(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS) > 0);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(batch_write(fixture->path, fixture->batch, fixture->tun), 0);
}

static void test_super_packets_pass_whole(void **state)
{
    static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP};
    static uint8_t out[FORGED_MAX];
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 4; i++) {
        enum ip_family family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        size_t place = family == FAMILY_IPV4 ? 8 : 7;
        struct virtio_net sent = forge_super(family, protos[i / 2], 5500), got;

        sent.header_length = 7; /* a hint, and not to be relied upon */
        send_bytes(fixture, &sent, forged.bytes, forged.length);
        move(fixture);
        assert_int_equal(receive(fixture, out, &got), forged.length);
        assert_int_equal(out[place], 65);
        assert_memory_equal(out + forged.l4, forged.bytes + forged.l4, forged.length - forged.l4);
        assert_int_equal(got.header_length, forged.length - 5500);
        assert_int_equal(got.flags, sent.flags);
        assert_int_equal(got.gso_type, sent.gso_type);
        assert_int_equal(got.gso_size, sent.gso_size);
        assert_int_equal(got.csum_start, sent.csum_start);
        assert_int_equal(got.csum_offset, sent.csum_offset);
        assert_int_equal(path_counters(fixture->path)->in, 6 * (i + 1));
        assert_balanced(fixture);
    }
    assert_int_equal(path_counters(fixture->path)->out_bytes,
                     path_counters(fixture->path)->in_bytes);
}

/* As the kernel completes it. */
static void complete(uint8_t *bytes, size_t length, const struct virtio_net *vnet)
{
    struct packet packet = {.data = bytes, .length = length, .vnet = *vnet};

    assert_int_equal(vnet->flags, VNET_NEEDS_CSUM);
    assert_int_equal(parse_packet(&packet), REASON_NONE);
    assert_int_equal(offload_accept(&packet), REASON_NONE);
    fixup_complete(&packet);
}

/* Of three segments; a class that is refused. */
static const struct refused {
    enum offload_class class;
    enum ip_family family;
    uint8_t proto;
} refused_ones[] = {
    {OFFLOAD_TCP4, FAMILY_IPV4, IPPROTO_TCP},    {OFFLOAD_TCP6, FAMILY_IPV6, IPPROTO_TCP},
    {OFFLOAD_TCP_ECN, FAMILY_IPV4, IPPROTO_TCP}, {OFFLOAD_TCP_ECN, FAMILY_IPV6, IPPROTO_TCP},
    {OFFLOAD_UDP, FAMILY_IPV4, IPPROTO_UDP},     {OFFLOAD_UDP, FAMILY_IPV6, IPPROTO_UDP},
};

static struct virtio_net forge_refused(const struct refused *refused)
{
    struct virtio_net vnet = forge_super(refused->family, refused->proto, 2500);

    if (refused->class == OFFLOAD_TCP_ECN) {
        vnet.gso_type |= VNET_GSO_ECN;
        forged.bytes[forged.l4 + 13] |= 0x80; /* CWR */
    }
    return vnet;
}

/* Takes the three segments from the device, as they would have been on the wire. */
static void assert_segments(struct fixture *fixture, const struct refused *refused)
{
    static uint8_t out[FORGED_MAX];
    const size_t headers = forged.length - 2500;
    struct virtio_net vnet;

    for (size_t i = 0; i < 3; i++) {
        size_t payload = i < 2 ? 1000 : 500;

        assert_int_equal(receive(fixture, out, &vnet), headers + payload);
        assert_int_equal(vnet.gso_type | vnet.gso_size, 0);
        complete(out, headers + payload, &vnet);
        assert_int_equal(out[refused->family == FAMILY_IPV4 ? 8 : 7], 65);
        assert_memory_equal(out + headers, forged.bytes + headers + 1000 * i, payload);
        assert_true(checksums_are_right(out, headers + payload, refused->family, refused->proto,
                                        forged.l4));
        if (refused->class == OFFLOAD_TCP_ECN)
            assert_int_equal(out[forged.l4 + 13] >> 7, i == 0);
    }
    assert_int_equal(receive(fixture, out, &vnet), -1);
}

/* Of each class; in order, and with the TTL given back once. */
static void test_refused_super_packet_goes_in_segments(void **state)
{
    struct fixture *fixture = *state;
    uint64_t by_class[OFFLOAD_CLASS_COUNT] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(refused_ones); i++) {
        const struct refused *refused = &refused_ones[i];
        struct virtio_net vnet = forge_refused(refused);

        send_bytes(fixture, &vnet, forged.bytes, forged.length);
        refusals = 1;
        move(fixture);
        assert_segments(fixture, refused);
        by_class[refused->class]++;
        assert_int_equal(path_counters(fixture->path)->gso_refused, i + 1);
        for (enum offload_class class = 0; class < OFFLOAD_CLASS_COUNT; class ++)
            assert_int_equal(path_offload_refused(fixture->path, class), by_class[class]);
        assert_int_equal(path_counters(fixture->path)->drops[REASON_WRITE_FAILED], 0);
        assert_balanced(fixture);
    }
    assert_int_equal(path_counters(fixture->path)->out_bytes,
                     path_counters(fixture->path)->in_bytes);
}

static void test_lost_super_packet_counts_as_its_segments(void **state)
{
    struct fixture *fixture = *state;
    struct virtio_net vnet = forge_super(FAMILY_IPV6, IPPROTO_UDP, 2500);
    int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(read_only >= 0);
    send_bytes(fixture, &vnet, forged.bytes, forged.length);
    assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS), 1);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(batch_write(fixture->path, fixture->batch, read_only), -EBADF);
    assert_int_equal(path_counters(fixture->path)->drops[REASON_WRITE_FAILED], 3);
    assert_int_equal(path_counters(fixture->path)->out_bytes, 0);
    assert_balanced(fixture);
    close(read_only);
}

static void test_batch_ends_with_its_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct virtio_net vnet = forge_super(FAMILY_IPV4, IPPROTO_TCP, 60000);

    for (unsigned i = 0; i < 2; i++) {
        send_bytes(fixture, &vnet, forged.bytes, forged.length);
        send_bytes(fixture, &vnet, forged.bytes, forged.length);
        batch_reset(fixture->batch);
        assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS), 2);
        assert_true(batch_is_full(fixture->batch));
    }
}

static void test_no_header(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(write(fixture->kernel, "12345", 5), 5);
    assert_int_equal(batch_read(fixture->path, fixture->batch, fixture->tun, BATCH_PACKETS), 1);
    fixture->ruleset->malformed = MALFORMED_DROP;
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(path_counters(fixture->path)->drops[REASON_EMPTY], 1);
    assert_balanced(fixture);
}

#define LIVE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(test_read_until_empty),
        LIVE_TEST(test_read_a_few),
        LIVE_TEST(test_read_failure),
        LIVE_TEST(test_too_long),
        LIVE_TEST(test_ttl_is_given_back),
        LIVE_TEST(test_ttl_255_is_counted),
        LIVE_TEST(test_ttl_of_what_is_not_forwarded),
        LIVE_TEST(test_ttl_of_what_comes_in),
        LIVE_TEST(test_ttl_of_scraps),
        LIVE_TEST(test_ttl_of_what_came_in_and_is_sent_on),
        LIVE_TEST(test_wrong_checksum_stays_wrong),
        LIVE_TEST(test_malformed_that_passes),
        LIVE_TEST(test_dropped_is_not_written),
        LIVE_TEST(test_answers_are_written),
        LIVE_TEST(test_write_failure),
        LIVE_TEST(test_super_packets_pass_whole),
        LIVE_TEST(test_refused_super_packet_goes_in_segments),
        LIVE_TEST(test_lost_super_packet_counts_as_its_segments),
        LIVE_TEST(test_batch_ends_with_its_bytes),
        LIVE_TEST(test_no_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
