/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows in several paths: whatever path a packet comes to, it is worked on where its flow is. */
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/datapath/shards.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/tcp.h"
#include "real_rule.h"
#include "shards.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

enum { PATHS = 4, L4 = 20, SRC = 12, DST = 16 };

struct fixture {
    struct host_view *view;
    struct ruleset *rulesets[PATHS];
    struct shards *shards;
    struct path *paths[PATHS];
    struct batch *batches[PATHS];
};

static struct forged forged, answer;

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.view = host_view_new(NULL, 0, NULL, 0, NULL, 0)};
    *state = &fixture;
    return fixture.view == NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < PATHS; i++) {
        path_free(fixture->paths[i]);
        batch_free(fixture->batches[i]);
        ruleset_free(fixture->rulesets[i]);
    }
    if (fixture->shards != NULL)
        assert_int_equal(directory_count(shards_directory(fixture->shards)), 0);
    shards_free(fixture->shards);
    host_view_free(fixture->view);
    return 0;
}

/* Paths with KEY = VALUE for what has MATCH = WANTED (NULL: for everything); the last one is
 * STATELESS. */
static void start_for(struct fixture *fixture, const char *match, const char *wanted,
                      const char *key, const char *value, bool stateless)
{
    fixture->shards = shards_new(PATHS, PATHS * 1024, 7);
    assert_non_null(fixture->shards);
    for (unsigned i = 0; i < PATHS; i++) {
        fixture->rulesets[i] = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
        fixture->rulesets[i]->flows.max = 1024;
        if (!stateless || i < PATHS - 1)
            real_rule_add(fixture->rulesets[i], key, match, wanted, key, value);
        fixture->paths[i] = path_new(fixture->rulesets[i], fixture->view);
        path_join(fixture->paths[i], fixture->shards, i);
        path_set_seed(fixture->paths[i], i);
        fixture->batches[i] = batch_new();
    }
}

static void start(struct fixture *fixture, const char *key, const char *value, bool stateless)
{
    start_for(fixture, NULL, NULL, key, value, stateless);
}

static uint64_t sum_in(const struct fixture *fixture)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < PATHS; i++)
        sum += path_counters(fixture->paths[i])->in;
    return sum;
}

static void run(const struct fixture *fixture, unsigned number)
{
    path_run(fixture->paths[number], fixture->batches[number],
             &(struct moment){.now_ns = UINT64_C(1000000000)});
}

/*
 * WHAT comes to path AT; the packet where it is worked on, and RET_WHERE that is. Each packet
 * counts once.
 */
static const struct packet *deliver(struct fixture *fixture, unsigned at, const struct forged *what,
                                    unsigned *ret_where)
{
    uint64_t before = sum_in(fixture);

    batch_reset(fixture->batches[at]);
    memcpy(batch_next_buffer(fixture->batches[at]), what->bytes, what->length);
    batch_commit(fixture->batches[at], what->length);
    run(fixture, at);
    for (int hops = 0; fixture->batches[at]->packets[0].fate == FATE_HANDED; hops++) {
        unsigned woken = path_push_handed(fixture->paths[at]);

        assert_true(hops < 2); /* where fragments meet, and where the flow is */
        at = fixture->batches[at]->packets[0].shard;
        assert_int_equal(woken, 1u << at);
        assert_true(path_is_told(fixture->paths[at]));
        batch_reset(fixture->batches[at]);
        batch_take_handed(fixture->paths[at], fixture->batches[at]);
        assert_int_equal(fixture->batches[at]->count, 1);
        run(fixture, at);
    }
    assert_int_equal(path_push_handed(fixture->paths[at]), 0);
    assert_int_equal(sum_in(fixture), before + 1);
    *ret_where = at;
    return &fixture->batches[at]->packets[0];
}

static void forge_from(uint8_t proto, uint16_t sport, uint16_t dport)
{
    forge_ip(&forged, FAMILY_IPV4, proto);
    if (proto == IPPROTO_TCP)
        forge_tcp(&forged, TCP_FLAG_SYN, NULL, 0, 0);
    else
        forge_l4(&forged, 8);
    be16_store(forged.bytes + L4, sport);
    be16_store(forged.bytes + L4 + 2, dport);
    forge_seal(&forged);
}

