/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of the actions that translate: addresses, ports, and words behind them. */
#ifndef IPMODD_DATAPATH_ACTION_TRANSLATION_VALUE_H
#define IPMODD_DATAPATH_ACTION_TRANSLATION_VALUE_H

#include "ipmodd/datapath/translation.h"

/* `ADDR[-ADDR][:PORT[-PORT]] [random] [persistent]`, IPv6 addresses with ports in brackets. */
int translation_parse_target(const char *text, enum translation_kind kind, void **ret_value,
                             struct value_error *error);

/* `yes [random]` or `:PORT[-PORT] [random]`. */
int translation_parse_masquerade(const char *text, void **ret_value, struct value_error *error);

/* `:PORT[-PORT]`. */
int translation_parse_redirect(const char *text, void **ret_value, struct value_error *error);

/* `src PREFIX` or `dst PREFIX`. */
int translation_parse_prefix(const char *text, void **ret_value, struct value_error *error);

/* In the form that the parsers read. */
void translation_print(const struct translation *translation, FILE *out);

#endif
