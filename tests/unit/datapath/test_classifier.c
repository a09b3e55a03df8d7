/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classifier and the flow cache against asking every rule in turn: random rules, random
 * packets, the same fates, bytes, answers and counters.
 *
 * A run takes about IPMODD_CLASSIFIER_SECONDS (5) and prints its seed; with IPMODD_CLASSIFIER_SEED
 * it does the same again.
 */
#include "../unit.h"
#include "forge.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/ruleset.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/tcp.h"
#include "path_state.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    FLOWS = 48,         /* packets that a round knows; batches repeat them */
    BATCHES = 6,        /* in a round */
    ROUNDS_LEAST = 100, /* however slow the machine is: they meet every kind of packet */
    VALUES = 24,
    LOCALS = 2,
};

/* What the values of a key are made of; with `list`, several of them, some with `!`. */
static const struct {
    const char *key;
    bool list;
    const char *items[VALUES];
} pools[] = {
    {"direction", true, {"out", "forward", "in"}},
    {"family", true, {"ipv4", "ipv6"}},
    {"proto", true, {"tcp",  "udp", "icmp", "icmpv6", "sctp", "dccp",  "udplite", "17",
                     "0-20", "gre", "1",    "4",      "8",    "10-12", "14",      "30",
                     "50",   "60",  "90",   "100",    "140",  "160",   "200",     "255"}},
    {"src",
     true,
     {"192.0.2.1",
      "192.0.2.2",
      "192.0.2.0/24",
      "192.0.2.0-192.0.2.3",
      "192.0.2.2-192.0.2.9",
      "192.0.0.0/16",
      "0.0.0.0/0",
      "10.0.0.0/8",
      "2001:db8:1::1",
      "2001:db8:1::2",
      "2001:db8:1::/64",
      "2001:db8:1::/126",
      "2001:db8::/32",
      "2001:db8:1::1-2001:db8:1::3",
      "2001:db8:1:1::1",
      "2001:db8:1:1::3",
      "2001:db8:1:1::/64",
      "2001:db8::-2001:db8:ffff::",
      "::/0",
      "@hosts",
      "@nobody"}},
    {"dst",
     true,
     {"198.51.100.1",
      "198.51.100.2",
      "198.51.100.0/24",
      "198.51.100.0-198.51.100.3",
      "198.51.0.0/16",
      "203.0.113.1",
      "203.0.113.0/24",
      "0.0.0.0/0",
      "2001:db8:2::1",
      "2001:db8:2::2",
      "2001:db8:2::/64",
      "2001:db8:2::/127",
      "2001:db8::/32",
      "2001:db8:2::1-2001:db8:2::3",
      "2001:db8:2:1::1",
      "2001:db8:2:1::3",
      "2001:db8:2:1::/64",
      "2001:db8:1:2::-2001:db8:2:0:ffff::",
      "::/0",
      "@hosts",
      "@nobody"}},
    {"host",
     true,
     {"192.0.2.1", "198.51.100.2", "192.0.2.0/24", "2001:db8:1::1", "2001:db8:2::/64", "@hosts"}},
    {"sport", true, {"1", "2", "3", "80", "1-2", "2-80", "0-1023", "1024-65535", "@some-ports"}},
    {"dport", true, {"1", "2", "3", "80", "1-2", "2-80", "0-1023", "1024-65535", "@some-ports"}},
    {"port", true, {"1", "2", "3", "80", "1-2", "2-80", "@some-ports"}},
    {"tcp-flags", true, {"syn", "ack", "fin", "psh", "syn+ack", "none", "rst", "cwr"}},
    {"icmp-type", true, {"echo-request", "echo-reply", "time-exceeded", "packet-too-big"}},
    {"icmp-code", true, {"port-unreachable", "admin-prohibited", "no-route"}},
    {"ttl", true, {"64", "63", "1-64", "65-255", "9"}},
    {"dscp", true, {"ef", "0", "cs1", "1-10", "af11"}},
    {"ecn", true, {"not-ect", "ect0", "ce"}},
    {"length", true, {"20-60", "61-200", "40", "1000-65535"}},
    {"fragment", true, {"no", "first", "later", "yes"}},
    {"df", false, {"yes", "no"}},
    {"ip-id", true, {"0", "1-1000", "7"}},
    {"ip-option", true, {"any", "record-route"}},
    {"ext-header", true, {"any", "hop-by-hop", "fragment"}},
    {"tcp-option", true, {"any", "mss", "sack"}},
    {"mss", true, {"1000", "1-1459", "1460"}},
    {"window", true, {"0", "4096", "1-65535"}},
    {"flow-label", true, {"0", "3", "1-1048575"}},
    {"payload", false, {"0x0001", "!0x0203 @ 2", "\"x\""}},
    {"payload-regex", false, {"\"x\"", "\"\\x02[^a]\""}},
    {"probability", false, {"50%", "12.5%"}},
    {"every", false, {"2", "3"}},
    {"limit", false, {"2/s burst 3", "1/min burst 2 per src", "1/s per flow"}},
    {"state", true, {"new", "established", "related", "invalid"}},
    {"flow-packets", true, {"1", "2-5", "3-"}},
    {"flow-bytes", true, {"1-100", "1KiB-"}},
    {"time", false, {"mon-sun 00:00-12:00", "mon-fri 00:00-24:00"}},
    {"set-src", false, {"192.0.2.2", "2001:db8:1::2"}},
    {"set-dst", false, {"198.51.100.1", "2001:db8:2::1", "203.0.113.1"}},
    {"set-sport", false, {"1", "+1", "80"}},
    {"set-dport", false, {"1", "2", "max 80"}},
    {"set-ttl", false, {"64", "+1", "-1", "9", "min 65"}},
    {"set-dscp", false, {"ef", "0", "cs1"}},
    {"set-ecn", false, {"ect0", "ce"}},
    {"set-df", false, {"yes", "no"}},
    {"set-ip-id", false, {"random", "7", "+1"}},
    {"set-flow-label", false, {"3"}},
    {"set-mss", false, {"1000"}},
    {"clamp-mss", false, {"900"}},
    {"set-window", false, {"4096", "+1"}},
    {"set-tcp-flags", false, {"+psh", "-syn", "+fin"}},
    {"strip-tcp-option", false, {"any", "mss"}},
    {"set-payload", false, {"\"x\" @ 1", "0x0203 @ 2"}},
    {"replace", false, {"0x0203 -> 0x7878", "0x00 -> 0x78 count 2"}},
    {"snat", false, {"192.0.2.7", "2001:db8:1::7", "192.0.2.8-192.0.2.9:1000-1001"}},
    {"dnat", false, {"198.51.100.7", "198.51.100.8:81", "[2001:db8:2::7]:9"}},
    {"masquerade", false, {"yes", ":7-9", "yes random"}},
    {"redirect", false, {":7", ":8-9"}},
    {"netmap", false, {"src 203.0.113.0/24", "dst 2001:db8:7::/48"}},
    {"reply", false, {"echo"}},
    {"verdict", false, {"accept", "drop", "reject", "reject admin-prohibited"}},
};