/* What answers to the PACKET that left. */
static void forge_answer(const struct packet *packet)
{
    answer = forged;
    memcpy(answer.bytes + SRC, packet->data + DST, 4);
    memcpy(answer.bytes + DST, packet->data + SRC, 4);
    memcpy(answer.bytes + L4, packet->data + L4 + 2, 2);
    memcpy(answer.bytes + L4 + 2, packet->data + L4, 2);
    if (answer.proto == IPPROTO_TCP)
        answer.bytes[L4 + 13] = TCP_FLAG_SYN | TCP_FLAG_ACK;
    forge_seal(&answer);
}

/* PACKET goes to the forged one's sender. */
static void assert_comes_back(const struct packet *packet)
{
    assert_int_equal(packet->fate, FATE_OUT);
    assert_memory_equal(packet->data + DST, forged.bytes + SRC, 4);
    assert_memory_equal(packet->data + SRC, forged.bytes + DST, 4);
    assert_memory_equal(packet->data + L4, forged.bytes + L4 + 2, 2);
    assert_memory_equal(packet->data + L4 + 2, forged.bytes + L4, 2);
}

/* COUNT flows begin at all paths in turn; answers and further packets come to each. */
static void assert_all_find_home(struct fixture *fixture, uint8_t proto, unsigned count)
{
    uint8_t seen[UINT16_MAX + 1] = {0};

    for (uint16_t i = 0; i < count; i++) {
        const struct packet *packet;
        unsigned home, where;

        forge_from(proto, (uint16_t)(30000 + i), 80);
        packet = deliver(fixture, i % PATHS, &forged, &home);
        assert_int_equal(home, i % PATHS);
        assert_int_equal(packet->fate, FATE_OUT);
        assert_int_equal(seen[be16_load(packet->data + L4)]++, 0);
        forge_answer(packet);
        for (unsigned at = 0; at < PATHS; at++) {
            assert_comes_back(deliver(fixture, at, &answer, &where));
            assert_int_equal(where, home);
            packet = deliver(fixture, at, &forged, &where);
            assert_int_equal(packet->fate, FATE_OUT);
            assert_int_equal(where, home);
        }
    }
}

static void test_answers_find_their_flow(void **state)
{
    start(*state, "snat", "203.0.113.7", false);
    assert_all_find_home(*state, IPPROTO_TCP, 100);
}

/* No port is left out, and none is given twice. */
static void test_narrow_range_is_used_up(void **state)
{
    struct fixture *fixture = *state;
    const struct packet *packet;
    unsigned where;

    start(fixture, "snat", "203.0.113.7:55666-55680", false);
    assert_all_find_home(fixture, IPPROTO_UDP, 15);
    forge_from(IPPROTO_UDP, 40000, 80);
    for (unsigned at = 0; at < PATHS; at++) {
        packet = deliver(fixture, at, &forged, &where);
        assert_int_equal(packet->reason, REASON_NAT_EXHAUSTED);
    }
}

/* WHAT with another sender or receiver, this host, and these flags. */
static struct forged with_host(const struct forged *what, size_t end, uint8_t flags)
{
    static const uint8_t host[] = {203, 0, 113, 7};
    struct forged made = *what;

    memcpy(made.bytes + end, host, sizeof(host));
    made.bytes[L4 + 13] = flags;
    forge_seal(&made);
    return made;
}

/*
 * RFC 5382 REQ-4. This host refuses what comes from outside to path 0, and the other half of the
 * simultaneous open comes from inside to path 1: it has the same port, and both are one flow.
 */
static void test_refused_from_outside(void **state)
{
    struct fixture *fixture = *state;
    struct forged stray, reset;
    struct ip_addr host;
    unsigned where;

    assert_int_equal(ip_addr_parse("203.0.113.7", &host), 0);
    host_view_free(fixture->view);
    fixture->view = host_view_new(&host, 1, NULL, 0, NULL, 0);
    start_for(fixture, "src", "192.0.2.0/24", "snat", "203.0.113.7", false);
    for (uint16_t port = 30000; port < 30000 + PATHS; port++) {
        unsigned inside = port % PATHS;

        forge_from(IPPROTO_TCP, port, 80);
        reset = with_host(&forged, SRC, TCP_FLAG_RST | TCP_FLAG_ACK);
        forge_answer(&(struct packet){.data = reset.bytes});
        stray = with_host(&answer, DST, TCP_FLAG_SYN);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(deliver(fixture, 0, &stray, &where)->fate, FATE_OUT);
            assert_int_equal(deliver(fixture, 0, &reset, &where)->reason, REASON_NAT_RESET_HELD);
        }
        assert_int_equal(be16_load(deliver(fixture, inside, &forged, &where)->data + L4), port);
        assert_int_equal(where, inside);
        assert_comes_back(deliver(fixture, 0, &stray, &where));
        assert_int_equal(where, inside);
    }
}

