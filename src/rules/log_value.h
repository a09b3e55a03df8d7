/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The value of a rule's `log`: `yes`, `no`, or `[LEVEL] [COUNT/UNIT [burst COUNT]]` with the units
 * s, min and h. What is not given is info, 10/s and burst 20; there is no unlimited log.
 */
#ifndef IPMODD_RULES_LOG_VALUE_H
#define IPMODD_RULES_LOG_VALUE_H

#include "ipmodd/datapath/ruleset.h"
#include "ipmodd/datapath/value.h"

/* "a log level": error to debug. */
extern const struct value_domain log_level_domain;

/* One line: what a value looks like. */
extern const char log_value_grammar[];

/* 0, -EINVAL with ERROR filled, or -ENOMEM. LOGS is false for `no`. */
int log_value_parse(const char *text, bool *ret_logs, struct rule_log *ret_log,
                    struct value_error *error);

/* In the form that log_value_parse() reads. */
void log_value_print(const struct rule_log *log, FILE *out);

#endif
