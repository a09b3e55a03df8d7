/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up long work from another thread: who does it looks at the flag now and then, at least a
 * few hundred times a second, and returns -ECANCELED with nothing made.
 */
#ifndef IPMODD_BASE_CANCEL_H
#define IPMODD_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* CANCEL: NULL for work that nobody gives up. */
static inline bool is_cancelled(const atomic_bool *cancel)
{
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed);
}

#endif
