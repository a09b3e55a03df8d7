/* SPDX-License-Identifier: GPL-2.0-or-later */
/* icmp-code: the code of an ICMP or ICMPv6 message; a name says the type as well. */
#include "icmp_list.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/icmp_name.h"

#include <stdlib.h>

#define V4(number, sub)                                                   \
    {                                                                     \
        [FAMILY_IPV4] = {.known = true, .type = (number), .code = (sub) } \
    }
#define V6(number, sub)                                                   \
    {                                                                     \
        [FAMILY_IPV6] = {.known = true, .type = (number), .code = (sub) } \
    }
#define BOTH(number4, sub4, number6, sub6)                              \
    {                                                                   \
        [FAMILY_IPV4] = {.known = true, .type = number4, .code = sub4}, \
        [FAMILY_IPV6] = {.known = true, .type = number6, .code = sub6}, \
    }

/* IANA's registries of codes; names as nft(8) and iptables(8) have them. */
static const struct icmp_name code_names[] = {
    {"port-unreachable", BOTH(3, 3, 1, 4)},
    {"host-unreachable", BOTH(3, 1, 1, 3)},
    {"net-unreachable", BOTH(3, 0, 1, 0)},
    {"admin-prohibited", BOTH(3, 13, 1, 1)},
    {"ttl-zero-during-transit", BOTH(11, 0, 3, 0)},
    {"ttl-zero-during-reassembly", BOTH(11, 1, 3, 1)},
    {"prot-unreachable", V4(3, 2)},
    {"protocol-unreachable", V4(3, 2)},
    {"frag-needed", V4(3, 4)},
    {"fragmentation-needed", V4(3, 4)},
    {"source-route-failed", V4(3, 5)},
    {"network-unknown", V4(3, 6)},
    {"host-unknown", V4(3, 7)},
    {"net-prohibited", V4(3, 9)},
    {"host-prohibited", V4(3, 10)},
    {"host-precedence-violation", V4(3, 14)},
    {"precedence-cutoff", V4(3, 15)},
    {"network-redirect", V4(5, 0)},
    {"host-redirect", V4(5, 1)},
    {"ip-header-bad", V4(12, 0)},
    {"required-option-missing", V4(12, 1)},
    {"no-route", V6(1, 0)},
    {"addr-unreachable", V6(1, 3)},
    {"address-unreachable", V6(1, 3)},
    {"policy-fail", V6(1, 5)},
    {"reject-route", V6(1, 6)},
    {"bad-header", V6(4, 0)},
    {"unknown-header-type", V6(4, 1)},
    {"unknown-option", V6(4, 2)},
};

static const struct icmp_vocabulary code_vocabulary = {.noun = "an ICMP code",
                                                       .names = code_names,
                                                       .name_count = ARRAY_SIZE(code_names),
                                                       .codes = true};

const char *icmp_code_name(enum ip_family family, uint8_t type, uint8_t code)
{
    return icmp_vocabulary_find(&code_vocabulary, family, type, code);
}

static int icmp_code_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    return icmp_list_parse(text, &code_vocabulary, scope, ret_value, error);
}

static void icmp_code_narrow(const void *value, struct scope *scope)
{
    icmp_list_narrow(value, scope);
}

static bool icmp_code_test(const void *value, const struct match_context *context,
                           const struct packet *packet)
{
    (void)context;
    return icmp_list_test(value, packet);
}

static bool icmp_code_bound(const void *value, struct box *box)
{
    return icmp_list_bound(value, box);
}

static void icmp_code_print(const void *value, FILE *out)
{
    icmp_list_print(value, out);
}

const struct match_type match_icmp_code = {
    .key = "icmp-code",
    .grammar = "names (port-unreachable …) or, with a fixed family, numbers 0 to 255",
    .parse = icmp_code_parse,
    .free = free,
    .narrow = icmp_code_narrow,
    .test = icmp_code_test,
    .bound = icmp_code_bound,
    .reads = FIELD_BIT(FIELD_ICMP_TYPE) | FIELD_BIT(FIELD_ICMP_CODE),
    .print = icmp_code_print,
    .needs_header = true,
    .follows = true,
    .parse_late = true,
};
