/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flow text: flows as the daemon tells them, a line each, much as conntrack(8) has them. */
#ifndef IPMODD_CTL_FLOW_TEXT_H
#define IPMODD_CTL_FLOW_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* "tcp     timeout=2h age=3s ESTABLISHED rule=web src=…": FLOW of the answer to `flows`. */
void flow_text_print(const json_t *flow, FILE *out);

/* " rule=web src=… dst=… sport=… dport=… src=…": of the `flow` that translates a packet. */
void flow_text_print_translation(const json_t *flow, FILE *out);

/* "12:00:00.000001 [UPDATE] tcp     timeout=…": EVENT of the kind `flow`. */
void flow_text_print_event(const json_t *event, FILE *out);

#endif
