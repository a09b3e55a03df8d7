/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Warnings about rules that were hardly meant, and their absence where they were. */
#include "fixture.h"

#include "ipmodd/base/macro.h"

#include <stdlib.h>
#include <string.h>

#define BOTH "[divert]\ndirection = out, forward\n"

#define TTL_WARNING                                                                               \
    "may raise the TTL of forwarded packets, and one that circles would never end: write max N, " \
    "or match those with more by ttl"
#define MSS_WARNING "may raise the MSS beyond what a host can receive: write max N, or clamp-mss"
#define DF_WARNING                                                                                \
    "clears DF of packets whose identification is 0, and their fragments would be mixed up: add " \
    "set-ip-id = random, or match ip-id = !0"
#define DST_WARNING                                                                               \
    "sends this host's own packets elsewhere, but their answers do not come this way, so "        \
    "programs get them from an address that they did not ask: write direction = forward if only " \
    "packets of others are meant"
#define REJECT_WARNING \
    "rejects every packet: give it a match, or let an earlier rule accept what may pass"

/* Whether TEXT brings WARNING, and nothing else; NULL: nothing at all. */
static void assert_warns(const char *text, const char *warning)
{
    const char *complaints = fixture_complaints(text);

    if (warning == NULL)
        assert_string_equal(complaints, "");
    else if (strstr(complaints, warning) == NULL || strchr(complaints, '\n') != NULL)
        fail_msg("%s says: %s", text, complaints);
}

static void test_ttl(void **state)
{
    (void)state;
    assert_warns(BOTH "[rule a]\nset-ttl = 64\n",
                 "test.conf:4: [rule a] set-ttl: warning: " TTL_WARNING);
    assert_warns(BOTH "[rule a]\nset-ttl = +1\ndport = 80\n", TTL_WARNING);
    assert_warns(BOTH "[rule a]\nset-ttl = min 8\n", TTL_WARNING);
    assert_warns(BOTH "[rule a]\nttl = 64-255\nset-ttl = 65\n", TTL_WARNING);
    assert_warns(BOTH "[rule a]\nset-ttl = max 64\n", NULL);
    assert_warns(BOTH "[rule a]\nset-ttl = -1\n", NULL);
    assert_warns(BOTH "[rule a]\nttl = 64-255\nset-ttl = 64\n", NULL);
    assert_warns(BOTH "[rule a]\nttl = !1-9\nset-ttl = min 8\n", NULL);
    assert_warns(BOTH "[rule a]\ndirection = out\nset-ttl = 64\n", NULL);
    assert_warns("[rule a]\nset-ttl = 64\n", NULL); /* nothing is forwarded here */
}

static void test_mss(void **state)
{
    (void)state;
    assert_warns("[rule a]\nset-mss = 1460\n",
                 "test.conf:2: [rule a] set-mss: warning: " MSS_WARNING);
    assert_warns("[rule a]\nset-mss = +10\n", MSS_WARNING);
    assert_warns("[rule a]\nset-mss = min 536\n", MSS_WARNING);
    assert_warns("[rule a]\nset-mss = max 1460\n", NULL);
    assert_warns("[rule a]\nset-mss = -40\n", NULL);
    assert_warns("[rule a]\nclamp-mss = 1460\n", NULL);
    assert_warns("[rule a]\nmss = 1400-65535\nset-mss = 1400\n", NULL);
}

static void test_df(void **state)
{
    (void)state;
    assert_warns("[rule a]\nset-df = no\n", "test.conf:2: [rule a] set-df: warning: " DF_WARNING);
    assert_warns("[rule a]\nset-df = no\nset-ip-id = 0\n", DF_WARNING);
    assert_warns("[rule a]\nset-df = no\nset-ip-id = random\n", NULL);
    assert_warns("[rule a]\nset-ip-id = +1\nset-df = no\n", NULL);
    assert_warns("[rule a]\nip-id = !0\nset-df = no\n", NULL);
    assert_warns("[rule a]\ndf = no\nset-df = no\n", NULL);
    assert_warns("[rule a]\nset-df = yes\n", NULL);
}

