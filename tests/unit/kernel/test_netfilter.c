/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The judgement over rulesets as `nft -j list ruleset` shows them: what is said, and the recipe. */
#include "unit.h"

#include "kernel/connections.h"
#include "kernel/netfilter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a test asks about: the ruleset, and what was found in it. */
struct judged {
    struct config *config;
    struct netfilter_findings findings;
    const char *words; /* of every rule */
};

static const char *give_words(void *context, const char *family, const char *table,
                              const char *chain, int64_t handle)
{
    const struct judged *judged = context;

    assert_true(family[0] != '\0' && table[0] != '\0' && chain[0] != '\0' && handle > 0);
    return judged->words;
}

static struct judged judged_make(unsigned directions)
{
    struct judged judged = {.config = config_new()};

    assert_non_null(judged.config);
    judged.config->divert.directions = directions;
    return judged;
}

static int judge_text(struct judged *judged, const char *text)
{
    const struct netfilter_words words = {.find = give_words, .context = judged};

    netfilter_findings_clear(&judged->findings);
    return netfilter_judge(text, judged->config, &words, &judged->findings);
}

static void judge_file(struct judged *judged, const char *name)
{
    const char *folder = getenv("RULESETS");
    char path[512];
    char *text = NULL;
    size_t size = 0;
    FILE *file;

    assert_non_null(folder);
    snprintf(path, sizeof(path), "%s/%s.json", folder, name);
    file = fopen(path, "re");
    assert_non_null(file);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    assert_int_equal(judge_text(judged, text), 0);
    free(text);
}

static void judged_clear(struct judged *judged)
{
    netfilter_findings_clear(&judged->findings);
    config_free(judged->config);
}

static void says(const struct judged *judged, size_t index, const char *words)
{
    if (index >= judged->findings.remarks.count)
        fail_msg("only %zu remarks, looked for: %s", judged->findings.remarks.count, words);
    if (strstr(judged->findings.remarks.items[index].text, words) == NULL)
        fail_msg("not \"%s\" in: %s", words, judged->findings.remarks.items[index].text);
}

static void recipe_is(const struct judged *judged, const char *const *lines)
{
    size_t count = 0;

    for (; lines[count] != NULL; count++) {
        assert_true(count < judged->findings.recipe_count);
        assert_string_equal(judged->findings.recipe[count], lines[count]);
    }
    assert_int_equal(judged->findings.recipe_count, count);
}

/* A chain of type nat in postrouting with one rule of iptables, as libnftables 1.0.2 shows it. */
#define NAMELESS_NAT                                                                            \
    "{\"nftables\": [{\"chain\": {\"family\": \"ip\", \"table\": \"nat\", \"name\": \"POST\", " \
    "\"type\": \"nat\", \"hook\": \"postrouting\", \"policy\": \"accept\"}}, {\"rule\": "       \
    "{\"family\": \"ip\", \"table\": \"nat\", \"chain\": \"POST\", \"handle\": 3, \"expr\": ["  \
    "{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"oifname\"}}, "               \
    "\"right\": \"eth0\"}}, {\"xt\": null}]}}]}"

static void test_extensions_without_a_name(void **state)
{
    static const char *const zone[] = {"meta nfproto ipv4 ct original zone set 213", NULL};
    static const char *const nothing[] = {NULL};
    static const struct {
        const char *words;
        const char *const *recipe;
    } cases[] = {
        {"oifname \"eth0\" counter packets 0 bytes 0 masquerade ", zone},
        {"oifname \"eth0\" snat to 192.0.2.1", zone},
        {"oifname \"eth0\" log prefix \"masqueraded\"", nothing},
        {NULL, nothing},
    };
    struct judged judged = judged_make(DIRECTIONS_OUT | DIRECTIONS_FORWARD);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        judged.words = cases[i].words;
        assert_int_equal(judge_text(&judged, NAMELESS_NAT), 0);
        recipe_is(&judged, cases[i].recipe);
    }
    /* A mark that is tested, or only set; that of a connection is another. */
    judged.words = "oifname \"eth0\" meta mark 0x1 masquerade";
    assert_int_equal(judge_text(&judged, NAMELESS_NAT), 0);
    says(&judged, 0, "mark");
    judged.words = "oifname \"eth0\" ct mark 0x1 masquerade";
    assert_int_equal(judge_text(&judged, NAMELESS_NAT), 0);
    assert_int_equal(judged.findings.remarks.count, 0);
    judged_clear(&judged);
}

static void test_docker(void **state)
{
    struct judged judged = judged_make(DIRECTIONS_OUT);

    (void)state;
    judge_file(&judged, "docker");
    assert_int_equal(judged.findings.remarks.count, 1);
    says(&judged, 0, "chain FORWARD of table ip filter drops what comes back");
    says(&judged, 0, "what helps: iptables -t filter -I DOCKER-USER -i tun0 -j ACCEPT");
    recipe_is(&judged, (const char *const[]){NULL});

    judged.config->divert.directions = DIRECTIONS_OUT | DIRECTIONS_FORWARD;
    judge_file(&judged, "docker");
    assert_int_equal(judged.findings.remarks.count, 2);
    says(&judged, 1, "what helps: iptables -t filter -I DOCKER-USER -o tun0 -j ACCEPT");
    recipe_is(&judged, (const char *const[]){"ip daddr 172.17.0.0/16 notrack accept", NULL});
    judged_clear(&judged);
}