static void test_another_destination_port(void **state)
{
    struct fixture *fixture = *state;
    const struct packet *packet;
    unsigned home, where;

    start(fixture, "dnat", "203.0.113.7:8080", false);
    forge_from(IPPROTO_TCP, 40000, 80);
    packet = deliver(fixture, 1, &forged, &home);
    assert_int_equal(be16_load(packet->data + L4 + 2), 8080);
    forge_answer(packet);
    for (unsigned at = 0; at < PATHS; at++) {
        assert_comes_back(deliver(fixture, at, &answer, &where));
        assert_int_equal(where, home);
    }
}

/* RFC 4787 REQ-1, from whatever paths an internal port sends; and a stranger may answer to it. */
static void test_mappings_are_shared(void **state)
{
    struct fixture *fixture = *state;
    const struct packet *packet;
    uint16_t port = 0;
    unsigned where;

    start(fixture, "snat", "203.0.113.7:2000-3000", false);
    for (unsigned at = 0; at < PATHS; at++) {
        forge_from(IPPROTO_UDP, 40000, (uint16_t)(80 + at));
        packet = deliver(fixture, at, &forged, &where);
        assert_int_equal(where, at);
        if (at > 0)
            assert_int_equal(be16_load(packet->data + L4), port);
        port = be16_load(packet->data + L4);
    }
    forge_from(IPPROTO_UDP, 40000, 99);
    forge_answer(packet);
    be16_store(answer.bytes + L4, 99);
    forge_seal(&answer);
    packet = deliver(fixture, 2, &answer, &where);
    assert_memory_equal(packet->data + DST, forged.bytes + SRC, 4);
    assert_int_equal(be16_load(packet->data + L4 + 2), 40000);
}

/* An error about a packet of a flow goes where the flow is. */
static void test_errors_find_their_flow(void **state)
{
    struct fixture *fixture = *state;
    static struct forged error;
    const struct packet *packet;
    unsigned home, where;

    start(fixture, "snat", "203.0.113.7", false);
    forge_from(IPPROTO_UDP, 40000, 80);
    packet = deliver(fixture, 3, &forged, &home);
    forge_ip(&error, FAMILY_IPV4, IPPROTO_ICMP);
    forge_icmp(&error, ICMP4_UNREACHABLE, 3, 0);
    forge_bytes(&error, packet->data, packet->length);
    memcpy(error.bytes + DST, packet->data + SRC, 4);
    forge_seal(&error);
    for (unsigned at = 0; at < PATHS; at++) {
        packet = deliver(fixture, at, &error, &where);
        assert_int_equal(where, home);
        assert_int_equal(packet->relation, RELATION_RELATED);
        assert_memory_equal(packet->data + DST, forged.bytes + SRC, 4);
    }
}

/* Part of datagram ID of the flow of `forged`: its first one with 512 bytes, or the one behind. */
static void forge_part(struct forged *part, uint16_t id, bool is_first)
{
    forge_ip(part, FAMILY_IPV4, forged.proto);
    be16_store(part->bytes + 4, id);
    forge_fragment(part, is_first ? 0 : 512, is_first);
    if (is_first)
        forge_l4(part, 504);
    else
        forge_bytes(part, forged.bytes, 8);
    memcpy(part->bytes + L4, forged.bytes + L4, is_first ? 4 : 0);
    forge_seal_ip(part);
}

