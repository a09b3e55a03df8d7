/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP addresses and prefixes of both families as plain values.
 *
 * Addresses are kept as the bytes of the wire (network order). Only IP_ADDR_BYTES(family) of them
 * mean anything; the constructors zero the rest, so that two equal addresses are equal memory and
 * an address can be a hash key.
 */
#ifndef IPMODD_BASE_ADDR_H
#define IPMODD_BASE_ADDR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum ip_family {
    FAMILY_IPV4,
    FAMILY_IPV6,
    FAMILY_COUNT,
};

/* A set of families, for configuration and for what a rule can apply to. */
enum {
    FAMILIES_IPV4 = 1u << FAMILY_IPV4,
    FAMILIES_IPV6 = 1u << FAMILY_IPV6,
    FAMILIES_ALL = FAMILIES_IPV4 | FAMILIES_IPV6,
};

/* Length of an address of FAMILY in bytes. */
#define IP_ADDR_BYTES(family) ((family) == FAMILY_IPV4 ? (size_t)4 : (size_t)16)
#define IP_ADDR_BITS(family)  ((family) == FAMILY_IPV4 ? 32u : 128u)

struct ip_addr {
    enum ip_family family;
    uint8_t bytes[16];
};

struct ip_prefix {
    struct ip_addr addr; /* may have bits below LEN set, as an interface address has */
    uint8_t len;         /* bits, at most IP_ADDR_BITS(addr.family) */
};

/* Room for any prefix as text, NUL included. */
enum { IP_PREFIX_TEXT = 56 };

/* "ipv4", "ipv6". */
const char *ip_family_name(enum ip_family family);

/* AF_INET or AF_INET6. */
int ip_family_to_af(enum ip_family family);

/* An address as a number, IPv4 in the upper 32 bits: for comparison without a look at each byte. */
__extension__ typedef unsigned __int128 address_number;

enum { ADDRESS_NUMBER_BITS = 128 };

static inline address_number address_number_of(enum ip_family family, const uint8_t *bytes)
{
    uint64_t high, low;
    uint32_t word;

    if (family == FAMILY_IPV4) {
        memcpy(&word, bytes, sizeof(word));
        return (address_number)be32toh(word) << 96;
    }
    memcpy(&high, bytes, sizeof(high));
    memcpy(&low, bytes + sizeof(high), sizeof(low));
    return (address_number)be64toh(high) << 64 | be64toh(low);
}

struct ip_addr ip_addr_from_bytes(enum ip_family family, const uint8_t *bytes);

/* TEXT in the form of inet_pton(3), nothing before or after it. 0, or -EINVAL with RET untouched.
 */
int ip_addr_parse(const char *text, struct ip_addr *ret_addr);

/* "A" (host prefix) or "A/LEN". 0, or -EINVAL; bits below the length are kept as written. */
int ip_prefix_parse(const char *text, struct ip_prefix *ret_prefix);

/* Text in inet_ntop(3)'s form, "/LEN" left off for a host prefix. Both return BUFFER. */
const char *ip_addr_format(const struct ip_addr *addr, char buffer[static IP_PREFIX_TEXT]);
const char *ip_prefix_format(const struct ip_prefix *prefix, char buffer[static IP_PREFIX_TEXT]);

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);

/* Whether the wire-order address at BYTES, of the prefix's family, lies in PREFIX. */
bool ip_prefix_covers_bytes(const struct ip_prefix *prefix, const uint8_t *bytes);
bool ip_prefix_covers(const struct ip_prefix *prefix, const struct ip_addr *addr);

/* Whether the address of FAMILY at BYTES lies in one of COUNT prefixes. */
bool ip_prefixes_cover(const struct ip_prefix *prefixes, size_t count, enum ip_family family,
                       const uint8_t *bytes);

/* PREFIX with the bits below its length cleared. */
struct ip_prefix ip_prefix_network(const struct ip_prefix *prefix);

#endif