static void test_destination(void **state)
{
    (void)state;
    assert_warns("[rule a]\nset-dst = 192.0.2.1\n",
                 "test.conf:2: [rule a] set-dst: warning: " DST_WARNING);
    assert_warns(BOTH "[rule a]\ndirection = out\nset-dst = 192.0.2.1\n", DST_WARNING);
    assert_warns(BOTH "[rule a]\ndirection = forward\nset-dst = 192.0.2.1\n", NULL);
    assert_warns("[divert]\ndirection = forward\n[rule a]\nset-dst = 192.0.2.1\n", NULL);
    assert_warns("[rule a]\nset-src = 192.0.2.1\n", NULL);
}

#define ALL              "[divert]\ndirection = out, forward, in\n"
#define ONLY(directions) "[divert]\ndirection = " directions "\n"
#define NO_IN            "divert those: add in"
#define NO_OUT           "divert those: add out"

static void test_answers_of_sources(void **state)
{
    (void)state;
    assert_warns("[rule a]\nmasquerade = yes\n",
                 "test.conf:2: [rule a] masquerade: warning: the answers are addressed to this "
                 "host, and [divert] direction does not " NO_IN);
    assert_warns(BOTH "[rule a]\nmasquerade = :5000-6000 random\n", NO_IN);
    assert_warns(ONLY("forward, in") "[rule a]\nmasquerade = yes\n", NULL);
    assert_warns(ALL "[rule a]\nproto = icmpv6\nmasquerade = yes\n",
                 "ICMPv6 to it is never diverted: write snat with");
    assert_warns(ALL "[rule a]\nproto = icmp\nmasquerade = yes\n", NULL);
    assert_warns(ALL "[rule a]\nfamily = ipv6\nicmp-type = echo-request\nmasquerade = yes\n",
                 "ICMPv6 to it is never diverted");
    assert_warns(ALL "[rule a]\ndirection = in\nmasquerade = yes\n", "come from itself");
    assert_warns(ALL "[rule a]\ndirection = in\nmasquerade = yes\n"
                     "[rule b]\ndport = 80\ndnat = 192.0.2.1\n",
                 NULL);
    assert_warns("[rule a]\nsnat = 192.0.2.1\n", "the answers do not come by here: add in to");
    assert_warns("[rule a]\nnetmap = src 192.0.2.0/24\n", "the answers do not come by here");
    assert_warns(BOTH "[rule a]\nsnat = 192.0.2.1\n", NULL);
    assert_warns(ONLY("out, in") "[rule a]\nsnat = 192.0.2.1\n", NULL);
    assert_warns(ONLY("forward") "[rule a]\nsnat = 192.0.2.1\n", NULL);
    assert_warns(ONLY("in") "[rule a]\nsnat = 192.0.2.1\n", NO_OUT);
    assert_warns(ONLY("in, out") "[rule a]\ndirection = in\nsnat = 192.0.2.1\n", NULL);
}

static void test_answers_of_destinations(void **state)
{
    (void)state;
    assert_warns(BOTH "[rule a]\ndnat = 192.0.2.1\n",
                 "test.conf:4: [rule a] dnat: warning: leads packets of this host elsewhere, and "
                 "[divert] direction does not divert the answers: add in, or write");
    assert_warns("[rule a]\nnetmap = dst 192.0.2.0/24\n", "leads packets of this host elsewhere");
    assert_warns(BOTH "[rule a]\ndirection = forward\ndnat = 192.0.2.1\n", NULL);
    assert_warns(BOTH "[rule a]\ndnat = 192.0.2.1\nsnat = 192.0.2.2\n", NULL);
    assert_warns(ALL "[rule a]\ndnat = 192.0.2.1\n", NULL);
    assert_warns(ONLY("in") "[rule a]\ndnat = 192.0.2.1\n",
                 "the answers do not come by here: add forward to");
    assert_warns(ONLY("in, forward") "[rule a]\ndnat = 192.0.2.1\n", NULL);
    assert_warns(ONLY("forward") "[rule a]\nredirect = :80\n", NO_OUT);
    assert_warns(ONLY("in") "[rule a]\nredirect = :80\n", NO_OUT);
    assert_warns("[rule a]\nredirect = :80\n", "leaves alone what this host sends");
    assert_warns(BOTH "[rule a]\nredirect = :80\n", NULL);
}