/* Later fragments, wherever they come, go the way of the first. */
static void test_fragments_follow_the_first(void **state)
{
    struct fixture *fixture = *state;
    static struct forged first, later;
    unsigned home, where;

    start(fixture, "snat", "203.0.113.7", false);
    for (uint16_t id = 1; id <= 16; id++) {
        forge_from(IPPROTO_UDP, (uint16_t)(40000 + id / 2), 80);
        deliver(fixture, id / 2 % PATHS, &forged, &home);
        forge_part(&first, id, true);
        forge_part(&later, id, false);
        assert_int_equal(deliver(fixture, id % PATHS, &first, &where)->fate, FATE_OUT);
        assert_int_equal(where, home);
        for (unsigned at = 0; at < PATHS; at++) {
            const struct packet *packet = deliver(fixture, at, &later, &where);

            assert_int_equal(where, home);
            assert_int_equal(packet->data[SRC], 203);
        }
    }
}

/* What path NUMBER was told of. False when there is nothing. */
static bool run_told(struct fixture *fixture, unsigned number)
{
    if (!path_is_told(fixture->paths[number]))
        return false;
    batch_reset(fixture->batches[number]);
    batch_take_handed(fixture->paths[number], fixture->batches[number]);
    run(fixture, number);
    return true;
}

static struct path_counters sum_counters(const struct fixture *fixture)
{
    struct path_counters sum = {.in = 0};

    for (size_t i = 0; i < PATHS; i++)
        path_add_counters(fixture->paths[i], &sum);
    return sum;
}

/* WHAT comes to path AT; the path that it stays on. */
static unsigned bring(struct fixture *fixture, unsigned at, const struct forged *what)
{
    batch_reset(fixture->batches[at]);
    memcpy(batch_next_buffer(fixture->batches[at]), what->bytes, what->length);
    batch_commit(fixture->batches[at], what->length);
    run(fixture, at);
    if (fixture->batches[at]->packets[0].fate != FATE_HANDED)
        return at;
    at = (unsigned)__builtin_ctz(path_push_handed(fixture->paths[at]));
    assert_true(run_told(fixture, at));
    return at;
}

/*
 * A part that came before its first one waits where the parts meet, and both go to their flow's
 * path together. It has arrived once: no sum of what has come ever goes back.
 */
static void test_what_waited_is_handed_over(void **state)
{
    struct fixture *fixture = *state;
    static struct forged first, later;
    unsigned home, handed = 0;

    start(fixture, "snat", "203.0.113.7", false);
    forge_from(IPPROTO_UDP, 40000, 80);
    deliver(fixture, 1, &forged, &home);
    for (uint16_t id = 1; id <= 16; id++) {
        const uint64_t before = sum_counters(fixture).in;
        const struct packet *packet;
        unsigned meeting;

        forge_part(&first, id, true);
        forge_part(&later, id, false);
        meeting = bring(fixture, id % PATHS, &later);
        assert_int_equal(fixture->batches[meeting]->packets[0].fate, FATE_PARKED);
        assert_int_equal(sum_counters(fixture).parked, 1);
        assert_int_equal(bring(fixture, (meeting + 1) % PATHS, &first), meeting);
        packet = &fixture->batches[meeting]->packets[0];
        if (meeting != home) {
            assert_int_equal(packet->fate, FATE_HANDED);
            assert_int_equal(packet->behind->fate, FATE_HANDED);
            assert_int_equal(sum_counters(fixture).in, before + 1); /* the first one has to come */
            assert_int_equal(sum_counters(fixture).parked, 1);
            assert_int_equal(path_push_handed(fixture->paths[meeting]), 1u << home);
            assert_true(run_told(fixture, home));
            packet = &fixture->batches[home]->packets[0];
            assert_int_equal(packet[1].data[SRC], 203);
            assert_int_equal(packet_fragment_place(&packet[1]), 512);
            handed++;
        }
        assert_int_equal(packet->data[SRC], 203);
        assert_int_equal(sum_counters(fixture).in, before + 2);
        assert_int_equal(sum_counters(fixture).out, before + 2);
        assert_int_equal(sum_counters(fixture).parked, 0);
    }
    assert_in_range(handed, 1, 15);
}

