/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The value of a rule's `capture`: `NAME [size N[KiB|MiB|GiB]] [files N] [snaplen N]`, the options
 * in any order. What is not given is 10 MiB, 10 files, and all of each packet; there is no
 * unlimited capture.
 */
#ifndef IPMODD_RULES_CAPTURE_VALUE_H
#define IPMODD_RULES_CAPTURE_VALUE_H

#include "ipmodd/datapath/ruleset.h"
#include "ipmodd/datapath/value.h"

/* One line: what a value looks like. */
extern const char capture_value_grammar[];

/*
 * All but `what`, which is NULL; owned by the caller (rule_capture_free()). 0, -EINVAL with ERROR
 * filled, or -ENOMEM.
 */
int capture_value_parse(const char *text, struct rule_capture **ret_capture,
                        struct value_error *error);

/* In the form that capture_value_parse() reads. */
void capture_value_print(const struct rule_capture *capture, FILE *out);

#endif
