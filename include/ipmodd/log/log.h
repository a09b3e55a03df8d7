/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log: one line for people plus fields for programs, to the journal or to stderr.
 *
 * With libsystemd and stderr connected to the journal (JOURNAL_STREAM, systemd.exec(5)) entries go
 * there with their fields; otherwise to stderr as "<N>text" when that is a journal stream, as plain
 * text when it is a terminal or a file. A closed or full stderr loses lines, never blocks and never
 * ends the program. Every kind of event has a message id with an entry in the catalog
 * (systemd/ipmodd.catalog).
 *
 * Never called on the packet path: events of packets arrive through datapath's ring.
 */
#ifndef IPMODD_LOG_LOG_H
#define IPMODD_LOG_LOG_H

#include "ipmodd/base/config.h"

/* What an entry is about; each has a 128-bit MESSAGE_ID. */
enum log_id {
    LOG_ID_NONE, /* no MESSAGE_ID */
    LOG_ID_STARTED,
    LOG_ID_STOPPED,
    LOG_ID_RELOADED,
    LOG_ID_RELOAD_REFUSED,
    LOG_ID_CONFIG_PROBLEM,
    LOG_ID_START_FAILED,
    LOG_ID_RULE_LOG,
    LOG_ID_STATISTICS,
    LOG_ID_ROUTING_REPAIRED,
    LOG_ID_TUN_LOST,
    LOG_ID_LOOP_FOUND,
    LOG_ID_COUNT,
};

/* One journal field: NAME in capitals, value without line ends. */
struct log_field {
    const char *name;
    const char *value;
};

/* Chooses the target; entries less urgent than LEVEL are left out from now on. */
void log_open(enum log_level level);
void log_set_level(enum log_level level);

/* The MESSAGE_ID as 32 hex digits. */
const char *log_id_text(enum log_id id);

void log_write(enum log_level level, enum log_id id, const struct log_field *fields, size_t count,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Without fields. */
#define log_error(id, ...)   log_write(LEVEL_ERROR, id, NULL, 0, __VA_ARGS__)
#define log_warning(id, ...) log_write(LEVEL_WARNING, id, NULL, 0, __VA_ARGS__)
#define log_notice(id, ...)  log_write(LEVEL_NOTICE, id, NULL, 0, __VA_ARGS__)
#define log_info(id, ...)    log_write(LEVEL_INFO, id, NULL, 0, __VA_ARGS__)
#define log_debug(id, ...)   log_write(LEVEL_DEBUG, id, NULL, 0, __VA_ARGS__)

#endif
