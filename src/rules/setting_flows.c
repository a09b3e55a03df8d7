/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of [flows]. */
#include "setting.h"

#include "ipmodd/base/text.h"

#include <inttypes.h>
#include <string.h>

enum { TIMEOUT_MAX = 864000 }; /* ten days */

static const struct value_domain max_domain = {
    .noun = "a number of flows", .min = FLOWS_MIN, .max = FLOWS_MAX};

static int parse_max(const char *text, struct config *config, struct value_error *error)
{
    return value_parse_number(text, &max_domain, &config->flows.max, error);
}

static void print_max(const struct config *config, FILE *out)
{
    fprintf(out, "%" PRIu32, config->flows.max);
}

static int parse_timeout(const char *text, enum flow_class class, struct config *config,
                         struct value_error *error)
{
    uint32_t seconds;

    if (text_parse_seconds(text, TIMEOUT_MAX, &seconds) < 0)
        return value_refuse(
            error, "'%.40s' is not a time: one such as 240s, 4min or 2h, at most 10d", text);
    config->flows.timeouts_s[class] = seconds;
    return 0;
}

static void print_timeout(const struct config *config, enum flow_class class, FILE *out)
{
    fprintf(out, "%" PRIu32 "s", config->flows.timeouts_s[class]);
}

/* A parser and a printer for each class: the table has no room for more than functions. */
#define TIMEOUT_FUNCTIONS(name, class)                                                          \
    static int parse_##name(const char *text, struct config *config, struct value_error *error) \
    {                                                                                           \
        return parse_timeout(text, class, config, error);                                       \
    }                                                                                           \
    static void print_##name(const struct config *config, FILE *out)                            \
    {                                                                                           \
        print_timeout(config, class, out);                                                      \
    }

TIMEOUT_FUNCTIONS(tcp_established, FLOW_CLASS_TCP_ESTABLISHED)
TIMEOUT_FUNCTIONS(tcp_transitory, FLOW_CLASS_TCP_TRANSITORY)
TIMEOUT_FUNCTIONS(udp, FLOW_CLASS_UDP)
TIMEOUT_FUNCTIONS(icmp, FLOW_CLASS_ICMP)
TIMEOUT_FUNCTIONS(sctp, FLOW_CLASS_SCTP)
TIMEOUT_FUNCTIONS(other, FLOW_CLASS_OTHER)

static int parse_behaviour(const char *text, enum nat_behaviour *ret_behaviour,
                           struct value_error *error)
{
    struct text_guess guess = TEXT_GUESS(text);

    for (enum nat_behaviour i = 0; i < NAT_BEHAVIOUR_COUNT; i++) {
        if (strcmp(nat_behaviour_name(i), text) == 0) {
            *ret_behaviour = i;
            return 0;
        }
        text_guess_offer(&guess, nat_behaviour_name(i));
    }
    if (guess.name != NULL)
        return value_refuse(error, "'%.40s' is not known; did you mean '%s'?", text, guess.name);
    return value_refuse(error,
                        "'%.40s' is not known: endpoint-independent, address-dependent or "
                        "address-and-port-dependent",
                        text);
}

static int parse_mapping(const char *text, struct config *config, struct value_error *error)
{
    return parse_behaviour(text, &config->flows.nat_mapping, error);
}

static void print_mapping(const struct config *config, FILE *out)
{
    fputs(nat_behaviour_name(config->flows.nat_mapping), out);
}

static int parse_filtering(const char *text, struct config *config, struct value_error *error)
{
    return parse_behaviour(text, &config->flows.nat_filtering, error);
}

static void print_filtering(const struct config *config, FILE *out)
{
    fputs(nat_behaviour_name(config->flows.nat_filtering), out);
}

static const struct value_name ports_names[] = {
    {"unlimited", NAT_PORTS_UNLIMITED, NAT_PORTS_UNLIMITED}};

static const struct value_domain ports_domain = {.noun = "a number of ports",
                                                 .min = 1,
                                                 .max = NAT_PORTS_MAX,
                                                 .names = ports_names,
                                                 .name_count = ARRAY_SIZE(ports_names)};

static int parse_ports(const char *text, struct config *config, struct value_error *error)
{
    return value_parse_number(text, &ports_domain, &config->flows.nat_ports, error);
}

static void print_ports(const struct config *config, FILE *out)
{
    value_print_range(&ports_domain, config->flows.nat_ports, config->flows.nat_ports, out);
}

static const struct value_name flows_names[] = {
    {"unlimited", NAT_FLOWS_UNLIMITED, NAT_FLOWS_UNLIMITED}};

static const struct value_domain flows_domain = {.noun = "a number of flows",
                                                 .min = 1,
                                                 .max = FLOWS_MAX,
                                                 .names = flows_names,
                                                 .name_count = ARRAY_SIZE(flows_names)};

static int parse_flows(const char *text, struct config *config, struct value_error *error)
{
    return value_parse_number(text, &flows_domain, &config->flows.nat_flows, error);
}

static void print_flows(const struct config *config, FILE *out)
{
    value_print_range(&flows_domain, config->flows.nat_flows, config->flows.nat_flows, out);
}

#define REFUSE_GRAMMAR "off, or a time from 1s to 1min"

static int parse_refuse_after(const char *text, struct config *config, struct value_error *error)
{
    uint32_t seconds = NAT_REFUSE_AT_ONCE;

    if (strcmp(text, "off") != 0 && text_parse_seconds(text, NAT_REFUSE_MAX, &seconds) < 0)
        return value_refuse(error, "'%.40s' is not right: " REFUSE_GRAMMAR, text);
    config->flows.nat_refuse_after = seconds;
    return 0;
}

static void print_refuse_after(const struct config *config, FILE *out)
{
    if (config->flows.nat_refuse_after == NAT_REFUSE_AT_ONCE)
        fputs("off", out);
    else
        fprintf(out, "%" PRIu32 "s", config->flows.nat_refuse_after);
}

#define BEHAVIOUR_GRAMMAR "endpoint-independent, address-dependent or address-and-port-dependent"
#define TIMEOUT_GRAMMAR   "a time such as 240s, 4min or 2h"

static const struct setting settings[] = {
    {"max", "a number of flows", parse_max, print_max},
    {"tcp-established", TIMEOUT_GRAMMAR, parse_tcp_established, print_tcp_established},
    {"tcp-transitory", TIMEOUT_GRAMMAR, parse_tcp_transitory, print_tcp_transitory},
    {"udp", TIMEOUT_GRAMMAR, parse_udp, print_udp},
    {"icmp", TIMEOUT_GRAMMAR, parse_icmp, print_icmp},
    {"sctp", TIMEOUT_GRAMMAR, parse_sctp, print_sctp},
    {"other", TIMEOUT_GRAMMAR, parse_other, print_other},
    {"nat-mapping", BEHAVIOUR_GRAMMAR, parse_mapping, print_mapping},
    {"nat-filtering", BEHAVIOUR_GRAMMAR, parse_filtering, print_filtering},
    {"nat-ports", "unlimited, or a number of ports", parse_ports, print_ports},
    {"nat-flows", "unlimited, or a number of flows", parse_flows, print_flows},
    {"nat-refuse-after", REFUSE_GRAMMAR, parse_refuse_after, print_refuse_after},
};

const struct setting_group setting_flows = {
    .section = "flows", .settings = settings, .count = ARRAY_SIZE(settings)};