/* When its first one found no room on the way to their flow, it does not go on without. */
static void test_what_waited_for_one_that_was_lost(void **state)
{
    struct fixture *fixture = *state;
    static struct forged first, later;
    unsigned home, meeting;
    uint16_t id = 0;

    start(fixture, "snat", "203.0.113.7", false);
    forge_from(IPPROTO_UDP, 40000, 80);
    deliver(fixture, 1, &forged, &home);
    do {
        forge_part(&later, ++id, false);
        meeting = bring(fixture, 0, &later);
    } while (meeting == home);
    do { /* path HOME does not look */
        forged.length = MIN_OF(forged.length + 8, (size_t)600);
        be16_store(forged.bytes + 2, (uint16_t)forged.length);
        be16_store(forged.bytes + L4 + 4, (uint16_t)(forged.length - L4));
        forge_seal(&forged);
        batch_reset(fixture->batches[meeting]);
        memcpy(batch_next_buffer(fixture->batches[meeting]), forged.bytes, forged.length);
        batch_commit(fixture->batches[meeting], forged.length);
        run(fixture, meeting);
        path_push_handed(fixture->paths[meeting]);
    } while (fixture->batches[meeting]->packets[0].fate == FATE_HANDED);
    forge_part(&first, id, true);
    bring(fixture, meeting, &first);
    assert_int_equal(fixture->batches[meeting]->packets[0].reason, REASON_HAND_OVER_FULL);
    assert_int_equal(fixture->batches[meeting]->packets[0].behind->fate, FATE_HANDED);
    path_push_handed(fixture->paths[meeting]);
    while (run_told(fixture, home))
        continue;
    assert_int_equal(path_counters(fixture->paths[home])->drops[REASON_FRAGMENT_BEFORE_FIRST], 1);
    assert_int_equal(sum_counters(fixture).parked, id - 1);
}

/* Of an ICMP error no part passes any path while any has a translated flow. */
static void test_no_part_of_an_error_passes(void **state)
{
    struct fixture *fixture = *state;
    static struct forged error;
    unsigned home;

    start_for(fixture, "proto", "udp", "snat", "203.0.113.7", true);
    for (unsigned round = 0; round < 2; round++) {
        for (uint16_t id = 0; id < 4 * PATHS; id++) {
            unsigned at;

            forge_ip(&error, FAMILY_IPV4, IPPROTO_ICMP);
            be16_store(error.bytes + 4, id);
            forge_fragment(&error, 0, true);
            forge_icmp(&error, ICMP4_UNREACHABLE, 3, 0);
            forge_bytes(&error, answer.bytes, 64);
            forge_seal_ip(&error);
            at = bring(fixture, id % PATHS, &error);
            assert_int_equal(fixture->batches[at]->packets[0].reason,
                             round == 0 ? REASON_NONE : REASON_UNTRANSLATABLE);
        }
        forge_from(IPPROTO_UDP, 40000, 80);
        deliver(fixture, 1, &forged, &home);
    }
}

/* During a reload to flows or away from them, a path may have no table, and others have flows. */
static void test_path_without_flows_hands_over(void **state)
{
    struct fixture *fixture = *state;
    const struct packet *packet;
    unsigned home, where;

    start(fixture, "snat", "203.0.113.7", true);
    assert_null(path_flows(fixture->paths[PATHS - 1]));
    forge_from(IPPROTO_TCP, 40000, 80);
    packet = deliver(fixture, PATHS - 1, &forged, &home);
    assert_int_equal(home, PATHS - 1);
    forge_from(IPPROTO_TCP, 40001, 80);
    packet = deliver(fixture, 0, &forged, &home);
    forge_answer(packet);
    assert_comes_back(deliver(fixture, PATHS - 1, &answer, &where));
    assert_int_equal(where, 0);
}

/* Path 1 does not look: what does not fit is a drop of path 0, and the rest stays in order. */
static void test_full_ring(void **state)
{
    struct fixture *fixture = *state;
    const struct path_counters *counters;
    size_t taken = 0;
    unsigned where;

    start(fixture, "snat", "203.0.113.7", false);
    forge_from(IPPROTO_UDP, 40000, 80);
    deliver(fixture, 1, &forged, &where);
    counters = path_counters(fixture->paths[0]);
    for (int i = 0; i < 10000; i++) {
        batch_reset(fixture->batches[0]);
        be16_store(forged.bytes + 4, (uint16_t)i);
        forge_seal_ip(&forged);
        memcpy(batch_next_buffer(fixture->batches[0]), forged.bytes, forged.length);
        batch_commit(fixture->batches[0], forged.length);
        run(fixture, 0);
        assert_int_equal(path_push_handed(fixture->paths[0]), i == 0 ? 2 : 0);
    }
    assert_true(counters->drops[REASON_HAND_OVER_FULL] > 0);
    assert_int_equal(counters->drops[REASON_HAND_OVER_FULL], counters->in);
    assert_int_equal(counters->handed_over + counters->in, 10000);
    while (path_is_told(fixture->paths[1])) {
        batch_reset(fixture->batches[1]);
        batch_take_handed(fixture->paths[1], fixture->batches[1]);
        for (size_t i = 0; i < fixture->batches[1]->count; i++)
            assert_int_equal(be16_load(fixture->batches[1]->packets[i].data + 4), taken++);
        run(fixture, 1);
    }
    assert_int_equal(taken, counters->handed_over);
}

