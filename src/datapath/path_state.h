/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Path state: what a path keeps from batch to batch. Shared by the path itself (path.c), its life
 * time (path_state.c) and the live adapters (read.c, write.c).
 */
#ifndef IPMODD_DATAPATH_PATH_STATE_H
#define IPMODD_DATAPATH_PATH_STATE_H

#include "answerer.h"
#include "classifier/flow_cache.h"
#include "fragment_park.h"
#include "fragments.h"
#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/path.h"
#include "merge.h"
#include "path_rules.h"

/* How rules are found; all give the same result. */
enum classify_method {
    CLASSIFY_CACHED, /* by the flow cache, filled by the classifier */
    CLASSIFY_SEARCH, /* by the classifier alone */
    CLASSIFY_ALL,    /* by asking each of them; always so where there is no classifier */
};

/* How the packets of a batch walk through the rules. */
enum walk_way {
    WALK_ALL,     /* each rule is asked */
    WALK_RUNS,    /* those that the classifier finds */
    WALK_ENABLED, /* one or the other, past rules that are disabled */
};

/* What was found ahead for a packet. */
struct prospect {
    struct flow_key key;
    struct flow_entry *set;   /* NULL: nothing can be said of it before its turn */
    struct flow_entry *entry; /* that was the key's then; NULL as well */
};

struct path {
    const struct ruleset *ruleset; /* borrowed, as the view */
    const struct host_view *view;
    bool view_is_new; /* since the last batch */
    uint64_t view_since_ns;
    struct rule_state *rules; /* with the ruleset and match_states: its struct rule_memory */
    struct match_states match_states;
    struct flow_table *flows;      /* NULL: none are tracked */
    struct shards *shards;         /* borrowed; NULL: this is the only path */
    unsigned shard;                /* its number among them */
    bool hands_over;               /* in this batch: some path has flows */
    bool is_told;                  /* others have packets for it, of which some may be left */
    unsigned handed;               /* mask of the shards that have not been shown all they got */
    bool *disabled;                /* which rules are, and */
    size_t disabled_count;         /* how many */
    uint64_t flow_seed;            /* of the next table */
    struct match_context matching; /* for the batch that is being worked on, without a state */
    struct fragments *fragments;
    struct fragment_park *park;
    struct flow_cache flow_cache;
    uint32_t generation; /* of the ruleset, in the keys of the cache; 32 bits last for any number of
                            reloads that anybody makes */
    struct prospect prospects[FORESIGHT_MAX]; /* of the packets that come next */
    uint64_t given_before;       /* entries of the cache when the prospects were made */
    enum walk_way way;           /* of the batch that is being worked on */
    enum classify_method method; /* CLASSIFY_CACHED but in tests and measurements */
    struct answerer answerer;
    struct rng rng;
    struct path_counters counters;
    struct event_ring events;
    struct record_ring captures;
    struct capture_record *captured;           /* by the rule that is acting; NULL: nothing */
    uint64_t captures_made;                    /* the next id */
    const struct observer *observer;           /* borrowed; NULL: nobody looks on */
    const struct flow_observer *flow_observer; /* of `flows`, whichever they are; likewise */
    const struct own_prefix_listener *own_prefix_listener; /* borrowed; NULL: none */
    size_t answers_told; /* of the batch that is being worked on */
    struct merging merging;
    uint64_t offload_refused[OFFLOAD_CLASS_COUNT];
};

/* Counts PACKET, which was to leave, as a drop after all. */
void path_count_lost(struct path *path, const struct packet *packet, enum reason reason);

#endif
