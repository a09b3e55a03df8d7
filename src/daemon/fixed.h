/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed: what of a configuration belongs to the process, or to its device, as long as it lives. */
#ifndef IPMODD_DAEMON_FIXED_H
#define IPMODD_DAEMON_FIXED_H

#include "ipmodd/base/config.h"

#include <stddef.h>

/* 0, or -EINVAL with a sentence in TEXT when NEW differs from OLD, which is in force, in that. */
int fixed_check(const struct config *old, const struct config *new, char *text, size_t size);

#endif
