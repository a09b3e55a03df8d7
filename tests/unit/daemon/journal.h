/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Journal: the last entry that was written, its fields among it, in programs that are linked with
 * --wrap=log_write. Nothing goes anywhere else.
 */
#ifndef IPMODD_TESTS_UNIT_DAEMON_JOURNAL_H
#define IPMODD_TESTS_UNIT_DAEMON_JOURNAL_H

#include "ipmodd/log/fields.h"

/* The value of a field of the last entry, which has to be of kind ID; "" when it has none. */
const char *journal_field(enum log_id id, const char *name);

#endif
