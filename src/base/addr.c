/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and prefixes: text, comparison, masks. */
#include "ipmodd/base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const family_names[FAMILY_COUNT] = {
    [FAMILY_IPV4] = "ipv4",
    [FAMILY_IPV6] = "ipv6",
};

const char *ip_family_name(enum ip_family family)
{
    assert(family < FAMILY_COUNT);
    return family_names[family];
}

int ip_family_to_af(enum ip_family family)
{
    return family == FAMILY_IPV4 ? AF_INET : AF_INET6;
}

struct ip_addr ip_addr_from_bytes(enum ip_family family, const uint8_t *bytes)
{
    struct ip_addr addr = {.family = family};

    memcpy(addr.bytes, bytes, IP_ADDR_BYTES(family));
    return addr;
}

int ip_addr_parse(const char *text, struct ip_addr *ret_addr)
{
    struct ip_addr addr = {.family = strchr(text, ':') != NULL ? FAMILY_IPV6 : FAMILY_IPV4};

    if (inet_pton(ip_family_to_af(addr.family), text, addr.bytes) != 1)
        return -EINVAL;
    *ret_addr = addr;
    return 0;
}

/* One to three digits, nothing else: no sign, no blanks, no leading zeros. */
static int prefix_length_parse(const char *text, unsigned max, uint8_t *ret_len)
{
    unsigned value = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 3 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
        return -EINVAL;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    if (value > max)
        return -EINVAL;
    *ret_len = (uint8_t)value;
    return 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *ret_prefix)
{
    char addr_text[IP_PREFIX_TEXT];
    struct ip_prefix prefix;
    const char *slash = strchr(text, '/');
    size_t addr_len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    int r;

    if (addr_len >= sizeof(addr_text))
        return -EINVAL;
    memcpy(addr_text, text, addr_len);
    addr_text[addr_len] = '\0';
    r = ip_addr_parse(addr_text, &prefix.addr);
    if (r < 0)
        return r;
    prefix.len = (uint8_t)IP_ADDR_BITS(prefix.addr.family);
    if (slash != NULL) {
        r = prefix_length_parse(slash + 1, prefix.len, &prefix.len);
        if (r < 0)
            return r;
    }
    *ret_prefix = prefix;
    return 0;
}

const char *ip_addr_format(const struct ip_addr *addr, char buffer[static IP_PREFIX_TEXT])
{
    inet_ntop(ip_family_to_af(addr->family), addr->bytes, buffer, IP_PREFIX_TEXT);
    return buffer;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char buffer[static IP_PREFIX_TEXT])
{
    size_t used;

    ip_addr_format(&prefix->addr, buffer);
    if (prefix->len == IP_ADDR_BITS(prefix->addr.family))
        return buffer;
    used = strlen(buffer);
    snprintf(buffer + used, IP_PREFIX_TEXT - used, "/%u", prefix->len);
    return buffer;
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, IP_ADDR_BYTES(a->family)) == 0;
}

bool ip_prefix_covers_bytes(const struct ip_prefix *prefix, const uint8_t *bytes)
{
    enum ip_family family = prefix->addr.family;
    address_number difference = address_number_of(family, prefix->addr.bytes) ^
                                address_number_of(family, bytes);

    return prefix->len == 0 || difference >> (ADDRESS_NUMBER_BITS - prefix->len) == 0;
}

bool ip_prefix_covers(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
    return prefix->addr.family == addr->family && ip_prefix_covers_bytes(prefix, addr->bytes);
}

bool ip_prefixes_cover(const struct ip_prefix *prefixes, size_t count, enum ip_family family,
                       const uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (prefixes[i].addr.family == family && ip_prefix_covers_bytes(&prefixes[i], bytes))
            return true;
    }
    return false;
}

struct ip_prefix ip_prefix_network(const struct ip_prefix *prefix)
{
    struct ip_prefix network = {.addr = {.family = prefix->addr.family}, .len = prefix->len};
    size_t whole = prefix->len / 8;
    unsigned rest = prefix->len % 8;

    memcpy(network.addr.bytes, prefix->addr.bytes, whole);
    if (rest != 0)
        network.addr.bytes[whole] = (uint8_t)(prefix->addr.bytes[whole] & (0xffu << (8 - rest)));
    return network;
}
