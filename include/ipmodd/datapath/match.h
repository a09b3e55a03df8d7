/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matches: one criterion of a rule each, described by a const record.
 *
 * A record is all that the rest of the program knows of a key: how its value is read and printed,
 * which packets it can hold for, and how it is tested. Adding a match is one file in
 * src/datapath/match/, a line in its table.c, an entry in ipmodd.conf(5) and tests.
 *
 * A list value holds if any positive item holds (or there is none) and no item with `!` does.
 */
#ifndef IPMODD_DATAPATH_MATCH_H
#define IPMODD_DATAPATH_MATCH_H

#include "ipmodd/base/moment.h"
#include "ipmodd/datapath/box.h"
#include "ipmodd/datapath/field.h"
#include "ipmodd/datapath/packet.h"
#include "ipmodd/datapath/scope.h"
#include "ipmodd/datapath/value.h"

/* What can be said of all segments of a super-packet together. */
enum holding {
    HOLDS_FOR_NONE,
    HOLDS_FOR_ALL,
    HOLDS_FOR_SOME,
};

struct rng;
struct set_list;

/* What a test may use besides its value and the packet. */
struct match_context {
    struct moment time;  /* of the batch */
    struct rng *rng;     /* the path's random numbers */
    uint64_t *undecided; /* counts packets on which a match gave up; it does not hold then */
    void *state;         /* the match's own on this path, of state_new(); NULL without one */
};

struct match_type {
    const char *key;     /* as written in a rule section */
    const char *grammar; /* one line for error messages: what a value looks like */

    /*
     * TEXT to a value of the match's own type, owned by the caller through free().
     * SCOPE is what the rule's earlier-parsed matches left (fixed-family questions); it is not
     * changed. 0, -EINVAL with ERROR filled, or -ENOMEM.
     */
    int (*parse)(const char *text, const struct scope *scope, void **ret_value,
                 struct value_error *error);
    void (*free)(void *value);

    /*
     * Finds the sets that the value names, before narrow() and test(); they outlive it. 0, or
     * -EINVAL with ERROR filled. NULL: it names none.
     */
    int (*bind)(void *value, const struct set_list *sets, struct value_error *error);

    /* Takes from SCOPE what the match can never hold for. NULL: it can hold for every packet. */
    void (*narrow)(const void *value, struct scope *scope);

    /* Whether it holds for a packet that parse.c accepted. */
    bool (*test)(const void *value, const struct match_context *context,
                 const struct packet *packet);

    /*
     * Bounds BOX by what the value covers for packets of the box's family (box.h). True: test()
     * holds for all that is within these bounds, so it need not be asked. NULL: nothing can be said
     * but by asking.
     */
    bool (*bound)(const void *value, struct box *box);

    /*
     * FIELD_BIT() of all that test() reads of a packet (field.h): for two packets that agree in
     * them it says the same, unless it varies (below).
     */
    field_set reads;

    /*
     * Whether it holds with VALUE for every packet that it holds for with NARROW, as far as that is
     * known; it is for equal values. NULL: ask print().
     */
    bool (*implied)(const void *value, const void *narrow);

    /*
     * Whether it holds with VALUE for every packet that narrow() leaves. NULL: never, as far as
     * that is known.
     */
    bool (*holds_always)(const void *value);

    /* The value in the form that parse() reads. */
    void (*print)(const void *value, FILE *out);

    /* Speaks of one wire packet: test() is never asked about a super-packet. */
    bool per_wire_packet;

    /*
     * With per_wire_packet: for which segments of a super-packet it holds, without splitting it.
     * NULL: only a split tells.
     */
    enum holding (*test_segments)(const void *value, const struct packet *packet);

    /* Holds for packets with their upper-layer header alone: of a datagram's fragments, for the
     * first. */
    bool needs_header;

    /* Reads the upper-layer protocol or header alone, so that it holds for later fragments as it
     * did for the first one (packet.h), with needs_header too. */
    bool follows;

    /*
     * What a match keeps between packets (counts, tokens, working memory): one for each path, made
     * off the packet path, with all the memory it will ever need. A new ruleset keeps it when the
     * rule has the same name and the match the same value. NULL without memory. NULL as functions:
     * the match keeps nothing.
     */
    void *(*state_new)(const void *value);
    void (*state_free)(void *state);

    /*
     * Depends on more than the packet (time, chance, what came before), so that its answer must not
     * be remembered. Such matches are asked behind those that do not.
     */
    bool varies;

    /*
     * With varies: asking uses something up (a token, a turn, a random number). Asked last, in the
     * order written, and only about a packet that everything before in the rule holds for; per wire
     * packet.
     */
    bool spends;

    /* Reads what packet.h has of flows, so that they have to be tracked. */
    bool needs_flow;

    /* May stand in a rule several times; all of them must hold. */
    bool repeats;

    /* Parsed after the others, because the meaning of its numbers depends on the rule's family. */
    bool parse_late;
};

/* All matches, in the order of ipmodd.conf(5); NULL for a key that is none. */
extern const struct match_type *const match_types[];
extern const size_t match_type_count;
const struct match_type *match_type_find(const char *key);

#endif
