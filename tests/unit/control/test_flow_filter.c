/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters of flows as words: each key, what it lets through, and wrong ones. */
#include "../unit.h"
#include "flow_filter.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static struct ruleset *make_rules(void)
{
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    struct rule rule;

    assert_int_equal(rule_init(&rule, "office", "test", 1), 0);
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
    return ruleset;
}

/* 192.0.2.7:4000 > 198.51.100.1:80, translated by the first rule; nothing of TCP was seen. */
static struct flow make_flow(const struct ruleset *ruleset)
{
    struct flow flow = {.rule = ruleset->rules[0].identity};
    struct flow_tuple *original = &flow.tuples[FLOW_ORIGINAL];

    *original = (struct flow_tuple){
        .sport = 4000, .dport = 80, .proto = IPPROTO_TCP, .family = FAMILY_IPV4};
    memcpy(original->src, "\xc0\x00\x02\x07", 4);
    memcpy(original->dst, "\xc6\x33\x64\x01", 4);
    flow.tuples[FLOW_REPLY] = flow_tuple_turn(original);
    memcpy(flow.tuples[FLOW_REPLY].dst, "\xcb\x00\x71\x07", 4);
    return flow;
}

static bool fits(const struct ruleset *ruleset, const char *first, const char *second)
{
    const struct flow flow = make_flow(ruleset);
    char *const words[] = {(char *)first, (char *)second};
    struct flow_filter filter;
    char text[256];

    assert_int_equal(
        flow_filter_parse(words, second != NULL ? 2 : 1, ruleset, &filter, text, sizeof(text)), 0);
    return flow_filter_fits(&filter, &flow);
}

static bool has_same_key(const char *word, const char *other)
{
    return strncmp(word, other, strcspn(word, "=") + 1) == 0;
}

static void test_keys(void **state)
{
    static const char *const yes[] = {"proto=tcp",        "proto=6",           "src=192.0.2.7",
                                      "src=192.0.2.0/24", "src=192.0.2.99/24", "dst=198.51.100.1",
                                      "sport=4000",       "dport=80",          "state=syn_recv",
                                      "state=SYN_RECV",   "rule=office",       "dst=0.0.0.0/0"};
    static const char *const no[] = {"proto=udp",       "proto=1",          "src=192.0.2.8",
                                     "src=203.0.113.7", "dst=203.0.113.7",  "sport=80",
                                     "dport=4000",      "sport=0",          "state=established",
                                     "src=::/0",        "dst=2001:db8::/32"};
    struct ruleset *ruleset = make_rules();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (!fits(ruleset, yes[i], NULL))
            fail_msg("%s", yes[i]);
        for (size_t j = 0; j < ARRAY_SIZE(no); j++) {
            assert_false(fits(ruleset, no[j], NULL));
            if (!has_same_key(yes[i], no[j]))
                assert_false(fits(ruleset, yes[i], no[j]));
        }
    }
    ruleset_free(ruleset);
}

static void test_none_is_all(void **state)
{
    struct ruleset *ruleset = make_rules();
    const struct flow flow = make_flow(ruleset);
    struct flow_filter filter = {.wanted = FLOW_FILTER_PROTO};
    char text[256];

    (void)state;
    assert_int_equal(flow_filter_parse(NULL, 0, ruleset, &filter, text, sizeof(text)), 0);
    assert_true(flow_filter_fits(&filter, &flow));
    ruleset_free(ruleset);
}

static void test_wrong(void **state)
{
    static const struct {
        const char *word, *text;
    } wrong[] = {
        {"proto=tcpx", "'proto=tcpx': proto is tcp, udp"},
        {"proto=256", "proto is"},
        {"proto=", "proto is"},
        {"proto", "'proto': proto is"},
        {"src=192.0.2", "src is an address or prefix"},
        {"dst=192.0.2.0/33", "dst is an address or prefix"},
        {"sport=65536", "sport is a port from 0 to 65535"},
        {"dport=-1", "dport is a port from 0 to 65535"},
        {"dprot=53", "'dprot=53' is no filter; did you mean 'dport'?"},
        {"state=", "state is a state of TCP"},
        {"state=up", "state is a state of TCP"},
        {"rule=offic", "rule is the name of a rule in force"},
        {"ttl=3", "'ttl=3' is no filter"},
        {"=tcp", "is no filter"},
        {"", "is no filter"},
        {"proto=udp", "proto is there twice"},
    };
    struct ruleset *ruleset = make_rules();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        char *const words[] = {(char *)wrong[i].word, (char *)"proto=tcp"};
        struct flow_filter filter = {.wanted = 77};
        char text[256] = "";

        assert_int_equal(flow_filter_parse(words, 2, ruleset, &filter, text, sizeof(text)),
                         -EINVAL);
        if (strstr(text, wrong[i].text) == NULL)
            fail_msg("%s: %s", wrong[i].word, text);
        assert_int_equal(filter.wanted, 77);
    }
    ruleset_free(ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_none_is_all),
        cmocka_unit_test(test_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