static void test_ufw(void **state)
{
    struct judged judged = judged_make(DIRECTIONS_OUT);

    (void)state;
    judge_file(&judged, "ufw");
    assert_int_equal(judged.findings.remarks.count, 2);
    says(&judged, 0, "chain FORWARD of table ip filter drops");
    says(&judged, 0, "what helps: ufw route allow in on tun0");
    says(&judged, 1, "chain FORWARD of table ip6 filter drops");
    judged.config->divert.families = FAMILIES_IPV4;
    judge_file(&judged, "ufw");
    assert_int_equal(judged.findings.remarks.count, 1);
    judged_clear(&judged);
}

static void test_firewalld(void **state)
{
    struct judged judged = judged_make(DIRECTIONS_OUT | DIRECTIONS_FORWARD);

    (void)state;
    judge_file(&judged, "firewalld");
    assert_int_equal(judged.findings.remarks.count, 1);
    says(&judged, 0, "chain filter_FORWARD of table inet firewalld drops what comes back");
    says(&judged, 0, "what helps: firewall-cmd --zone=trusted --add-interface=tun0");
    recipe_is(&judged, (const char *const[]){"ct original zone set 213", NULL});
    judged_clear(&judged);
}

static void test_hand_made(void **state)
{
    struct judged judged = judged_make(DIRECTIONS_OUT | DIRECTIONS_FORWARD);

    (void)state;
    judged.words = "oifname { \"eth0\", \"eth1\" } counter drop";
    judge_file(&judged, "hand-made");
    assert_int_equal(judged.findings.remarks.count, 4);
    says(&judged, 0, "chain OUTPUT of table ip filter tests the output interface");
    says(&judged, 0, " oifname \"tun0\" counter drop'");
    says(&judged, 1, "chain POSTROUTING of table ip nat gives this host's packets another source");
    says(&judged, 2, "chain POSTROUTING of table ip mangle tests mark");
    says(&judged, 2, "what helps: nft insert rule ip mangle POSTROUTING iifname \"tun0\" accept");
    says(&judged, 3, "ports are forwarded to addresses that cannot be seen");
    recipe_is(&judged, (const char *const[]){"meta nfproto ipv4 ct original zone set 213", NULL});
    judged_clear(&judged);
}

/* What nft cannot be given is not offered. */
static void test_rules_without_words(void **state)
{
    static const char *const words[] = {
        NULL,   "oifname \"eth0\" xt target \"LOG\"", "oif",
        "drop", "oifname \"eth0\" comment \"it's\"",  "oifname $wan drop"};
    struct judged judged = judged_make(DIRECTIONS_OUT);

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        judged.words = words[i];
        judge_file(&judged, "hand-made");
        says(&judged, 0, "what helps: the same rule for tun0, next to handle ");
        says(&judged, 0, " in `nft -a list chain ip filter OUTPUT`");
    }
    judged_clear(&judged);
}

static void test_native(void **state)
{
    struct judged judged = judged_make(DIRECTIONS_OUT | DIRECTIONS_FORWARD);

    (void)state;
    judge_file(&judged, "native");
    says(&judged, 0, "chain post of table inet f tests mark, owner, control group or priority");
    says(&judged, 1, "chain nat of table inet f gives this host's packets another source");
    says(&judged, 2, "translates sources by output interface and something");
    assert_int_equal(judged.findings.remarks.count, 3);
    recipe_is(&judged, (const char *const[]){
                           "ip saddr 203.0.113.0/26 ct original zone set 213",
                           "ip saddr 198.51.100.7 ct original zone set 213",
                           "ct original zone set 213",
                           "ip6 daddr 2001:db8:3::/64 notrack accept",
                           "ip daddr 203.0.113.9 notrack accept",
                           NULL,
                       });
    judged_clear(&judged);
}

/* Untracked packets are let go before a zone is given to the rest. */
#define INPUT_CHAIN(rules)                                                                    \
    "{\"nftables\": [{\"chain\": {\"family\": \"inet\", \"table\": \"f\", \"name\": \"in\", " \
    "\"type\": \"filter\", \"hook\": \"input\", \"policy\": \"drop\"}}" rules "]}"
#define ACCEPT_FROM(device)                                                                    \
    ", {\"rule\": {\"family\": \"inet\", \"table\": \"f\", \"chain\": \"in\", \"handle\": 5, " \
    "\"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"iifname\"}}, "   \
    "\"right\": \"" device "\"}}, {\"accept\": null}]}}"

