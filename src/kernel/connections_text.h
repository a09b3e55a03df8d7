/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The own nft table in words of nft(8): for libnftables and for the plan. */
#ifndef IPMODD_KERNEL_CONNECTIONS_TEXT_H
#define IPMODD_KERNEL_CONNECTIONS_TEXT_H

#include "kernel/connections.h"

/* Names the device, since there may be two instances. */
#define CONNECTIONS_TABLE "ipmodd-%s"

/* Chain and rules, a command a line, each between PREFIX and SUFFIX. */
void connections_rules(const struct config *config, const struct netfilter_findings *findings,
                       const char *prefix, const char *suffix, FILE *out);

#endif
