/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of the rule language that this version does not have.
 *
 * They are refused like everything unknown, but by their name: who read the manual of a newer
 * version should not look for a spelling mistake. A key leaves this table when it comes to life.
 */
#ifndef IPMODD_RULES_LATER_H
#define IPMODD_RULES_LATER_H

#include <stdbool.h>

/* SECTION: "main", "tun", "divert" or "rule". */
bool later_has_key(const char *section, const char *key);

#endif