static uint64_t seed; /* of the round, for messages */

static const char *pick_item(const char *key, struct random *random, bool *ret_list)
{
    for (size_t i = 0; i < ARRAY_SIZE(pools); i++) {
        size_t count = 0;

        if (strcmp(pools[i].key, key) != 0)
            continue;
        while (count < VALUES && pools[i].items[count] != NULL)
            count++;
        *ret_list = pools[i].list;
        return pools[i].items[random_below(random, count)];
    }
    fail_msg("no values for %s: add some to pools[]", key);
    return NULL;
}

/* A value of KEY: one item, or of a list now and then several, sometimes very many. */
static void make_value(const char *key, struct random *random, char *text, size_t size)
{
    bool list;
    size_t items = random_below(random, 4) == 0 ? 1 + random_below(random, 4) : 1;
    size_t length = 0;

    items = random_below(random, 40) == 0 ? 40 : items;
    for (size_t i = 0; i < items; i++) {
        const char *item = pick_item(key, random, &list);
        bool negated = list && random_below(random, 6) == 0;

        length += (size_t)snprintf(text + length, size - length, "%s%s%s", i > 0 ? ", " : "",
                                   negated ? "!" : "", item);
        if (!list)
            break;
    }
}

/* A match of TYPE; nothing when the value that came out is none or fits no packet of SCOPE. */
static void try_match(struct rule *rule, const struct match_type *type, struct scope *scope,
                      const struct set_list *sets, struct random *random)
{
    struct scope narrowed = *scope;
    struct value_error error;
    char text[2048];
    void *value;

    make_value(type->key, random, text, sizeof(text));
    if (type->parse(text, scope, &value, &error) < 0)
        return;
    if (type->bind != NULL)
        assert_int_equal(type->bind(value, sets, &error), 0);
    if (type->narrow != NULL)
        type->narrow(value, &narrowed);
    if (scope_is_empty(&narrowed)) {
        type->free(value);
        return;
    }
    *scope = narrowed;
    assert_int_equal(rule_add_match(rule, type, value), 0);
}

