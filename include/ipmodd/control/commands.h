/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands: what can be asked over the control socket, as JSON documents.
 *
 * They know the daemon by what it tells them in a struct control_report and by the few things that
 * it does for them; the documents are made here, and ipmodd-control(7) describes each. A document
 * is made from one report, so its figures belong together.
 */
#ifndef IPMODD_CONTROL_COMMANDS_H
#define IPMODD_CONTROL_COMMANDS_H

#include "ipmodd/base/histogram.h"
#include "ipmodd/base/offload.h"
#include "ipmodd/control/server.h"
#include "ipmodd/datapath/flow_filter.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/rules/given.h"
#include "ipmodd/watch/tap.h"

#include <time.h>

/* Packets and bytes in a second, over the last whole second with packets; 0 when that is over. */
struct control_rates {
    uint64_t in, in_bytes, out, out_bytes;
};

/* Seconds that a confirmation may take. */
enum { CONTROL_CONFIRM_MAX = 86400 };

/* How a reload can end. */
enum reload_result {
    RELOAD_TAKEN,
    RELOAD_REFUSED,
    RELOAD_RETURNED, /* to the configuration before */
    RELOAD_RESULT_COUNT,
};

/* The flows of all queues together. */
struct control_flow_totals {
    uint64_t count, max, translated, memory_bytes;
    struct flow_table_counters counters;
};

/* How the daemon is at the moment. What it points to is borrowed, and valid during the call. */
struct control_report {
    const char *version;
    time_t started;  /* wall clock */
    uint64_t now_ns; /* monotonic, as the next */
    uint64_t started_ns;
    uint64_t generation; /* of the configuration in force; 1: that of the start */
    time_t loaded_at;
    const char *file; /* that the daemon was told to read; NULL: it searches */
    const struct loaded *loaded;
    struct path_counters counters; /* of all queues, as `rules` */
    struct rule_counters *rules;   /* one for each rule; owned, as the next */
    bool *disabled;                /* for each rule whether it is */
    struct control_rates rates;
    uint64_t tun_tx_dropped;
    const struct cpu_list *rps;
    unsigned offload; /* 1u << enum offload_class of those in use */
    uint64_t offload_refused[OFFLOAD_CLASS_COUNT];
    uint64_t log_lost;
    uint64_t reloads[RELOAD_RESULT_COUNT]; /* since the start */
    bool last_reload_taken;                /* also when there was none */
    struct histogram wakeups;              /* of packet threads, from reading to writing */
    bool follows_flows;
    struct control_flow_totals flows; /* with follows_flows */
    unsigned confirm_seconds;         /* left to confirm the configuration; with `to_confirm` */
    bool to_confirm;                  /* it goes again unless somebody confirms it */
    bool can_go_back;                 /* the configuration from before is kept */
};

/* A flow as it was a moment ago. */
struct control_flow {
    struct flow flow;
    uint64_t time_left_ns;
};

/* A part of all flows, so that no queue waits long for its being copied. */
struct control_flows {
    unsigned queue; /* where to begin, and then where to go on: entry number `entry` of it */
    size_t entry;
    struct flow_filter filter;
    bool end;                   /* nothing is left */
    bool followed;              /* a rule asks for flows: there may be some */
    struct control_flow *items; /* owned by who asks, with room for CONTROL_FLOWS; NULL to flush */
    size_t count;
    uint64_t now_ns; /* monotonic, when it was asked for */
};
enum { CONTROL_FLOWS = 512 };

/* Echo requests that are wished for. */
struct control_ping {
    struct ip_addr dst, src;
    bool has_src; /* otherwise one is chosen */
    unsigned count;
    unsigned interval_ms, timeout_ms;
};

/* Frees what REPORT owns. */
void control_report_clear(struct control_report *report);

struct control_daemon {
    void *context;
    /* 0 or -ENOMEM. */
    int (*report)(void *context, struct control_report *ret_report);
    /* The rules in force; borrowed for the call. */
    const struct ruleset *(*ruleset)(void *context);
    /* For CLIENT, as whatever is given one: */
    /* Lets all rules count from nothing. */
    void (*reset_rules)(void *context, const struct control_client *client);
    /* Has rule number RULE of those in force passed over, or no longer. */
    void (*enable_rule)(void *context, const struct control_client *client, size_t rule,
                        bool enabled);
    /* The next part of all flows. */
    void (*flows)(void *context, struct control_flows *flows);
    /* Forgets those of the next part of all flows; `count` says how many. */
    void (*flush_flows)(void *context, const struct control_client *client,
                        struct control_flows *flows);
    /* Reloads; client NUMBER, which is held, is answered when that is over. What comes into force
     * is to be confirmed within CONFIRM_SECONDS unless that is 0; CONTROL_CONFIRM_MAX at most. */
    void (*reload)(void *context, uint64_t number, unsigned confirm_seconds);
    /* What is in force stays: 0; -ENOENT when that was no question; -EBUSY when the way back has
     * begun. */
    int (*confirm)(void *context, const struct control_client *client);
    /* Pings as PING says, and answers CLIENT with a stream of what comes back, or refuses. */
    void (*ping)(void *context, struct control_client *client, const struct control_ping *ping);
    /* Goes back to the configuration from before; client NUMBER as above. */
    void (*roll_back)(void *context, uint64_t number);
    /* Answers CLIENT, later, by what there is to say of GIVEN, which it takes over. */
    void (*check)(void *context, struct control_client *client, struct given *given);
    /* Answers CLIENT by a stream of what WISH asks for, or by a refusal; takes over its filter. */
    void (*watch)(void *context, struct control_client *client, const struct watch_wish *wish);
};

/*
 * RECORD as an object of a stream, NULL without memory: of kind WATCH_PACKETS, with SNAP_LENGTH
 * bytes of the packet at most, of WATCH_EXPLANATIONS, or of WATCH_FLOWS.
 */
json_t *document_packet(const struct watch_record *record, size_t snap_length);
json_t *document_explanation(const struct watch_record *record);
json_t *document_flow_event(const struct watch_record *record);

/*
 * About a configuration in which PROBLEMS were found; WANTED: what it is, NULL when it is not good;
 * REFUSAL: why a reload would not put it in force in place of PRESENT, or NULL.
 */
json_t *document_checked(const struct problems *problems, const struct loaded *present,
                         const struct loaded *wanted, const char *refusal);

/* All of them; the server's context has to be a struct control_daemon. */
extern const struct control_command control_commands[];
extern const size_t control_command_count;

#endif
