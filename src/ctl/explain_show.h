/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations, as explain_to_json() makes them, for people. */
#ifndef IPMODD_CTL_EXPLAIN_SHOW_H
#define IPMODD_CTL_EXPLAIN_SHOW_H

#include "ipmodd/explain/json.h"

#include <stdio.h>

/* The packet in one line. */
void explain_print_head(const json_t *told, FILE *out);

/* Each rule that was looked at, what it changed, and what became of the packet. */
void explain_print(const json_t *told, FILE *out);

/* Every detail, before and, where the packet leaves, after. */
void explain_print_details(const json_t *told, FILE *out);

#endif