static void add_action(struct rule *rule, const struct action_type *type, struct random *random)
{
    const struct scope scope = scope_all();
    struct value_error error;
    char text[2048];
    void *value;

    make_value(type->key, random, text, sizeof(text));
    if (type->parse(text, &scope, &value, &error) < 0)
        fail_msg("%s = %s: %s", type->key, text, error.text);
    assert_int_equal(rule_add_action(rule, type, value), 0);
}

static bool has_match(const struct rule *rule, const struct match_type *type)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        if (rule->matches[i].type == type)
            return true;
    }
    return false;
}

/* Mostly matches on addresses and ports, as people write them; one rule in eight decides. */
static void add_rule(struct ruleset *ruleset, size_t number, struct random *random)
{
    static const char *const usual[] = {"src", "dst", "sport", "dport", "proto"};
    struct scope scope = scope_all();
    struct rule rule;
    char name[32];

    snprintf(name, sizeof(name), "rule-%zu", number);
    assert_int_equal(rule_init(&rule, name, "test", 1), 0);
    for (size_t i = random_below(random, 5); i > 0; i--) {
        const struct match_type *type =
            random_below(random, 4) > 0
                ? match_type_find(usual[random_below(random, ARRAY_SIZE(usual))])
                : match_types[random_below(random, match_type_count)];

        if (!has_match(&rule, type))
            try_match(&rule, type, &scope, &ruleset->sets, random);
    }
    if (rule.match_count == 0)
        try_match(&rule, match_type_find("dport"), &scope, &ruleset->sets, random);
    for (size_t i = 0; i < 2; i++) {
        const struct action_type *type = action_types[random_below(random, action_type_count)];

        if (type->decides ? random_below(random, 4) == 0 && i == 1 : random_below(random, 3) == 0)
            add_action(&rule, type, random);
    }
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}

static void add_sets(struct ruleset *ruleset)
{
    struct set *hosts = set_new("hosts", SET_PREFIX), *nobody = set_new("nobody", SET_PREFIX);
    struct set *ports = set_new("some-ports", SET_PORT);
    struct value_error error;
    struct address_range range;

    assert_int_equal(address_range_parse("192.0.2.2/31", &range, &error), 0);
    assert_int_equal(set_add_addresses(hosts, &range), 0);
    assert_int_equal(address_range_parse("2001:db8:2::2", &range, &error), 0);
    assert_int_equal(set_add_addresses(hosts, &range), 0);
    set_add_ports(ports, 2, 3);
    assert_int_equal(set_finish(hosts), 0);
    assert_int_equal(set_finish(nobody), 0);
    assert_int_equal(set_finish(ports), 0);
    assert_int_equal(set_list_add(&ruleset->sets, hosts), 0);
    assert_int_equal(set_list_add(&ruleset->sets, nobody), 0);
    assert_int_equal(set_list_add(&ruleset->sets, ports), 0);
}

