/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs of addresses: reading, printing, and what lies in them. */
#include "ipmodd/datapath/address_range.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

/* First and last address of PREFIX; bits below its length do not matter. */
static void prefix_ends(const struct ip_prefix *prefix, struct address_range *range)
{
    size_t bytes = IP_ADDR_BYTES(prefix->addr.family), whole = prefix->len / 8;

    range->first = ip_prefix_network(prefix).addr;
    range->last = range->first;
    if (whole == bytes)
        return;
    range->last.bytes[whole] |= (uint8_t)(0xffu >> prefix->len % 8);
    memset(&range->last.bytes[whole + 1], 0xff, bytes - whole - 1);
}

static int compare(const struct ip_addr *a, const uint8_t *bytes)
{
    return memcmp(a->bytes, bytes, IP_ADDR_BYTES(a->family));
}

static int refuse_address(const char *text, struct value_error *error)
{
    if (strchr(text, '/') != NULL)
        return value_refuse(error,
                            "'%.60s' is not a prefix: ADDRESS/LENGTH, LENGTH at most 32 for IPv4 "
                            "and 128 for IPv6",
                            text);
    return value_refuse(error,
                        "'%.60s' is not an address: write numbers as 192.0.2.1, 2001:db8::1, a "
                        "prefix 192.0.2.0/24 or a range 192.0.2.1-192.0.2.9",
                        text);
}

/* `A-B`. 0, -EINVAL with ERROR filled, or -ENOMEM. */
static int parse_ends(const char *text, const char *dash, struct address_range *range,
                      struct value_error *error)
{
    char CLEANUP(cleanup_free) *first = strndup(text, (size_t)(dash - text));

    if (first == NULL)
        return -ENOMEM;
    if (ip_addr_parse(text_strip(first), &range->first) < 0 ||
        ip_addr_parse(dash + 1 + strspn(dash + 1, " \t"), &range->last) < 0)
        return refuse_address(text, error);
    if (range->first.family != range->last.family)
        return value_refuse(error, "the ends of '%.90s' are of different families", text);
    if (compare(&range->first, range->last.bytes) > 0)
        return value_refuse(error, "the range '%.90s' is inverted: the smaller address comes first",
                            text);
    return 0;
}

int address_range_parse(const char *text, struct address_range *ret_range,
                        struct value_error *error)
{
    const char *dash = strchr(text, '-');
    struct ip_prefix prefix;

    if (dash != NULL)
        return parse_ends(text, dash, ret_range, error);
    if (ip_prefix_parse(text, &prefix) < 0)
        return refuse_address(text, error);
    prefix_ends(&prefix, ret_range);
    return 0;
}

/* The prefix that RANGE is; false when its ends are not those of a prefix. */
static bool to_prefix(const struct address_range *range, struct ip_prefix *ret_prefix)
{
    struct ip_prefix prefix = {.addr = range->first, .len = 0};
    struct address_range same;

    for (unsigned len = 0; len <= IP_ADDR_BITS(range->first.family); len++) {
        prefix.len = (uint8_t)len;
        prefix_ends(&prefix, &same);
        if (ip_addr_equal(&same.first, &range->first) && ip_addr_equal(&same.last, &range->last)) {
            *ret_prefix = prefix;
            return true;
        }
    }
    return false;
}

void address_range_print(const struct address_range *range, FILE *out)
{
    char first[IP_PREFIX_TEXT], last[IP_PREFIX_TEXT];
    struct ip_prefix prefix;

    if (to_prefix(range, &prefix))
        fputs(ip_prefix_format(&prefix, first), out);
    else
        fprintf(out, "%s-%s", ip_addr_format(&range->first, first),
                ip_addr_format(&range->last, last));
}
