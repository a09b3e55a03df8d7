/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ext-header: which extension headers an IPv6 packet carries. */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/number_list.h"
#include "ipmodd/wire/ip6.h"

#include <netinet/in.h>
#include <stdlib.h>

/* Protocol numbers: those that parse.c goes through. */
static const struct value_name ext_header_names[] = {
    {"any", 0, UINT8_MAX},
    {"hop-by-hop", IPPROTO_HOPOPTS, IPPROTO_HOPOPTS},
    {"routing", IPPROTO_ROUTING, IPPROTO_ROUTING},
    {"fragment", IPPROTO_FRAGMENT, IPPROTO_FRAGMENT},
    {"destination", IPPROTO_DSTOPTS, IPPROTO_DSTOPTS},
    {"ah", IPPROTO_AH, IPPROTO_AH},
};

const struct value_domain value_ext_header = {.noun = "an extension header",
                                              .max = UINT8_MAX,
                                              .names = ext_header_names,
                                              .name_count = ARRAY_SIZE(ext_header_names),
                                              .names_only = true};

static int ext_header_parse(const char *text, const struct scope *scope, void **ret_value,
                            struct value_error *error)
{
    (void)scope;
    return number_list_parse_kinds(text, &value_ext_header, ret_value, error);
}

static void ext_header_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV6);
}

/* parse.c went over the same headers and found the upper-layer header behind the last of them. */
static struct kind_set collect(const struct packet *packet)
{
    struct kind_set kinds = {.words = {0}};
    uint8_t kind = packet->data[IP6_NEXT_HEADER];

    for (size_t at = IP6_HEADER; at < packet->l4_offset;) {
        const uint8_t *header = packet->data + at;

        kind_set_add(&kinds, kind);
        at += ip6_extension_size(kind, header[IP6_EXT_LENGTH]);
        kind = header[IP6_EXT_NEXT_HEADER];
    }
    return kinds;
}

static bool ext_header_test(const void *value, const struct match_context *context,
                            const struct packet *packet)
{
    struct kind_set kinds;

    (void)context;
    if (packet->family != FAMILY_IPV6)
        return false;
    kinds = collect(packet);
    return number_list_holds_kinds(value, &kinds);
}

static void ext_header_print(const void *value, FILE *out)
{
    number_list_print(value, &value_ext_header, out);
}

const struct match_type match_ext_header = {
    .key = "ext-header",
    .grammar = "any, hop-by-hop, routing, fragment, destination, ah",
    .parse = ext_header_parse,
    .free = free,
    .narrow = ext_header_narrow,
    .test = ext_header_test,
    .reads = FIELD_BIT(FIELD_EXT_HEADERS),
    .print = ext_header_print,
};
