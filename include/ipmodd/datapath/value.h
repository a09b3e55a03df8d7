/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of keys: how numbers and their names are read, printed and refused.
 *
 * A domain says what the numbers of a key may be and what the field calls them; match and action of
 * the same header field share one, so that `dscp = ef` and `set-dscp = ef` cannot drift apart. A
 * name may stand for a run of numbers (`fragment = yes` is the first and the later ones).
 *
 * A refusal is one sentence: what is wrong and what would be right.
 */
#ifndef IPMODD_DATAPATH_VALUE_H
#define IPMODD_DATAPATH_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct text_item;
struct text_list;

/* What a value parser says when it refuses: what is wrong and what would be right, no line end. */
struct value_error {
    char text[256];
};

/* Fills ERROR and returns -EINVAL, so that a parser can `return value_refuse(…)`. */
int value_refuse(struct value_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct value_name {
    const char *name;
    uint32_t first, last; /* inclusive */
};

struct value_domain {
    const char *noun; /* with its article: "a port" */
    uint32_t min, max;
    const struct value_name *names; /* several may mean the same: the first of them is printed */
    size_t name_count;
    bool names_only; /* the numbers are ours, not the field's: not accepted as text */
};

/* TCP, UDP, SCTP, DCCP port. */
extern const struct value_domain value_port;
/* TTL or hop limit as it stands in a packet. */
extern const struct value_domain value_ttl;
/* Differentiated services code point (RFC 2474) and ECN field (RFC 3168). */
extern const struct value_domain value_dscp;
extern const struct value_domain value_ecn;
/* 0 and 1 by name: the don't-fragment bit. */
extern const struct value_domain value_yes_no;
/* IPv4 identification (RFC 6864), IPv6 flow label (RFC 6437). */
extern const struct value_domain value_ip_id;
extern const struct value_domain value_flow_label;
/* TCP window as it stands in the header, unscaled. */
extern const struct value_domain value_window;
/* Kinds of TCP options that have a value (IANA's registry): not 0 and 1, which are padding. */
extern const struct value_domain value_tcp_option;
/* Upper-layer protocol; the name icmp is 256, behind the last number: that of the family. */
extern const struct value_domain value_proto;
/* Types of IPv4 options that are not padding; extension headers by protocol number. */
extern const struct value_domain value_ip_option;
extern const struct value_domain value_ext_header;

/*
 * A copy of the SIZE bytes of PARSED in *RET_VALUE, owned by the caller through free(): what a
 * parser ends with. 0, or -ENOMEM.
 */
int value_keep(const void *parsed, size_t size, void **ret_value);

/* As value_refuse() for a list whose items with `!` take away all that the others have. */
int value_refuse_empty_list(struct value_error *error);

/* A number, a name, or two of them as `a-b`. 0, or -EINVAL with ERROR filled. */
int value_parse_range(const char *text, const struct value_domain *domain,
                      struct value_name *ret_range, struct value_error *error);

/* A number, or a name that stands for one. 0, or -EINVAL with ERROR filled. */
int value_parse_number(const char *text, const struct value_domain *domain, uint32_t *ret_number,
                       struct value_error *error);

/* TEXT split at commas (text.h). 0, -EINVAL with ERROR filled, or -ENOMEM. */
int value_split_list(const char *text, struct text_list *ret_list, struct value_error *error);

/*
 * A kind of list: an object that begins with HEAD bytes, those of its own, and then has one item of
 * ITEM bytes for each item of the text.
 */
struct value_list {
    size_t head, item;
    /*
     * Adds what TEXT says to LIST. Where nothing was added yet all bytes are 0. CONTEXT is what
     * value_parse_list() was given. 0, -EINVAL with ERROR filled, or -ENOMEM.
     */
    int (*add)(void *list, const struct text_item *text, const void *context,
               struct value_error *error);
    void (*free)(void *list);
};

/* TEXT as a list of KIND. 0, or what went wrong as `add` says it. */
int value_parse_list(const char *text, const struct value_list *kind, const void *context,
                     void **ret_list, struct value_error *error);

/* In the form that the parsers read, by name where there is one. */
void value_print_range(const struct value_domain *domain, uint32_t first, uint32_t last, FILE *out);

#endif