static struct ruleset *make_rules(struct random *random)
{
    enum policy policy = random_below(random, 2) == 0 ? POLICY_ACCEPT : POLICY_DROP;
    struct ruleset *ruleset = ruleset_new(policy, MALFORMED_DROP);
    size_t count = random_below(random, 8) == 0 ? random_below(random, 1000)
                                                : 8 + random_below(random, 60);

    assert_non_null(ruleset);
    add_sets(ruleset);
    for (size_t i = 0; i < count; i++)
        add_rule(ruleset, i, random);
    assert_int_equal(ruleset_finish(ruleset, NULL), 0);
    return ruleset;
}

struct input {
    uint8_t bytes[2048];
    size_t length;
    struct virtio_net vnet;
};

/* Puts one of a few values into each field that rules ask for. */
static void vary(struct forged *forged, struct random *random)
{
    static const uint16_t ports[] = {1, 2, 3, 80, 1024, 40000};
    bool ip4 = forged->family == FAMILY_IPV4;
    uint8_t *l4 = forged->bytes + forged->l4;

    forged->bytes[ip4 ? 15 : 23] = (uint8_t)random_below(random, 5);
    forged->bytes[ip4 ? 19 : 39] = (uint8_t)random_below(random, 5);
    if (!ip4)
        forged->bytes[15] = forged->bytes[31] = (uint8_t)random_below(random, 2);
    forged->bytes[ip4 ? 8 : 7] = (uint8_t)(62 + random_below(random, 4));
    if (ip4 && random_below(random, 3) == 0)
        forged->bytes[1] = (uint8_t)(random_below(random, 64) << 2);
    if (forged->length - forged->l4 < 20)
        return;
    if (forged->proto != IPPROTO_ICMP && forged->proto != IPPROTO_ICMPV6) {
        l4[0] = l4[2] = 0;
        l4[1] = (uint8_t)ports[random_below(random, ARRAY_SIZE(ports))];
        l4[3] = (uint8_t)ports[random_below(random, ARRAY_SIZE(ports))];
        l4[2] = random_below(random, 4) == 0 ? 0x9c : 0;
    }
    if (forged->proto == IPPROTO_TCP)
        l4[13] = (uint8_t)(1u << random_below(random, 8)) | (uint8_t)(random_below(random, 2) << 4);
}

static void make_input(struct input *input, struct random *random)
{
    static struct forged forged;

    do {
        forge_anything(&forged, random);
    } while (forged.length > sizeof(input->bytes));
    input->vnet = (struct virtio_net){.flags = 0};
    if (forged.length > forged.l4) {
        vary(&forged, random);
        if (random_below(random, 4) == 0 &&
            (forged.proto == IPPROTO_TCP || forged.proto == IPPROTO_UDP))
            input->vnet = forge_seal_partial(&forged, 16);
    }
    memcpy(input->bytes, forged.bytes, forged.length);
    input->length = forged.length;
}

/* One way to find rules, with all that it keeps. */
struct contender {
    enum classify_method method;
    bool crowded; /* its cache has one set, where flows of the same moment drive one another out */
    const char *name;
    struct path *path;
    struct batch *batch;
};

static struct contender contenders[] = {
    {.method = CLASSIFY_ALL, .name = "asking all rules"},
    {.method = CLASSIFY_SEARCH, .name = "the classifier"},
    {.method = CLASSIFY_CACHED, .name = "the flow cache"},
    {.method = CLASSIFY_CACHED, .name = "a crowded flow cache", .crowded = true},
};

