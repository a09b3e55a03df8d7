/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Path parts: what tests of the path make one of, and how all of it goes again. */
#ifndef IPMODD_TESTS_PATH_PARTS_H
#define IPMODD_TESTS_PATH_PARTS_H

#include "ipmodd/base/host_view.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/datapath/ruleset.h"

/* In the order in which each can do without the others; any may be NULL. */
static inline void path_parts_free(struct path *path, struct ruleset *ruleset,
                                   struct host_view *view, struct batch *batch)
{
    path_free(path);
    ruleset_free(ruleset);
    host_view_free(view);
    batch_free(batch);
}

#endif
