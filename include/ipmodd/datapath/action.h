/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Actions: one change or decision of a rule each, described by a const record as matches are
 * (match.h).
 *
 * Edits act at once, in the order written; a rule's deciding action (`verdict`, `reply`) comes last
 * wherever it is written. An action that cannot apply to a packet (MSS of a packet without one, a
 * reply to what is no echo request) does nothing and the list goes on with the next action or rule.
 */
#ifndef IPMODD_DATAPATH_ACTION_H
#define IPMODD_DATAPATH_ACTION_H

#include "ipmodd/datapath/match.h"

struct answerer;
struct host_view;
struct rng;
struct rule;

/* What the list does after an action. */
enum step {
    STEP_NEXT, /* goes on */
    STEP_END,  /* ends: the packet's fate is decided */
};

/* What an action may use besides the packet. */
struct action_context {
    struct answerer *answerer;    /* makes forged replies and rejections; see answer.h */
    const struct host_view *view; /* the host as it is now */
    struct rng *rng;              /* the path's random numbers */
    const struct rule *rule;      /* that acts */
};

struct action_type {
    const char *key;
    const char *grammar;

    int (*parse)(const char *text, const struct scope *scope, void **ret_value,
                 struct value_error *error);
    void (*free)(void *value);

    /* Keeps in SCOPE only what the action can ever apply to. NULL: it applies to every packet. */
    void (*narrow)(const void *value, struct scope *scope);

    /* Changes PACKET through edit.h, or decides its fate and returns STEP_END. */
    enum step (*apply)(const void *value, const struct action_context *context,
                       struct packet *packet);

    /* FIELD_BIT() of what it may change of a packet that goes on. */
    field_set writes;

    void (*print)(const void *value, FILE *out);

    /* Decides a packet's fate; at most one such action a rule, kept last. */
    bool decides;

    /*
     * Whether with VALUE it must not miss a fragment of a datagram whose others it acts on: a later
     * fragment for which that cannot be told is dropped. NULL: never.
     */
    bool (*needs_all_fragments)(const void *value);

    /* Acts on one wire packet: a super-packet is split before. */
    bool per_wire_packet;

    /* With per_wire_packet: whether with VALUE it takes super-packets as they are. NULL: never. */
    bool (*takes_whole)(const void *value);

    /* Follows flows (flow.h): the ruleset has them tracked. */
    bool needs_flow;

    /* May stand in a rule several times; all of them act, in the order written. */
    bool repeats;
};

extern const struct action_type *const action_types[];
extern const size_t action_type_count;
const struct action_type *action_type_find(const char *key);

#endif