static void run(struct contender *contender, const struct input *const *inputs, size_t count,
                const struct moment *now)
{
    batch_reset(contender->batch);
    for (size_t i = 0; i < count; i++) {
        memcpy(batch_next_buffer(contender->batch), inputs[i]->bytes, inputs[i]->length);
        batch_commit_offloaded(contender->batch, inputs[i]->length, &inputs[i]->vnet);
    }
    path_run(contender->path, contender->batch, now);
    while (event_ring_pop(path_events(contender->path)) != NULL)
        continue;
}

static void assert_same_packet(const struct packet *a, const struct packet *b, const char *name)
{
    if (a->fate == b->fate && a->reason == b->reason && a->length == b->length &&
        a->segments == b->segments && memcmp(a->data, b->data, a->length) == 0)
        return;
    fail_msg("%s gives another packet: IPMODD_CLASSIFIER_SEED=%" PRIu64, name, seed);
}

static void assert_same_packets(const struct packet *a, size_t a_count, const struct packet *b,
                                size_t b_count, const char *name)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        assert_same_packet(&a[i], &b[i], name);
}

static void assert_same_counters(const struct path *a, const struct path *b, const char *name)
{
    for (size_t i = 0; i < a->ruleset->rule_count; i++) {
        if (path_rule_counters(a, i)->packets != path_rule_counters(b, i)->packets ||
            path_rule_counters(a, i)->bytes != path_rule_counters(b, i)->bytes)
            fail_msg("%s counts otherwise at rule %zu: IPMODD_CLASSIFIER_SEED=%" PRIu64, name, i,
                     seed);
    }
}

static void assert_same(const struct contender *reference, const struct contender *other)
{
    const struct batch *a = reference->batch, *b = other->batch;

    assert_same_packets(a->packets, a->count, b->packets, b->count, other->name);
    assert_same_packets(a->answers, a->answer_count, b->answers, b->answer_count, other->name);
    assert_same_packets(a->segments, a->segment_count, b->segments, b->segment_count, other->name);
    assert_same_counters(reference->path, other->path, other->name);
}

