/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations (explain.h) as text. */
#ifndef IPMODD_CTL_EXPLAIN_SHOW_H
#define IPMODD_CTL_EXPLAIN_SHOW_H

#include "ipmodd/datapath/ruleset.h"
#include "ipmodd/explain/json.h"

#include <stdio.h>

/* Each rule that was looked at, what it changed, and what became of the packet. */
void explain_print(const struct explanation *told, const struct ruleset *ruleset, FILE *out);

/* Every detail, before and, where the packet leaves, after. */
void explain_print_details(const struct explanation *told, FILE *out);

#endif
