/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of ICMP types or codes: names that mean another number in each family.
 *
 * ICMP and ICMPv6 share names, not numbers: `echo-request` is type 8 there and type 128 here. A
 * name holds in each family that has it; a number needs a rule whose family is fixed. The name of a
 * code says its type as well: `port-unreachable` never holds for an echo request whose code happens
 * to be the same number.
 */
#ifndef IPMODD_DATAPATH_MATCH_ICMP_LIST_H
#define IPMODD_DATAPATH_MATCH_ICMP_LIST_H

#include "ipmodd/datapath/match.h"

/* What a name means in one family. */
struct icmp_meaning {
    bool known;
    uint8_t type;
    uint8_t code; /* for names of codes alone */
};

struct icmp_name {
    const char *name;
    struct icmp_meaning of[FAMILY_COUNT];
};

/* The names of a key, and whether they and its numbers speak of codes rather than types. */
struct icmp_vocabulary {
    const char *noun;
    const struct icmp_name *names;
    size_t name_count;
    bool codes;
};

/* The first name of TYPE, or of CODE of it for a vocabulary of codes; NULL without one. */
const char *icmp_vocabulary_find(const struct icmp_vocabulary *vocabulary, enum ip_family family,
                                 uint8_t type, uint8_t code);

struct icmp_list;

/* As match_type.parse. */
int icmp_list_parse(const char *text, const struct icmp_vocabulary *vocabulary,
                    const struct scope *scope, void **ret_list, struct value_error *error);

void icmp_list_narrow(const struct icmp_list *list, struct scope *scope);
/* As match_type.bound. */
bool icmp_list_bound(const struct icmp_list *list, struct box *box);
bool icmp_list_test(const struct icmp_list *list, const struct packet *packet);
void icmp_list_print(const struct icmp_list *list, FILE *out);

#endif