/* One random ruleset, and batches of a few random packets over and over. */
static void run_round(struct ruleset *ruleset, struct random *random)
{
    static struct input inputs[FLOWS];
    const struct input *chosen[BATCH_PACKETS];
    struct moment now = {.now_ns = 1};

    for (size_t i = 0; i < FLOWS; i++)
        make_input(&inputs[i], random);
    for (size_t b = 0; b < BATCHES; b++) {
        now.now_ns += random_below(random, 1000000000);
        for (size_t i = 0; i < BATCH_PACKETS / 2; i++)
            chosen[i] = &inputs[random_below(random, FLOWS)];
        for (size_t c = 0; c < ARRAY_SIZE(contenders); c++) {
            run(&contenders[c], chosen, BATCH_PACKETS / 2, &now);
            assert_same(&contenders[0], &contenders[c]);
        }
    }
    (void)ruleset;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t first_seed(void)
{
    const char *given = getenv("IPMODD_CLASSIFIER_SEED");
    uint64_t random = 0;

    if (given != NULL)
        return strtoull(given, NULL, 10);
    assert_int_equal(getrandom(&random, sizeof(random), 0), sizeof(random));
    return random;
}

static double duration(void)
{
    const char *given = getenv("IPMODD_CLASSIFIER_SECONDS");

    return given != NULL ? strtod(given, NULL) : 5;
}

static struct host_view *make_view(void)
{
    struct ip_addr locals[LOCALS];

    assert_int_equal(ip_addr_parse("192.0.2.1", &locals[0]), 0);
    assert_int_equal(ip_addr_parse("2001:db8:1::1", &locals[1]), 0);
    return host_view_new(locals, LOCALS, NULL, 0, NULL, 0);
}

static void set_rules(struct path *path, const struct ruleset *ruleset)
{
    struct path_rules *rules = path_rules_new(ruleset, path_ruleset(path));

    assert_non_null(rules);
    path_exchange_rules(path, rules);
    path_rules_free(rules);
}

/* The paths live on over all rulesets, as they do over reloads. */
static void test_equivalence(void **state)
{
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    struct host_view *view = make_view();
    double end = seconds_now() + duration();
    size_t rounds = 0, packets = 0;

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(contenders); c++) {
        contenders[c].path = path_new(ruleset, view);
        contenders[c].path->method = contenders[c].method;
        if (contenders[c].crowded)
            contenders[c].path->flow_cache.set_mask = 0;
        contenders[c].batch = batch_new();
    }
    for (seed = first_seed(); rounds < ROUNDS_LEAST || seconds_now() < end; rounds++, seed++) {
        struct random random = {seed};
        struct ruleset *next = make_rules(&random);

        if (rounds == 0)
            print_message("first seed %" PRIu64 "\n", seed);
        for (size_t c = 0; c < ARRAY_SIZE(contenders); c++) {
            set_rules(contenders[c].path, next);
            path_set_seed(contenders[c].path, seed);
        }
        ruleset_free(ruleset);
        ruleset = next;
        run_round(ruleset, &random);
        packets += BATCHES * (BATCH_PACKETS / 2);
    }
    print_message("%zu rulesets, %zu packets, last seed %" PRIu64 "\n", rounds, packets, seed - 1);
    assert_true(path_counters(contenders[2].path)->flow_hits > 0);
    assert_true(path_counters(contenders[3].path)->flow_misses >
                path_counters(contenders[2].path)->flow_misses);
    assert_true(path_counters(contenders[2].path)->split > 0);
    assert_true(path_counters(contenders[2].path)->drops[REASON_FRAGMENT_BEFORE_FIRST] > 0);
    for (size_t c = 0; c < ARRAY_SIZE(contenders); c++) {
        path_free(contenders[c].path);
        batch_free(contenders[c].batch);
    }
    ruleset_free(ruleset);
    host_view_free(view);
}

static void add_one_match(struct ruleset *ruleset, const char *key, const char *text)
{
    const struct match_type *type = match_type_find(key);
    const struct scope scope = scope_all();
    struct value_error error;
    struct rule rule;
    void *value;

    assert_int_equal(rule_init(&rule, text, "test", 1), 0);
    if (type->parse(text, &scope, &value, &error) < 0)
        fail_msg("%s = %s: %s", key, text, error.text);
    assert_int_equal(rule_add_match(&rule, type, value), 0);
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}

/* As many rules as are compiled, each for another port of the source. */
static void add_port_rules(struct ruleset *ruleset)
{
    for (unsigned i = 0; i < 8; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%u", 1000 + 40 * i);
        add_one_match(ruleset, "sport", text);
    }
}

static void make_tcp(struct input *input, uint16_t sport)
{
    static struct forged forged;

    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, TCP_FLAG_ACK, NULL, 0, 0);
    be16_store(forged.bytes + forged.l4 + TCP_SPORT, sport);
    forge_seal(&forged);
    *input = (struct input){.length = forged.length};
    memcpy(input->bytes, forged.bytes, forged.length);
}

/* What is searched for ahead of a packet is one search, and a flow that is known no search. */
static void test_counts_searches(void **state)
{
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    struct host_view *view = make_view();
    struct contender *cached = &contenders[2];
    static struct input inputs[3 * BATCH_PACKETS];
    const struct input *chosen[BATCH_PACKETS];

    (void)state;
    add_port_rules(ruleset);
    assert_int_equal(ruleset_finish(ruleset, NULL), 0);
    cached->path = path_new(ruleset, view);
    cached->path->flow_cache.seed = 1; /* with some seeds, three flows share a set of two */
    cached->batch = batch_new();
    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
        make_tcp(&inputs[i], (uint16_t)(1000 + i));
    for (size_t b = 0; b < 4; b++) {
        for (size_t i = 0; i < BATCH_PACKETS; i++)
            chosen[i] = &inputs[b < 3 ? b * BATCH_PACKETS + i : i];
        run(cached, chosen, BATCH_PACKETS, &(struct moment){.now_ns = 1});
    }
    assert_int_equal(path_counters(cached->path)->flow_misses, ARRAY_SIZE(inputs));
    assert_int_equal(path_counters(cached->path)->flow_hits, BATCH_PACKETS);
    path_free(cached->path);
    batch_free(cached->batch);
    ruleset_free(ruleset);
    host_view_free(view);
}

