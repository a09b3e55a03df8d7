/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proto: the upper-layer protocol behind all extension headers. */
#include "list.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/number_list.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* "icmp", behind the last number of the field: ICMP in IPv4 and ICMPv6 in IPv6. */
enum { PROTO_ICMP_OF_FAMILY = 256 };

/* Keywords of the IANA registry in lower case, and what ip(8) and nft(8) call them. */
static const struct value_name proto_names[] = {
    {"icmp", PROTO_ICMP_OF_FAMILY, PROTO_ICMP_OF_FAMILY},
    {"tcp", 6, 6},
    {"udp", 17, 17},
    {"icmpv6", 58, 58},
    {"sctp", 132, 132},
    {"dccp", 33, 33},
    {"udplite", 136, 136},
    {"gre", 47, 47},
    {"esp", 50, 50},
    {"ah", 51, 51},
    {"igmp", 2, 2},
    {"ipip", 4, 4},
    {"ipencap", 4, 4},
    {"egp", 8, 8},
    {"rsvp", 46, 46},
    {"ipv6", 41, 41},
    {"ipv6-icmp", 58, 58},
    {"ipv6-nonxt", 59, 59},
    {"eigrp", 88, 88},
    {"ospf", 89, 89},
    {"pim", 103, 103},
    {"comp", 108, 108},
    {"ipcomp", 108, 108},
    {"vrrp", 112, 112},
    {"l2tp", 115, 115},
    {"isis", 124, 124},
    {"mpls-in-ip", 137, 137},
    {"ethernet", 143, 143},
};

/* Numbers as text end at 255; what lies above is reached by name alone. */
const struct value_domain value_proto = {
    .noun = "a protocol", .max = 255, .names = proto_names, .name_count = ARRAY_SIZE(proto_names)};

struct proto_value {
    struct scope scope; /* what the list holds for */
    struct number_list *list;
};

static void proto_free(void *pointer)
{
    struct proto_value *value = pointer;

    if (value == NULL)
        return;
    free(value->list);
    free(value);
}

/* The protocols from 64 * WORD on that ITEM names for packets of FAMILY, a bit each. */
static uint64_t item_word(const struct number_item *item, enum ip_family family, unsigned word)
{
    unsigned icmp = family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    uint64_t named = number_item_word(item, word);

    if (word == icmp / 64 && item->last == PROTO_ICMP_OF_FAMILY)
        named |= UINT64_C(1) << icmp % 64;
    return named;
}

static struct scope list_scope(const struct number_list *list)
{
    struct scope scope;

    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        for (unsigned word = 0; word < ARRAY_SIZE(scope.protos[family]); word++) {
            struct list_tally64 tally = {.any_positive = false};

            for (size_t i = 0; i < list->count; i++)
                list_tally64_add(&tally, list->items[i].negated,
                                 item_word(&list->items[i], family, word));
            scope.protos[family][word] = list_tally64_holds(&tally);
        }
    }
    return scope;
}

static int proto_parse(const char *text, const struct scope *scope, void **ret_value,
                       struct value_error *error)
{
    struct proto_value *value;
    void *list;
    int r = number_list_parse(text, &value_proto, &list, error);

    (void)scope;
    if (r < 0)
        return r;
    value = calloc(1, sizeof(*value));
    if (value == NULL) {
        free(list);
        return -ENOMEM;
    }
    value->list = list;
    value->scope = list_scope(list);
    *ret_value = value;
    return 0;
}

static void proto_narrow(const void *pointer, struct scope *scope)
{
    const struct proto_value *value = pointer;

    scope_intersect(scope, &value->scope);
}

/* narrow() says all of it. */
static bool proto_holds_always(const void *pointer)
{
    (void)pointer;
    return true;
}

static bool proto_bound(const void *pointer, struct box *box)
{
    const struct proto_value *value = pointer;

    box_bound_protos(box, &value->scope);
    return true;
}

static bool proto_test(const void *pointer, const struct match_context *context,
                       const struct packet *packet)
{
    const struct proto_value *value = pointer;

    (void)context;
    return scope_has(&value->scope, packet->family, packet->proto);
}

static bool proto_implied(const void *pointer, const void *narrow)
{
    const struct proto_value *value = pointer, *other = narrow;
    struct scope both = value->scope;

    scope_intersect(&both, &other->scope);
    return memcmp(&both, &other->scope, sizeof(both)) == 0;
}

static void proto_print(const void *pointer, FILE *out)
{
    const struct proto_value *value = pointer;

    number_list_print(value->list, &value_proto, out);
}

const struct match_type match_proto = {
    .key = "proto",
    .grammar = "names (tcp, udp, icmp …) or numbers 0 to 255",
    .parse = proto_parse,
    .free = proto_free,
    .narrow = proto_narrow,
    .test = proto_test,
    .bound = proto_bound,
    .reads = FIELD_BIT(FIELD_FAMILY) | FIELD_BIT(FIELD_PROTO),
    .implied = proto_implied,
    .holds_always = proto_holds_always,
    .print = proto_print,
    .follows = true,
};
