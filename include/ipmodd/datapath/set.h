/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets: many addresses or ports under one name, `@name` in a rule.
 *
 * Filled once off the packet path, finished, and immutable from then on; the ruleset owns them.
 *
 * A set of prefixes keeps, for each family, the prefixes that no other one covers, each as its last
 * address and its length, in the order of the addresses, and finds the first one that does not end
 * below an address. Of the addresses it keeps as many bits as the longest prefix has, 32, 64 or
 * 128: IPv4 never needs more than 32. The prefixes lie in leaves, addresses and lengths side by
 * side: 12 or 7 in one line of the processor's cache, with 128 bits 15 in four. Above is an
 * implicit search tree: the last number of each leaf, of each run of 32 such numbers (64 bits: 8,
 * 128 bits: 16) the last one again, and so on. Nearly all of that stays in the processor's caches:
 * of a million IPv4 prefixes a lookup waits for the one line of its leaf. A prefix costs 5.7, 10.4
 * or 18.2 bytes.
 *
 * A set of ports is a bit map.
 */
#ifndef IPMODD_DATAPATH_SET_H
#define IPMODD_DATAPATH_SET_H

#include "ipmodd/datapath/address_range.h"

enum set_type {
    SET_PREFIX,
    SET_PORT,
    SET_TYPE_COUNT,
};

struct set;

/* An empty set; NAME is copied. NULL without memory. */
struct set *set_new(const char *name, enum set_type type);
void set_free(struct set *set);

const char *set_name(const struct set *set);
enum set_type set_type(const struct set *set);

/* Adds to a set of the type that is not finished. 0 or -ENOMEM. */
int set_add_addresses(struct set *set, const struct address_range *range);
void set_add_ports(struct set *set, uint16_t first, uint16_t last);

/* What the configuration said, for its dump; copied. 0 or -ENOMEM. */
int set_note_elements(struct set *set, const char *text);
int set_note_file(struct set *set, const char *path);

/* The text of an element, for the digest of all. */
void set_note_text(struct set *set, const char *text);

/* Of type and elements as they were written: text_digest(). */
uint64_t set_digest(const struct set *set);

/* "KEY = VALUE", a line each, in the form that the configuration has. */
void set_print(const struct set *set, FILE *out);

/* Ends the filling. 0 or -ENOMEM. */
int set_finish(struct set *set);

/* Of a finished set: FAMILIES_* with at least one address. */
unsigned set_families(const struct set *set);

/* Of a finished set of the type. */
bool set_has_address(const struct set *set, enum ip_family family, const uint8_t *bytes);
bool set_has_port(const struct set *set, uint16_t port);

/* Bytes of memory that it holds. */
size_t set_memory(const struct set *set);

/* The sets of a ruleset. */
struct set_list {
    struct set **items; /* owned, as the sets are */
    size_t count;
};

/* Takes over SET, also on failure. 0 or -ENOMEM. */
int set_list_add(struct set_list *sets, struct set *set);
const struct set *set_list_find(const struct set_list *sets, const char *name);
void set_list_clear(struct set_list *sets);

/* `@name` as an item of a list. */
struct set_ref {
    char *name; /* owned; NULL: no reference */
    const struct set *set;
};

/* Finds what REF names in SETS. 0, or -EINVAL with ERROR filled: none, or one of another type. */
int set_ref_bind(struct set_ref *ref, const struct set_list *sets, enum set_type type,
                 struct value_error *error);

#endif