/* Whether KEY = TEXT holds for FORGED, however the rule is found. */
static bool holds(const char *key, const char *text, struct forged *forged)
{
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    struct host_view *view = make_view();
    static struct input input;
    const struct input *chosen = &input;
    uint64_t packets[ARRAY_SIZE(contenders)];

    add_one_match(ruleset, key, text);
    add_port_rules(ruleset);
    assert_int_equal(ruleset_finish(ruleset, NULL), 0);
    input = (struct input){.length = forged->length};
    memcpy(input.bytes, forged->bytes, forged->length);
    for (size_t c = 0; c < ARRAY_SIZE(contenders); c++) {
        struct contender contender = contenders[c];

        contender.path = path_new(ruleset, view);
        contender.path->method = contender.method;
        contender.batch = batch_new();
        run(&contender, &chosen, 1, &(struct moment){.now_ns = 1});
        packets[c] = path_rule_counters(contender.path, 0)->packets;
        path_free(contender.path);
        batch_free(contender.batch);
        if (packets[c] != packets[0])
            fail_msg("%s = %s: %s says %d", key, text, contender.name, (int)packets[c]);
    }
    ruleset_free(ruleset);
    host_view_free(view);
    return packets[0] == 1;
}

/* Upper halves that touch are one span, and any of them goes with any lower half of the list. */
static void test_addresses_of_networks_that_touch(void **state)
{
    static struct forged forged;

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
    forge_udp(&forged, 8);
    forge_seal(&forged);
    assert_false(holds("dst", "2001:db8:2::1, 2001:db8:2:1::2", &forged));
    assert_false(holds("dst", "2001:db8:2::9, 2001:db8:2:1::2", &forged));
    assert_false(holds("src", "2001:db8:1:1::1, 2001:db8:1::2", &forged));
    assert_false(holds("src", "2001:db8:0:ffff::1, 2001:db8:1::2", &forged));
    assert_true(holds("dst", "2001:db8:2:1::1, 2001:db8:2::2", &forged));
    assert_true(holds("dst", "2001:db8:2:1::/64, 2001:db8:2::/64", &forged));
}

/* More runs than a box has room for are known by their ends, however often they are bounded. */
static void test_more_protocols_than_a_box_has_spans(void **state)
{
    static const char odd[] =
        "1, 3, 5, 7, 9, 11, 13, 15, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39";
    static struct forged forged;

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_udp(&forged, 8);
    forge_seal(&forged);
    assert_false(holds("proto", odd, &forged));
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_DCCP);
    forge_dccp(&forged, 8);
    forge_seal(&forged);
    assert_true(holds("proto", odd, &forged));
}

/* Nothing is left of it, and it can be begun anew. */
static void test_compiling_is_given_up(void **state)
{
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    atomic_bool cancel = true;

    (void)state;
    add_port_rules(ruleset);
    assert_int_equal(ruleset_finish(ruleset, &cancel), -ECANCELED);
    assert_null(ruleset->classifier);
    cancel = false;
    assert_int_equal(ruleset_finish(ruleset, &cancel), 0);
    assert_non_null(ruleset->classifier);
    ruleset_free(ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equivalence),
        cmocka_unit_test(test_counts_searches),
        cmocka_unit_test(test_addresses_of_networks_that_touch),
        cmocka_unit_test(test_more_protocols_than_a_box_has_spans),
        cmocka_unit_test(test_compiling_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
