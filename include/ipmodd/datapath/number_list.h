/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of numbers and ranges: the value of most matches.
 *
 * They hold by the list rule (list.h). A list that can hold for no number at all is refused.
 *
 * Most are held against one number of the packet (its TTL). Those of option kinds and extension
 * headers are held against all the kinds that occur in it: an item holds if one of the numbers that
 * it names occurs, so a list of items with `!` alone also holds for a packet without any.
 */
#ifndef IPMODD_DATAPATH_NUMBER_LIST_H
#define IPMODD_DATAPATH_NUMBER_LIST_H

#include "ipmodd/datapath/box.h"
#include "ipmodd/datapath/value.h"

struct number_item {
    uint32_t first, last; /* inclusive */
    bool negated;
};

struct number_list {
    bool holds_always; /* for every number of its domain; number_list_parse() sees to it */
    size_t count;
    struct number_item items[];
};

/*
 * TEXT to a struct number_list in *RET_LIST, owned by the caller through free(). 0, -EINVAL with
 * ERROR filled, or -ENOMEM.
 */
int number_list_parse(const char *text, const struct value_domain *domain, void **ret_list,
                      struct value_error *error);

/*
 * A list that is filled item by item, for who has items of other kinds beside it: with none and
 * room for CAPACITY, owned by the caller through free(), NULL without memory; the next item, 0 or
 * -EINVAL with ERROR filled; and whether it holds for any number of DOMAIN, which nothing here
 * demands.
 */
struct number_list *number_list_new(size_t capacity);
int number_list_add(struct number_list *list, const struct text_item *text,
                    const struct value_domain *domain, struct value_error *error);
bool number_list_can_hold(const struct number_list *list, const struct value_domain *domain);

/* The same for a list that is held against a set of numbers: it may exclude all of them. */
int number_list_parse_kinds(const char *text, const struct value_domain *domain, void **ret_list,
                            struct value_error *error);

bool number_list_holds(const struct number_list *list, uint32_t number);

/* Which of the numbers from 64 * WORD on ITEM names, whatever its sign: bit N % 64 for number N. */
uint64_t number_item_word(const struct number_item *item, unsigned word);

/* As match_type.bound: by the positive items, if there are any. */
bool number_list_bound(const struct number_list *list, enum dimension dimension, struct box *box);

/* As match_type.holds_always, of a match that holds whenever the list does. */
bool number_list_holds_always(const void *list);

/* Whether LIST holds for every number that NARROW, of the same domain, holds for. */
bool number_list_implied(const void *list, const void *narrow);

struct list_tally;

/* What the items say of A or B, added to TALLY; for lists with items of other kinds as well. */
void number_list_tally_either(const struct number_list *list, uint32_t a, uint32_t b,
                              struct list_tally *tally);

/* For a match on "one of the two": an item holds if it holds for A or for B. */
bool number_list_holds_either(const struct number_list *list, uint32_t a, uint32_t b);

/* Numbers 0 to 255 that occur in a packet. */
struct kind_set {
    uint64_t words[4]; /* bit K % 64 of word K / 64 */
};

static inline void kind_set_add(struct kind_set *set, uint8_t kind)
{
    set->words[kind / 64] |= UINT64_C(1) << kind % 64;
}

/* For a list that number_list_parse_kinds() made, of a domain up to 255. */
bool number_list_holds_kinds(const struct number_list *list, const struct kind_set *kinds);

void number_list_print(const struct number_list *list, const struct value_domain *domain,
                       FILE *out);

#endif
