/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two halves of `ipmodctl trace`: packets that are given, and live ones. */
#ifndef IPMODD_CTL_TRACE_H
#define IPMODD_CTL_TRACE_H

#include "command.h"

/* `trace --live`: COUNT packets (NULL: one) that fit the FILTER words. */
enum exit_code trace_live(const struct options *options, const char *count, char **filter,
                          size_t filter_count);

#endif
