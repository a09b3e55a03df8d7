/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a rule decides by `verdict`. */
#ifndef IPMODD_DATAPATH_VERDICT_H
#define IPMODD_DATAPATH_VERDICT_H

#include "ipmodd/datapath/ruleset.h"

enum verdict {
    VERDICT_ACCEPT,
    VERDICT_DROP,
    VERDICT_REJECT,
    VERDICT_COUNT,
};

/* VERDICT_COUNT when RULE has none. */
enum verdict verdict_of_rule(const struct rule *rule);

#endif