/* What threads do at the same time. */
enum { THREADS = 4, TUPLES = 512, ROUNDS = 20000 };

struct contest {
    struct directory *directory;
    atomic_uint owners[TUPLES]; /* one more than the number; 0: nobody */
    atomic_uint next;
};

static struct flow_tuple numbered(uint32_t number)
{
    struct flow_tuple tuple = {.sport = (uint16_t)number, .dport = 80, .proto = IPPROTO_UDP};

    return number % 2 == 0 ? tuple : flow_tuple_turn(&tuple);
}

static void *contend(void *argument)
{
    struct contest *contest = argument;
    unsigned own = atomic_fetch_add(&contest->next, 1);
    struct random random = {.state = own + 1};

    for (int i = 0; i < ROUNDS; i++) {
        uint32_t number = (uint32_t)random_below(&random, TUPLES);
        struct flow_tuple tuple = numbered(number);

        if (directory_claim(contest->directory, &tuple, own) != own)
            continue;
        assert_int_equal(atomic_exchange(&contest->owners[number], own + 1) % (own + 1), 0);
        assert_int_equal(directory_find(contest->directory, &tuple), own);
        if (random_below(&random, 2) == 0)
            continue;
        atomic_store(&contest->owners[number], 0);
        directory_give_back(contest->directory, &tuple, own);
    }
    return NULL;
}

/* Each tuple has one owner at a time, whom everybody finds; none is lost when others go. */
static void test_directory_among_threads(void **state)
{
    static struct contest contest;
    pthread_t threads[THREADS];
    size_t owned = 0;

    (void)state;
    contest.directory = directory_new(TUPLES, 3);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 0; i < TUPLES; i++) {
        const struct flow_tuple tuple = numbered(i);
        unsigned owner = atomic_load(&contest.owners[i]);

        assert_int_equal(directory_find(contest.directory, &tuple),
                         owner != 0 ? owner - 1 : (unsigned)DIRECTORY_NOBODY);
        owned += owner != 0;
    }
    assert_int_equal(directory_count(contest.directory), owned);
    directory_free(contest.directory);
}

static void *hand_many(void *argument)
{
    struct shards *shards = argument;
    uint8_t bytes[64] = {0};
    struct packet packet = {.data = bytes, .length = sizeof(bytes)};

    for (uint32_t i = 0; i < ROUNDS;) {
        be32_store(bytes, i);
        if (shards_hand(shards, 0, 1, &packet))
            i++;
        if (i % 7 == 0 || i == ROUNDS)
            shards_push(shards, 0, 2);
    }
    return NULL;
}

/* Nobody who is told misses anything. */
static void test_ring_between_threads(void **state)
{
    struct shards *shards = shards_new(2, 1024, 1);
    struct handed handed;
    pthread_t thread;
    uint32_t next = 0;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, hand_many, shards), 0);
    while (next < ROUNDS) {
        if (!shards_look(shards, 1))
            continue;
        while (shards_take(shards, 1, &handed)) {
            assert_int_equal(handed.length, 64);
            assert_int_equal(be32_load(handed.bytes), next++);
        }
    }
    pthread_join(thread, NULL);
    shards_free(shards);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_find_their_flow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_narrow_range_is_used_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_from_outside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_destination_port, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mappings_are_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_find_their_flow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fragments_follow_the_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_waited_is_handed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_waited_for_one_that_was_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_part_of_an_error_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_path_without_flows_hands_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_ring, set_up, tear_down),
        cmocka_unit_test(test_directory_among_threads),
        cmocka_unit_test(test_ring_between_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
