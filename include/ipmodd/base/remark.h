/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Remarks: what others have on this host that a diverted packet meets differently, or that keeps
 * packets from being diverted, and what this kernel needs of the host. Each is a sentence for the
 * log and for the plan; where something can be done about it, the sentence ends with REMARK_HELP
 * and what does it.
 *
 * Nothing of others is ever changed: a remark is all that becomes of what it speaks of. The list
 * is made when a diversion starts and again at each reload, and is bounded: what does not fit is
 * counted in a last remark.
 */
#ifndef IPMODD_BASE_REMARK_H
#define IPMODD_BASE_REMARK_H

#include <stdbool.h>
#include <stddef.h>

enum remark_kind {
    REMARK_FORWARD,    /* a chain that drops what comes from the tun device, or goes to it */
    REMARK_OUTPUT,     /* rules that no longer apply to diverted packets */
    REMARK_NAT,        /* source translation that diverted packets meet differently */
    REMARK_UNSEEN,     /* netfilter rules that could not be looked at */
    REMARK_LEGACY,     /* rules of iptables-legacy, which nobody but it can see */
    REMARK_CONNTRACK,  /* connection tracking that cannot be kept right */
    REMARK_XFRM,       /* IPsec policies */
    REMARK_RULES,      /* policy rules that are asked before the divert rule */
    REMARK_INTERFACES, /* devices of `interfaces` that are not there */
    REMARK_FORWARDING, /* a setting of the whole host that this kernel needs */
    REMARK_RPS,        /* packets that are not steered to other processors as configured */
    REMARK_KIND_COUNT,
};

/* Bytes of a sentence, NUL included, and remarks in a list. */
enum {
    REMARK_TEXT = 900,
    REMARKS_MAX = 64,
};

/* Between what is so and what can be done about it. */
#define REMARK_HELP "; what helps: "

struct remark {
    enum remark_kind kind;
    char *text; /* owned */
};

/* Zeroed when empty. */
struct remarks {
    struct remark *items;
    size_t count;
    size_t left_out; /* beyond REMARKS_MAX */
};

/* Adds a sentence, cut at REMARK_TEXT. 0 or -ENOMEM. */
int remarks_add(struct remarks *remarks, enum remark_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether LIST has a remark with these words. */
bool remarks_have(const struct remarks *remarks, const struct remark *remark);

/* What can be done about it, borrowed from REMARK; NULL if its sentence does not say. */
const char *remark_help(const struct remark *remark);

/* Frees what the list holds and empties it. */
void remarks_clear(struct remarks *remarks);

#endif
