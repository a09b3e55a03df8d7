/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations as JSON; ipmodctl(8) has an example. */
#ifndef IPMODD_EXPLAIN_JSON_H
#define IPMODD_EXPLAIN_JSON_H

#include "ipmodd/explain/explain.h"

#include <jansson.h>

/* All of TOLD as one object, which the caller owns; NULL without memory. */
json_t *explain_to_json(const struct explanation *told, const struct ruleset *ruleset);

#endif
