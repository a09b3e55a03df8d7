/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dump: complete, and the same again after loading it; samples and manual examples load. */
#include "fixture.h"

#include "ipmodd/base/macro.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

/* Loads the dump of TEXT from the same file name, so that only line numbers may differ. */
static void assert_stable(const char *text)
{
    char *first = fixture_dump(text);
    char *second = fixture_dump(first);
    char *third = fixture_dump(second);

    assert_string_equal(second, third);
    free(first);
    free(second);
    free(third);
}

static void test_defaults_are_written_out(void **state)
{
    char *dump = fixture_dump("[main]\n");

    (void)state;
    assert_string_equal(dump, "[main]\n"
                              "policy = accept\n"
                              "malformed = drop\n"
                              "log-level = info\n"
                              "seed = auto\n"
                              "control = auto\n"
                              "metrics = off\n"
                              "\n"
                              "[tun]\n"
                              "name = tun0\n"
                              "address = borrow\n"
                              "mtu = auto\n"
                              "offload = auto\n"
                              "merge = exact\n"
                              "queues = 1\n"
                              "busy-poll = auto\n"
                              "rps = off\n"
                              "\n"
                              "[divert]\n"
                              "direction = out\n"
                              "family = ipv4, ipv6\n"
                              "table = 100\n"
                              "priority = 99\n"
                              "divert-priority = 32765\n"
                              "mirror = all\n"
                              "conntrack = auto\nforeign-netfilter = warn\non-exit = open\n"
                              "\n"
                              "[flows]\n"
                              "max = 131072\n"
                              "tcp-established = 7440s\n"
                              "tcp-transitory = 240s\n"
                              "udp = 300s\n"
                              "icmp = 60s\n"
                              "sctp = 7440s\n"
                              "other = 600s\n"
                              "nat-mapping = endpoint-independent\n"
                              "nat-filtering = endpoint-independent\n"
                              "nat-ports = unlimited\n"
                              "nat-flows = unlimited\n"
                              "nat-refuse-after = 6s\n");
    free(dump);
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_stable(
        "[main]\npolicy = drop\nmalformed = pass\nlog-level = debug\nseed = 77\ncontrol = /run/other\n"
        "[tun]\nname = mod0\naddress = 192.0.2.1/24, 2001:db8::1/64\nmtu = 1400\noffload = off\nmerge = relaxed\nqueues = 4\n"
        "busy-poll = 20\nrps = 0-1,7\n"
        "[divert]\ndirection = out, forward\nfamily = ipv4, ipv6\ntable = 200\n"
        "priority = 20\ndivert-priority = 30000\nexclude = 192.0.2.1, 2001:db8::/32\n"
        "exclude-uid = 7, root\nexclude-port = udp/1-2\nmirror = default\n"
        "on-exit = closed\n"
        "[rule a]\ndirection = out\nfamily = !ipv6\nproto = tcp, !udp\n"
        "src = 192.0.2.1-192.0.2.9\ndst = 0.0.0.0/0\nhost = !192.0.2.4\nsport = 1-9, !4\n"
        "dport = 443\nport = 443\ntcp-flags = syn+ack, !rst\nttl = 1-3\ndscp = ef, 3\n"
        "ecn = ce\nlength = 40-1500\nfragment = no\nset-src = 192.0.2.1\n"
        "set-dst = 192.0.2.2\nset-sport = 1\nset-dport = 2\nset-ttl = min 3\n"
        "set-dscp = 3\nset-ecn = ect0\nset-df = no\nset-mss = 900\nclamp-mss = 1000\n"
        "verdict = reject tcp-reset\nlog = debug 3/min burst 7\n"
        "[set nets]\nelements = 192.0.2.0/24, 2001:db8::1-2001:db8::9\n"
        "[set web]\ntype = port\nelements = 80, 443\n"
        "[rule s]\nsrc = @nets, 198.51.100.1\ndst = !@nets\ndport = 1-100, !22, @web\n"
        "sport = !@web\n"
        "[flows]\nmax = 1000\nudp = 2min\nnat-ports = 7\nnat-flows = 9\nnat-refuse-after = off\n"
        "[rule c]\ndf = yes\nip-id = 3-4\nip-option = !any\nset-ip-id = random\n"
        "[rule d]\next-header = any, !ah\nflow-label = 7\nset-flow-label = 8\n"
        "[rule e]\ntcp-option = mss, !sack\nmss = 1-9\nwindow = 0\nset-window = +3\nset-mss = -40\n"
        "set-tcp-flags = +psh, -ece\nstrip-tcp-option = any, !mss\n"
        "[rule b]\nicmp-code = 0-3\nicmp-type = 1, echo-request\nproto = icmp\n"
        "dst = 2001:db8::5\nreply = echo\n");
    assert_stable(
        "[tun]\nqueues = 1\n[rule f]\nstate = established, related\nflow-packets = 1-10\n"
        "flow-bytes = 1MiB-\n"
        "[rule t]\nsnat = 192.0.2.1-192.0.2.9:1-99 random persistent\ndnat = 192.0.2.7\n"
        "[rule u]\nsnat = [2001:db8::1]:7\nnetmap = dst 2001:db8::/48\n[rule v]\nmasquerade = :7-9 random\nredirect = :3\n");
}

