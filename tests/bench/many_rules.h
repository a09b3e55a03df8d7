/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many rules: rule sets like those that ClassBench makes from real filter lists (Taylor and Turner,
 * 2007), of both families, and packets for them.
 *
 * Three kinds are mixed. Access lists: narrow prefixes, an exact destination port. Firewalls: many
 * rules that leave one address or the other open, ranges of ports. Chains: both addresses narrow,
 * at times both ports. Prefixes come from a limited number of networks, so that they lie within one
 * another. Narrower rules stand before wider ones, as in lists that people write.
 */
#ifndef IPMODD_BENCH_MANY_RULES_H
#define IPMODD_BENCH_MANY_RULES_H

#include "ipmodd/base/addr.h"
#include "ipmodd/base/rng.h"

#include <stdio.h>

struct port_range {
    uint16_t first, last;
};

struct many_rule {
    struct ip_prefix src, dst; /* of one family */
    uint8_t proto;             /* 0: any */
    struct port_range sport, dport;
};

void many_rules_make(struct many_rule *rules, size_t count, struct rng *rng);

/* As sections [rule r0], [rule r1] …, each with an edit and a verdict. */
void many_rules_write(const struct many_rule *rules, size_t count, FILE *out);

enum { MANY_RULES_PACKET_MAX = 256 };

/* A random packet inside of RULE, with 32 bytes of payload. Its length. */
size_t many_rules_packet(const struct many_rule *rule, struct rng *rng,
                         uint8_t bytes[static MANY_RULES_PACKET_MAX]);

#endif
