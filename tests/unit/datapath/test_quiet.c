/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path allocates nothing, asks the kernel nothing and reads no clock, whichever match or
 * action runs: the linker puts the counters below in the place of those calls.
 */
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static unsigned calls;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __real_free(void *memory);
void __wrap_free(void *memory);
ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __real_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

void *__wrap_malloc(size_t size)
{
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    calls++;
    return __real_realloc(memory, size);
}

void __wrap_free(void *memory)
{
    calls++;
    __real_free(memory);
}

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    calls++;
    return __real_read(fd, buffer, size);
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size)
{
    calls++;
    return __real_write(fd, buffer, size);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    calls++;
    return __real_clock_gettime(clock, time);
}

/* A value for every key of the tables; a new key needs one. */
static const struct {
    const char *key, *value;
} samples[] = {
    {"direction", "out, forward"},
    {"family", "ipv4, ipv6"},
    {"proto", "tcp, udp, icmp, sctp, !gre"},
    {"src", "192.0.2.0/24, 2001:db8::/32"},
    {"dst", "198.51.100.0/24, !198.51.100.7, 2001:db8::/32"},
    {"host", "192.0.2.0/24, 2001:db8::/32"},
    {"sport", "1-2000, !7"},
    {"dport", "80"},
    {"port", "80, 1234"},
    {"tcp-flags", "syn, !rst"},
    {"icmp-type", "echo-request"},
    {"icmp-code", "!port-unreachable"},
    {"ttl", "1-254"},
    {"dscp", "0-63"},
    {"ecn", "not-ect"},
    {"length", "20-65535"},
    {"fragment", "no"},
    {"df", "no"},
    {"ip-id", "!0"},
    {"ip-option", "!any"},
    {"ext-header", "!any"},
    {"tcp-option", "any, !sack"},
    {"mss", "1-2000"},
    {"window", "4096"},
    {"flow-label", "0-1048575"},
    {"payload", "0x0102030405"},
    {"payload-regex", "\"\\x01\\x02[^a]*\\x04\""},
    {"state", "new, established"},
    {"flow-packets", "1-"},
    {"flow-bytes", "1-64GiB"},
    {"time", "mon-sun 00:00-24:00"},
    {"probability", "50%"},
    {"every", "3"},
    {"limit", "100/s burst 20 per flow"},
    {"set-src", "203.0.113.1"},
    {"set-dst", "203.0.113.2"},
    {"set-sport", "9"},
    {"set-dport", "10"},
    {"set-ttl", "+1"},
    {"set-dscp", "ef"},
    {"set-ecn", "ect0"},
    {"set-df", "yes"},
    {"set-ip-id", "random"},
    {"set-flow-label", "3"},
    {"set-mss", "1000"},
    {"set-window", "+1"},
    {"set-tcp-flags", "+psh, -urg"},
    {"strip-tcp-option", "any, !mss"},
    {"set-payload", "0x01 @ 3"},
    {"replace", "0x0203 -> 0x0302"},
    {"clamp-mss", "900"},
    {"snat", "203.0.113.7:2000-2003 random persistent"},
    {"dnat", "203.0.113.8-203.0.113.9:7-9"},
    {"masquerade", ":7-9 random"},
    {"redirect", ":7-8"},
    {"netmap", "src 203.0.113.0/28"},
    {"reply", "echo"},
    {"verdict", "reject"},
};

static const char *sample_of(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        if (strcmp(samples[i].key, key) == 0)
            return samples[i].value;
    }
    fail_msg("no sample value for %s", key);
    return NULL;
}

static struct rule logging_rule(void)
{
    struct rule rule;

    assert_int_equal(rule_init(&rule, "quiet", "test", 1), 0);
    rule.capture = calloc(1, sizeof(*rule.capture));
    assert_non_null(rule.capture);
    rule.capture->name = strdup("quiet");
    rule.capture->what = strdup("rule quiet");
    rule.capture->snap_length = 65535;
    rule.logs = true;
    rule.log = (struct rule_log){LEVEL_INFO, {1, 1}, 1000};
    return rule;
}

/* One rule for each key, matches without an action and actions without a match. */
static struct ruleset *rules_of_every_key(void)
{
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_PASS);
    const struct scope scope = scope_all();
    struct value_error error;
    void *value;

    assert_non_null(ruleset);
    for (size_t i = 0; i < match_type_count; i++) {
        const struct match_type *type = match_types[i];
        struct rule rule = logging_rule();

        assert_int_equal(type->parse(sample_of(type->key), &scope, &value, &error), 0);
        assert_int_equal(rule_add_match(&rule, type, value), 0);
        assert_int_equal(ruleset_add(ruleset, &rule), 0);
    }
    for (size_t i = 0; i < action_type_count; i++) {
        const struct action_type *type = action_types[i];
        struct rule rule = logging_rule();

        assert_int_equal(type->parse(sample_of(type->key), &scope, &value, &error), 0);
        assert_int_equal(rule_add_action(&rule, type, value), 0);
        assert_int_equal(ruleset_add(ruleset, &rule), 0);
    }
    return ruleset;
}

static void fill(struct batch *batch, struct random *random)
{
    static struct forged forged;
    uint8_t *buffer;

    batch_reset(batch);
    for (size_t i = 0; (buffer = batch_next_buffer(batch)) != NULL; i++) {
        struct virtio_net vnet = {.flags = 0};

        forge_anything(&forged, random);
        if (i % 4 == 0 && forged.length > forged.l4 &&
            (forged.proto == IPPROTO_TCP || forged.proto == IPPROTO_UDP))
            vnet = forge_seal_partial(&forged, 16);
        memcpy(buffer, forged.bytes, forged.length);
        batch_commit_offloaded(batch, forged.length, &vnet);
    }
}

static void run_quietly(struct ruleset *ruleset)
{
    struct random random = {11};
    struct host_view *view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    struct path *path = path_new(ruleset, view);
    struct batch *batch = batch_new();

    assert_true(calls > 0); /* the counters are in place */
    for (unsigned round = 0; round < 50; round++) {
        fill(batch, &random);
        calls = 0;
        path_run(path, batch, &(struct moment){.now_ns = round * UINT64_C(1000000000)});
        assert_int_equal(calls, 0);
        while (event_ring_pop(path_events(path)) != NULL)
            continue;
    }
    for (size_t i = 0; i < match_type_count; i++) {
        if (path_rule_counters(path, i)->packets == 0)
            fail_msg("%s never held", match_types[i]->key);
    }
    assert_true(path_counters(path)->split > 0);
    batch_free(batch);
    path_free(path);
    host_view_free(view);
    ruleset_free(ruleset);
}

static void test_path_is_quiet(void **state)
{
    (void)state;
    run_quietly(rules_of_every_key());
}

static void test_classifier_is_quiet(void **state)
{
    struct ruleset *ruleset = rules_of_every_key();

    (void)state;
    assert_int_equal(ruleset_finish(ruleset, NULL), 0);
    assert_non_null(ruleset->classifier);
    run_quietly(ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_is_quiet),
        cmocka_unit_test(test_classifier_is_quiet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
