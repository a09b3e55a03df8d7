/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words to a filter of flows, and what it lets through. */
#include "flow_filter.h"

#include "ipmodd/base/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

enum { KEY_TEXT = 16 }; /* longer words are no key, nor meant to be one */

static const struct {
    const char *name;
    uint8_t proto;
} protos[] = {
    {"tcp", IPPROTO_TCP},         {"udp", IPPROTO_UDP},   {"icmp", IPPROTO_ICMP},
    {"icmpv6", IPPROTO_ICMPV6},   {"sctp", IPPROTO_SCTP}, {"dccp", IPPROTO_DCCP},
    {"udplite", IPPROTO_UDPLITE},
};

const char *flow_proto_name(uint8_t proto, char text[static FLOW_PROTO_TEXT])
{
    for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
        if (protos[i].proto == proto)
            return protos[i].name;
    }
    snprintf(text, FLOW_PROTO_TEXT, "%u", proto);
    return text;
}

static bool parse_proto(const char *value, const struct ruleset *ruleset,
                        struct flow_filter *filter)
{
    uint64_t number = 0;

    (void)ruleset;
    for (size_t i = 0; i < ARRAY_SIZE(protos) && number == 0; i++) {
        if (strcmp(protos[i].name, value) == 0)
            number = protos[i].proto;
    }
    if (number == 0 && text_parse_number(value, UINT8_MAX, &number) < 0)
        return false;
    filter->proto = (uint8_t)number;
    return true;
}

static bool parse_prefix(const char *value, struct ip_prefix *ret_prefix)
{
    if (ip_prefix_parse(value, ret_prefix) < 0)
        return false;
    *ret_prefix = ip_prefix_network(ret_prefix);
    return true;
}

static bool parse_src(const char *value, const struct ruleset *ruleset, struct flow_filter *filter)
{
    (void)ruleset;
    return parse_prefix(value, &filter->src);
}

static bool parse_dst(const char *value, const struct ruleset *ruleset, struct flow_filter *filter)
{
    (void)ruleset;
    return parse_prefix(value, &filter->dst);
}

static bool parse_port(const char *value, uint16_t *ret_port)
{
    uint64_t number;

    if (text_parse_number(value, UINT16_MAX, &number) < 0)
        return false;
    *ret_port = (uint16_t)number;
    return true;
}

static bool parse_sport(const char *value, const struct ruleset *ruleset,
                        struct flow_filter *filter)
{
    (void)ruleset;
    return parse_port(value, &filter->sport);
}

static bool parse_dport(const char *value, const struct ruleset *ruleset,
                        struct flow_filter *filter)
{
    (void)ruleset;
    return parse_port(value, &filter->dport);
}

static bool parse_state(const char *value, const struct ruleset *ruleset,
                        struct flow_filter *filter)
{
    (void)ruleset;
    for (enum flow_tcp_state i = 0; i < FLOW_TCP_STATE_COUNT; i++) {
        const char *name = flow_tcp_state_name(i);

        filter->state = i;
        if (*name != '\0' && strcasecmp(name, value) == 0)
            return true;
    }
    return false;
}

static bool parse_rule(const char *value, const struct ruleset *ruleset, struct flow_filter *filter)
{
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        filter->rule = ruleset->rules[i].identity;
        if (strcmp(ruleset->rules[i].name, value) == 0)
            return true;
    }
    return false;
}

static const struct {
    const char *key, *grammar;
    bool (*parse)(const char *value, const struct ruleset *ruleset, struct flow_filter *filter);
    unsigned bit;
} keys[] = {
    {"proto", "tcp, udp, icmp, icmpv6, sctp, dccp, udplite or a number to 255", parse_proto,
     FLOW_FILTER_PROTO},
    {"src", "an address or prefix such as 192.0.2.0/24 or 2001:db8::1", parse_src, FLOW_FILTER_SRC},
    {"dst", "an address or prefix such as 192.0.2.0/24 or 2001:db8::1", parse_dst, FLOW_FILTER_DST},
    {"sport", "a port from 0 to 65535", parse_sport, FLOW_FILTER_SPORT},
    {"dport", "a port from 0 to 65535", parse_dport, FLOW_FILTER_DPORT},
    {"state", "a state of TCP such as established", parse_state, FLOW_FILTER_STATE},
    {"rule", "the name of a rule in force", parse_rule, FLOW_FILTER_RULE},
};

static int parse_word(const char *word, const struct ruleset *ruleset, struct flow_filter *filter,
                      char *text, size_t size)
{
    size_t length = strcspn(word, "=");
    char key[KEY_TEXT];
    struct text_guess guess = TEXT_GUESS(key);

    snprintf(key, sizeof(key), "%.*s", (int)MIN_OF(length, sizeof(key) - 1), word);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        text_guess_offer(&guess, keys[i].key);
        if (strlen(keys[i].key) != length || strncmp(keys[i].key, word, length) != 0)
            continue;
        if ((filter->wanted & keys[i].bit) != 0) {
            snprintf(text, size, "%s is there twice", keys[i].key);
            return -EINVAL;
        }
        filter->wanted |= keys[i].bit;
        if (word[length] == '=' && keys[i].parse(word + length + 1, ruleset, filter))
            return 0;
        snprintf(text, size, "'%.60s': %s is %s", word, keys[i].key, keys[i].grammar);
        return -EINVAL;
    }
    if (guess.name != NULL)
        snprintf(text, size, "'%.60s' is no filter; did you mean '%s'?", word, guess.name);
    else
        snprintf(text, size, "'%.60s' is no filter: proto, src, dst, sport, dport, state, rule",
                 word);
    return -EINVAL;
}

int flow_filter_parse(char *const *words, size_t count, const struct ruleset *ruleset,
                      struct flow_filter *ret_filter, char *text, size_t size)
{
    struct flow_filter filter = {.wanted = 0};

    for (size_t i = 0; i < count; i++) {
        if (parse_word(words[i], ruleset, &filter, text, size) < 0)
            return -EINVAL;
    }
    *ret_filter = filter;
    return 0;
}
