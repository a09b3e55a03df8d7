/* SPDX-License-Identifier: GPL-2.0-or-later */
/* icmp-type: the type of an ICMP or ICMPv6 message, by the names of nft(8), iptables and tcpdump.
 */
#include "icmp_list.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/icmp_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define V4(number)                                         \
    {                                                      \
        [FAMILY_IPV4] = {.known = true, .type = (number) } \
    }
#define V6(number)                                         \
    {                                                      \
        [FAMILY_IPV6] = {.known = true, .type = (number) } \
    }
#define BOTH(four, six)                                \
    {                                                  \
        [FAMILY_IPV4] = {.known = true, .type = four}, \
        [FAMILY_IPV6] = {.known = true, .type = six},  \
    }

/* IANA's registries "ICMP Type Numbers" and "ICMPv6 type Numbers". */
static const struct icmp_name type_names[] = {
    {"echo-request", BOTH(8, 128)},
    {"echo-reply", BOTH(0, 129)},
    {"destination-unreachable", BOTH(3, 1)},
    {"time-exceeded", BOTH(11, 3)},
    {"parameter-problem", BOTH(12, 4)},
    {"redirect", BOTH(5, 137)},
    {"router-solicitation", BOTH(10, 133)},
    {"router-advertisement", BOTH(9, 134)},
    {"ping", BOTH(8, 128)},
    {"pong", BOTH(0, 129)},
    {"ttl-exceeded", BOTH(11, 3)},
    {"source-quench", V4(4)},
    {"timestamp-request", V4(13)},
    {"timestamp-reply", V4(14)},
    {"info-request", V4(15)},
    {"info-reply", V4(16)},
    {"address-mask-request", V4(17)},
    {"address-mask-reply", V4(18)},
    {"packet-too-big", V6(2)},
    {"mld-listener-query", V6(130)},
    {"mld-listener-report", V6(131)},
    {"mld-listener-done", V6(132)},
    {"mld-listener-reduction", V6(132)},
    {"nd-router-solicit", V6(133)},
    {"nd-router-advert", V6(134)},
    {"nd-neighbor-solicit", V6(135)},
    {"nd-neighbor-advert", V6(136)},
    {"nd-redirect", V6(137)},
    {"neighbor-solicitation", V6(135)},
    {"neighbor-advertisement", V6(136)},
    {"neighbour-solicitation", V6(135)},
    {"neighbour-advertisement", V6(136)},
    {"router-renumbering", V6(138)},
    {"ind-neighbor-solicit", V6(141)},
    {"ind-neighbor-advert", V6(142)},
    {"mld2-listener-report", V6(143)},
    {"icmp-echo", V4(8)},
    {"icmp-echoreply", V4(0)},
    {"icmp-unreach", V4(3)},
    {"icmp-sourcequench", V4(4)},
    {"icmp-redirect", V4(5)},
    {"icmp-routeradvert", V4(9)},
    {"icmp-routersolicit", V4(10)},
    {"icmp-timxceed", V4(11)},
    {"icmp-paramprob", V4(12)},
    {"icmp-tstamp", V4(13)},
    {"icmp-tstampreply", V4(14)},
    {"icmp-ireq", V4(15)},
    {"icmp-ireqreply", V4(16)},
    {"icmp-maskreq", V4(17)},
    {"icmp-maskreply", V4(18)},
    {"icmp6-destinationunreach", V6(1)},
    {"icmp6-packettoobig", V6(2)},
    {"icmp6-timeexceeded", V6(3)},
    {"icmp6-parameterproblem", V6(4)},
    {"icmp6-echo", V6(128)},
    {"icmp6-echoreply", V6(129)},
    {"icmp6-multicastlistenerquery", V6(130)},
    {"icmp6-multicastlistenerreportv1", V6(131)},
    {"icmp6-multicastlistenerdone", V6(132)},
    {"icmp6-routersolicit", V6(133)},
    {"icmp6-routeradvert", V6(134)},
    {"icmp6-neighborsolicit", V6(135)},
    {"icmp6-neighboradvert", V6(136)},
    {"icmp6-redirect", V6(137)},
    {"icmp6-multicastlistenerreportv2", V6(143)},
};

static const struct icmp_vocabulary type_vocabulary = {
    .noun = "an ICMP type", .names = type_names, .name_count = ARRAY_SIZE(type_names)};

const char *icmp_type_name(enum ip_family family, uint8_t type)
{
    return icmp_vocabulary_find(&type_vocabulary, family, type, 0);
}

int icmp_type_from_name(enum ip_family family, const char *name, uint8_t *ret_type)
{
    for (size_t i = 0; i < ARRAY_SIZE(type_names); i++) {
        if (strcmp(type_names[i].name, name) != 0 || !type_names[i].of[family].known)
            continue;
        *ret_type = type_names[i].of[family].type;
        return 0;
    }
    return -ENOENT;
}

static int icmp_type_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    return icmp_list_parse(text, &type_vocabulary, scope, ret_value, error);
}

static void icmp_type_narrow(const void *value, struct scope *scope)
{
    icmp_list_narrow(value, scope);
}

static bool icmp_type_test(const void *value, const struct match_context *context,
                           const struct packet *packet)
{
    (void)context;
    return icmp_list_test(value, packet);
}

static bool icmp_type_bound(const void *value, struct box *box)
{
    return icmp_list_bound(value, box);
}

static void icmp_type_print(const void *value, FILE *out)
{
    icmp_list_print(value, out);
}

const struct match_type match_icmp_type = {
    .key = "icmp-type",
    .grammar = "names (echo-request, time-exceeded …) or, with a fixed family, numbers 0 to 255",
    .parse = icmp_type_parse,
    .free = free,
    .narrow = icmp_type_narrow,
    .test = icmp_type_test,
    .bound = icmp_type_bound,
    .reads = FIELD_BIT(FIELD_ICMP_TYPE),
    .print = icmp_type_print,
    .needs_header = true,
    .follows = true,
    .parse_late = true,
};