/* Rules for the device by which packets come in are to be there for tun0, and nobody else's. */
static void test_input_chains(void **state)
{
    static const struct {
        const char *text;
        unsigned directions;
        const char *said;
    } cases[] = {
        {INPUT_CHAIN(ACCEPT_FROM("eth0")), DIRECTIONS_IN,
         "chain in of table inet f tests the input interface, which is the tun device for what is "
         "diverted on its way in; what helps: nft 'add rule inet f in handle 5 iifname \"tun0\" "
         "accept'"},
        {INPUT_CHAIN(ACCEPT_FROM("eth0")), DIRECTIONS_OUT | DIRECTIONS_FORWARD, NULL},
        {INPUT_CHAIN(ACCEPT_FROM("eth0") ACCEPT_FROM("tun0")), DIRECTIONS_IN, NULL},
        {INPUT_CHAIN(ACCEPT_FROM("lo")), DIRECTIONS_IN, NULL},
        {INPUT_CHAIN(""), DIRECTIONS_IN, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct judged judged = judged_make(cases[i].directions);

        judged.words = "iifname \"eth0\" accept";
        assert_int_equal(judge_text(&judged, cases[i].text), 0);
        if (cases[i].said != NULL)
            says(&judged, 0, cases[i].said);
        assert_int_equal(judged.findings.remarks.count, cases[i].said != NULL ? 1 : 0);
        judged_clear(&judged);
    }
}

static void test_order_of_the_table(void **state)
{
    struct judged judged = judged_make(DIRECTIONS_OUT | DIRECTIONS_FORWARD);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    judge_file(&judged, "native");
    connections_print(judged.config, &judged.findings, out);
    fclose(out);
    assert_non_null(strstr(text, "nft 'add table inet ipmodd-tun0'\n"));
    assert_non_null(strstr(text, "prerouting iifname != \"tun0\" accept'\n"));
    assert_true(strstr(text, "ip daddr 203.0.113.9 notrack") <
                strstr(text, "ip saddr 203.0.113.0/26 ct original"));
    free(text);
    judged_clear(&judged);
}

static void test_keep(void **state)
{
    struct judged judged = judged_make(DIRECTIONS_OUT | DIRECTIONS_FORWARD);

    (void)state;
    judged.config->divert.conntrack = CONNTRACK_KEEP;
    judge_file(&judged, "firewalld");
    says(&judged, 0, "what helps: [divert] conntrack = auto");
    recipe_is(&judged, (const char *const[]){NULL});
    judged_clear(&judged);
}

static void test_no_ruleset(void **state)
{
    static const char *const wrong[] = {"", "{", "[]", "{\"nftables\": 3}", "null"};
    static const char *const odd[] = {
        "{\"nftables\": []}",
        "{\"nftables\": [{\"rule\": {}}, {\"chain\": {}}, 3, null, {\"rule\": {\"expr\": 4}}]}",
        "{\"nftables\": [{\"chain\": {\"family\": \"ip\", \"table\": \"t\", \"name\": \"c\", "
        "\"type\": \"filter\", \"hook\": \"forward\"}}, {\"rule\": {\"family\": \"ip\", "
        "\"table\": \"t\", \"chain\": \"c\", \"expr\": [{\"jump\": {\"target\": \"c\"}}, {}, "
        "{\"match\": {}}, {\"vmap\": {}}, {\"xt\": null}]}}]}",
    };
    struct judged judged = judged_make(DIRECTIONS_OUT);

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(judge_text(&judged, wrong[i]), -EBADMSG);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        assert_int_equal(judge_text(&judged, odd[i]), 0);
        assert_int_equal(judged.findings.remarks.count, 0);
    }
    judged_clear(&judged);
}

static void test_recipe_is_bounded(void **state)
{
    struct netfilter_findings findings = {.recipe = NULL};
    char line[2 * NETFILTER_LINE];

    (void)state;
    for (int i = 0; i < NETFILTER_RECIPE_MAX; i++) {
        snprintf(line, sizeof(line), "line %d", i);
        assert_int_equal(netfilter_recipe_add(&findings, line), 0);
        assert_int_equal(netfilter_recipe_add(&findings, line), 0);
    }
    assert_int_equal(findings.recipe_count, NETFILTER_RECIPE_MAX);
    assert_int_equal(netfilter_recipe_add(&findings, "one more"), -E2BIG);
    memset(line, 'x', NETFILTER_LINE);
    line[NETFILTER_LINE] = '\0';
    findings.recipe_count--;
    assert_int_equal(netfilter_recipe_add(&findings, line), -E2BIG);
    netfilter_findings_clear(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_docker),
        cmocka_unit_test(test_extensions_without_a_name),
        cmocka_unit_test(test_ufw),
        cmocka_unit_test(test_firewalld),
        cmocka_unit_test(test_hand_made),
        cmocka_unit_test(test_rules_without_words),
        cmocka_unit_test(test_native),
        cmocka_unit_test(test_input_chains),
        cmocka_unit_test(test_order_of_the_table),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_no_ruleset),
        cmocka_unit_test(test_recipe_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