static void test_translations_to_nowhere(void **state)
{
    (void)state;
    assert_warns(ALL "[rule a]\ndnat = 127.0.0.1:8080\n",
                 "test.conf:4: [rule a] dnat: warning: the kernel takes no packet with a loopback "
                 "address from a device");
    assert_warns(ALL "[rule a]\ndnat = ::1\n", "loopback");
    assert_warns(ALL "[rule a]\nsnat = 127.0.0.1\n", "loopback");
    assert_warns(ALL "[rule a]\ndnat = 128.0.0.1\n", NULL);
    assert_warns(ALL "[tun]\naddress = 192.0.2.1/24, 2001:db8::1/64\n[rule a]\ndnat = 192.0.2.2\n",
                 "dropped as own-prefix");
    assert_warns(ALL "[tun]\naddress = 192.0.2.1/24, 2001:db8::1/64\n[rule a]\ndnat = 192.0.2.1\n",
                 NULL);
    assert_warns(ALL "[tun]\naddress = 192.0.2.1/24, 2001:db8::1/64\n[rule a]\nsnat = 192.0.2.2\n",
                 NULL);
}

static void test_prefixes_without_room(void **state)
{
    (void)state;
    assert_warns(ALL "[rule a]\nsrc = 192.0.2.0/24\nnetmap = src 203.0.113.0/25\n",
                 "test.conf:5: [rule a] netmap: warning: 192.0.2.0/24 holds more addresses than "
                 "a /25, and several would become one: write prefixes of the same length");
    assert_warns(ALL "[rule a]\ndst = 2001:db8::1, 2001:db8::/32\nnetmap = dst 2001:db8:1::/48\n",
                 "2001:db8::/32 holds more addresses than a /48");
    assert_warns(ALL "[rule a]\nsrc = 192.0.2.0/24\nnetmap = src 203.0.113.0/24\n", NULL);
    assert_warns(ALL "[rule a]\nsrc = 192.0.2.0/25, !198.51.0.0/16\nnetmap = src 203.0.113.0/24\n",
                 NULL);
    assert_warns(ALL "[rule a]\ndst = 192.0.2.0/24\nsrc = 192.0.2.7\n"
                     "netmap = src 203.0.113.0/25\n",
                 NULL);
}

static void test_reject(void **state)
{
    (void)state;
    assert_warns("[rule a]\nverdict = reject\n", "test.conf:1: [rule a] warning: " REJECT_WARNING);
    assert_warns("[rule a]\ndport = 1\nlog = yes\n[rule b]\nverdict = reject tcp-reset\n",
                 REJECT_WARNING);
    assert_warns("[rule a]\ndport = 80\nverdict = accept\n[rule b]\nverdict = reject\n", NULL);
    assert_warns("[rule a]\nproto = udp\nverdict = reject\n", NULL);
    assert_warns("[rule a]\nverdict = drop\n", NULL);
}

/* Whether a rule with MATCHES that rejects is one that rejects everything below SETTINGS. */
static void assert_rejects_all(const char *settings, const char *matches, bool expected)
{
    char text[1024];

    snprintf(text, sizeof(text), "%s[rule a]\n%s\nverdict = reject\n", settings, matches);
    assert_warns(text, expected ? REJECT_WARNING : NULL);
}