/* Ends of a comment must not come from a file's name. */
static void test_odd_file_name(void **state)
{
    char *dump;

    (void)state;
    fixture_write("odd\nname = x", "[rule a]\nttl = 3\n");
    dump = fixture_dump_of("odd\nname = x");
    assert_non_null(strstr(dump, "# odd?name = x:1\n[rule a]\n"));
    free(dump);
}

/* The text of a file of the source tree. Owned by the caller. */
static char *read_text(const char *path)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) < 65535);
    fclose(file);
    return text;
}

static void assert_samples_load(const char *pattern, size_t at_least)
{
    char CLEANUP(cleanup_free) *whole = NULL;
    glob_t found;

    assert_true(asprintf(&whole, "%s/%s", getenv("IPMODD_SOURCE_ROOT"), pattern) > 0);
    assert_int_equal(glob(whole, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= at_least);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *text = read_text(found.gl_pathv[i]);

        assert_string_equal(fixture_complaints(text), "");
        assert_stable(text);
        free(text);
    }
    globfree(&found);
}

static void test_samples_load(void **state)
{
    (void)state;
    assert_samples_load("conf/ipmodd.conf", 1);
    assert_samples_load("conf/examples/*.conf", 8);
}

/* TEXT without the `#` in front of its keys: what a user makes of the sample line by line. */
static void uncomment(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (from[0] == '#' && from[1] != ' ' && (from == text || from[-1] == '\n'))
            continue;
        *to++ = *from;
    }
    *to = '\0';
}

/* Every line of the defaults, as the program has them, stands in DUMP. */
static void assert_holds_defaults(const char *dump)
{
    char *defaults = fixture_dump("[main]\n");
    char *rest = defaults;
    char *line;

    while ((line = strsep(&rest, "\n")) != NULL)
        assert_non_null(strstr(dump, line));
    free(defaults);
}

static void test_commented_defaults_are_the_defaults(void **state)
{
    char CLEANUP(cleanup_free) *path = NULL;
    char *text, *dump;

    (void)state;
    assert_true(asprintf(&path, "%s/conf/ipmodd.conf", getenv("IPMODD_SOURCE_ROOT")) > 0);
    text = read_text(path);
    uncomment(text);
    dump = fixture_dump(text);
    assert_holds_defaults(dump);
    free(dump);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_written_out),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_odd_file_name),
        cmocka_unit_test(test_samples_load),
        cmocka_unit_test(test_commented_defaults_are_the_defaults),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
