/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log: one line for people plus fields for programs, to the journal or to stderr.
 *
 * Three targets, chosen once by log_open():
 * - stderr is the journal (JOURNAL_STREAM, systemd.exec(5)) and the journal's own socket is there:
 *   entries go to that socket with their fields;
 * - stderr is the journal but the socket cannot be reached: "<N>text" lines on stderr;
 * - a terminal, pipe or file: "ipmodd: text" lines on stderr.
 *
 * Packets must flow whatever becomes of the reader, so nothing here waits: an entry that the target
 * would not take at once is lost and counted. That is also why the journal is spoken to directly:
 * sd_journal_sendv(3) sleeps while journald's queue is full. Every kind of event has a message id
 * with an entry in the catalog (systemd/ipmodd.catalog).
 *
 * Never called on the packet path: events of packets arrive through datapath's ring. One thread.
 */
#ifndef IPMODD_LOG_LOG_H
#define IPMODD_LOG_LOG_H

#include "ipmodd/base/config.h"

#include <stddef.h>
#include <stdint.h>

/* What an entry is about; each has a 128-bit MESSAGE_ID. */
enum log_id {
    LOG_ID_STARTED,
    LOG_ID_STOPPED,
    LOG_ID_STOP_INCOMPLETE,
    LOG_ID_RELOADED,
    LOG_ID_RELOAD_REFUSED,
    LOG_ID_CONFIG_PROBLEM,
    LOG_ID_START_FAILED,
    LOG_ID_RULE_LOG,
    LOG_ID_STATISTICS,
    LOG_ID_ROUTING_REPAIRED,
    LOG_ID_ROUTING_INCOMPLETE,
    LOG_ID_TUN_LOST,
    LOG_ID_TUN_RESTORED,
    LOG_ID_LOOP_FOUND,
    LOG_ID_EVENTS_LOST,
    LOG_ID_FOREIGN_RULES,
    LOG_ID_GUARDS_MOVED,
    LOG_ID_TUN_OVERRUN,
    LOG_ID_MALFORMED,
    LOG_ID_CAPTURE_LOST,
    LOG_ID_OFFLOAD_GIVEN_UP,
    LOG_ID_FOREIGN_NETFILTER,
    LOG_ID_NETFILTER_UNSEEN,
    LOG_ID_CONNTRACK,
    LOG_ID_XFRM,
    LOG_ID_FORWARDING,
    LOG_ID_INTERFACES,
    LOG_ID_RPS,
    LOG_ID_CONTROL_UNSERVED,
    LOG_ID_CONFIRMED,
    LOG_ID_UNCONFIRMED,
    LOG_ID_ROLLED_BACK,
    LOG_ID_RULE_SWITCHED,
    LOG_ID_COUNTERS_RESET,
    LOG_ID_FLOWS_FLUSHED,
    LOG_ID_REMARKS_LEFT_OUT,
    LOG_ID_COUNT,
};

/*
 * Chooses the target; entries less urgent than LEVEL are left out from now on. Before the first
 * call they go to stderr as plain text.
 */
void log_open(enum log_level level);
void log_set_level(enum log_level level);

/* The MESSAGE_ID as 32 hex digits. */
const char *log_id_text(enum log_id id);

/*
 * One line for people with FIELDS for programs, of which every entry has some (log/fields.h).
 * Control characters in texts and values become spaces. A line is cut at LOG_TEXT_MAX bytes;
 * fields that do not fit into an entry are left out.
 */
enum { LOG_TEXT_MAX = 1024 };
struct log_fields;
void log_write(enum log_level level, enum log_id id, const struct log_fields *fields,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Entries that the target did not take since the start. */
uint64_t log_lost(void);

#endif