static void test_reject_by_matches_that_leave_nothing_out(void **state)
{
    static const char *const all[] = {
        "src = 0.0.0.0/0, ::/0",
        "dst = 0.0.0.0-127.255.255.255, 128.0.0.0/1, ::/1, 8000::/1",
        "host = ::/0, 0.0.0.0/0",
        "family = ipv4, ipv6",
        "proto = 0-255",
        "ttl = 0-255",
        "ttl = 0-99, 100-255",
        "dscp = 0-63",
        "ecn = not-ect, ect0, ect1, ce",
        "length = 20-65535",
        "fragment = yes, no",
        "direction = out",
        "probability = 100%",
        "every = 1",
        "state = new, established, related, invalid",
        "ttl = 0-255\ndscp = 0-63\nsrc = 0.0.0.0/0, ::/0",
    };
    static const char *const some[] = {
        "src = 0.0.0.0/0",
        "src = 0.0.0.0/0, ::1",
        "dst = 0.0.0.0/1, 128.0.0.1-255.255.255.255, ::/0",
        "host = 0.0.0.0/0, ::/0, !192.0.2.1",
        "family = ipv4",
        "proto = 0-254",
        "proto = 0-255, !tcp",
        "sport = 0-65535",
        "ttl = 0-254",
        "ttl = 0-99, 101-255",
        "dscp = 1-63",
        "ecn = not-ect, ect0, ect1",
        "length = 21-65535",
        "fragment = no",
        "df = yes, no",
        "probability = 99.999999%",
        "every = 2",
        "state = new, established",
        "ttl = 0-255\ndscp = ef",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        assert_rejects_all("", all[i], true);
    for (size_t i = 0; i < ARRAY_SIZE(some); i++)
        assert_rejects_all("", some[i], false);
}

/* All that is diverted is enough. */
static void test_reject_of_all_that_is_diverted(void **state)
{
    (void)state;
    assert_rejects_all("[divert]\nfamily = ipv4\n", "src = 0.0.0.0/0", true);
    assert_rejects_all("[divert]\nfamily = ipv4\n", "df = yes, no", true);
    assert_rejects_all("[divert]\nfamily = ipv4\n", "ip-id = 0-65535", true);
    assert_rejects_all("[divert]\nfamily = ipv6\n", "flow-label = 0-1048575", true);
    assert_rejects_all("[divert]\nfamily = ipv4\n", "src = 0.0.0.0/1", false);
    assert_rejects_all("[divert]\nfamily = ipv4\n", "df = no", false);
    assert_rejects_all("[divert]\nfamily = ipv4\n", "ip-id = 1-65535", false);
    assert_rejects_all("[divert]\nfamily = ipv6\n", "flow-label = 0-1048574", false);
    assert_rejects_all(BOTH, "direction = out, forward", true);
    assert_rejects_all(BOTH, "direction = out", false);
}

#define A_COVERS "never matches: [rule a] in test.conf:1 holds for all of its packets and ends"

/* Whether rule b, with MATCHES, never matches behind rule a with EARLIER. */
static void assert_shadow(const char *earlier, const char *matches, bool expected)
{
    char text[1024];

    snprintf(text, sizeof(text), "[rule a]\n%s\nverdict = drop\n[rule b]\n%s\nlog = yes\n", earlier,
             matches);
    assert_warns(text, expected ? A_COVERS : NULL);
}

static void test_shadow(void **state)
{
    (void)state;
    assert_shadow("dport = 80", "dport = 80", true);
    assert_shadow("dport = 80-90", "dport = 85, 90", true);
    assert_shadow("dport = 80-90", "dport = 85, 91", false);
    assert_shadow("dport = !80", "dport = 81-90", true);
    assert_shadow("dport = !80", "dport = 0-65535", false);
    assert_shadow("dport = 80", "sport = 80", false);
    assert_shadow("dport = 80", "dport = 80\nproto = tcp", true);
    assert_shadow("dport = 80\nproto = tcp", "dport = 80", false);
    assert_shadow("proto = tcp, udp", "proto = udp", true);
    assert_shadow("proto = icmp", "proto = icmpv6\nfamily = ipv6", false);
    assert_shadow("dst = 198.51.100.0/24", "dst = 198.51.100.7", true);
    assert_shadow("dst = 198.51.100.0/24", "dst = 198.51.100.7, 203.0.113.1", false);
    assert_shadow("dst = 198.51.100.0/24, !198.51.100.7", "dst = 198.51.100.7", false);
    assert_shadow("dst = 198.51.100.0/24, !198.51.100.7", "dst = 198.51.100.8-198.51.100.9", true);
    assert_shadow("dst = 198.51.100.0/24, 2001:db8::/32", "dst = 2001:db8:1::/48", true);
    assert_shadow("dst = 2001:db8::/32", "dst = 2001:db8::/31", false);
    assert_shadow("ttl = 1-9\ndscp = ef", "dscp = ef\nttl = 3", true);
    assert_shadow("tcp-flags = syn, !ack", "tcp-flags = syn, !ack", true);
    assert_shadow("payload = \"a\"", "payload = 0x61\ndport = 7", true);
    assert_shadow("payload = \"a\"\npayload = \"b\"", "payload = \"b\"", false);
    assert_shadow("src = 0.0.0.0/0, ::/0", "dport = 80", true);
    assert_shadow("src = 0.0.0.0/0", "dport = 80", false);
    assert_shadow("ttl = 0-255\ndport = 1-100", "dport = 80", true);
    assert_shadow("dport = 80\nlimit = 1/s", "dport = 80", false);
    assert_shadow("dport = 80\nprobability = 50%", "dport = 80\nprobability = 50%", false);
}

static void test_shadow_by_sets(void **state)
{
    static const char sets[] = "\n[set s]\nelements = 192.0.2.1\n[set t]\nelements = 192.0.2.1\n"
                               "[set p]\ntype = port\nelements = 80\n[set q]\ntype = port\n"
                               "elements = 80\n[rule c]\n";
    static const struct {
        const char *earlier, *matches;
        bool expected;
    } cases[] = {
        {"dst = @s", "dst = @s", true},
        {"dst = @s", "dst = @t", false},
        {"dst = @s", "dst = 192.0.2.1", false},
        {"dst = @s, 192.0.2.9", "dst = @s, 192.0.2.9\ndport = 7", true},
        {"dport = @p", "dport = @p", true},
        {"dport = @p", "dport = @q", false},
        {"dport = @p, 7", "dport = @p, 7", true},
        {"dport = @p, 7-8", "dport = @p, 7", false},
        {"dport = @p", "dport = 80", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char matches[512];

        snprintf(matches, sizeof(matches), "%s%sdport = 4444", cases[i].matches, sets);
        assert_shadow(cases[i].earlier, matches, cases[i].expected);
    }
}

/* Only what always ends the list for packets as they are then. */
static void test_no_shadow(void **state)
{
    (void)state;
    assert_warns("[rule a]\ndport = 80\nset-ttl = 3\n[rule b]\ndport = 80\nlog = yes\n", NULL);
    assert_warns("[rule a]\nicmp-type = ping\nreply = echo\n[rule b]\nicmp-type = ping\n", NULL);
    assert_warns("[rule a]\ndport = 80\nverdict = drop\n[rule m]\ndport = 81\nset-dport = 80\n"
                 "[rule b]\ndport = 80\nlog = yes\n",
                 NULL);
    assert_warns("[rule a]\ndport = 80\nverdict = drop\n[rule m]\ndport = 81\nset-ttl = 80\n"
                 "[rule b]\ndport = 80\nlog = yes\n",
                 A_COVERS);
    assert_warns("[rule a]\ndport = 80\nset-dport = 81\nverdict = accept\n[rule b]\ndport = 80\n",
                 A_COVERS);
}

/* Ten thousand rules that end the list and have nothing in common are compared in moments. */
static void test_many_rules(void **state)
{
    enum { RULES = 10000, LINE = 80 };
    char *text = calloc(RULES, LINE);
    size_t length = 0;

    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; i < RULES; i++)
        length +=
            (size_t)snprintf(text + length, LINE, "[rule r%u]\nmss = %u\nverdict = drop\n", i, i);
    assert_string_equal(fixture_complaints(text), "");
    free(text);
}

#define LINT_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINT_TEST(test_ttl),
        LINT_TEST(test_mss),
        LINT_TEST(test_df),
        LINT_TEST(test_destination),
        LINT_TEST(test_answers_of_sources),
        LINT_TEST(test_answers_of_destinations),
        LINT_TEST(test_translations_to_nowhere),
        LINT_TEST(test_prefixes_without_room),
        LINT_TEST(test_reject),
        LINT_TEST(test_reject_by_matches_that_leave_nothing_out),
        LINT_TEST(test_reject_of_all_that_is_diverted),
        LINT_TEST(test_shadow),
        LINT_TEST(test_shadow_by_sets),
        LINT_TEST(test_no_shadow),
        LINT_TEST(test_many_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
