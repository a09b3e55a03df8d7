/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Path parts: what tests of the path make one of, and how all of it comes and goes again. */
#ifndef IPMODD_TESTS_PATH_PARTS_H
#define IPMODD_TESTS_PATH_PARTS_H

#include "ipmodd/base/host_view.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/datapath/ruleset.h"

struct path_parts {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path; /* NULL at first: the test makes it when its rules are there */
    struct batch *batch;
};

/* In the order in which each can do without the others; any may be NULL. */
static inline void path_parts_free(struct path *path, struct ruleset *ruleset,
                                   struct host_view *view, struct batch *batch)
{
    path_free(path);
    ruleset_free(ruleset);
    host_view_free(view);
    batch_free(batch);
}

/* Set-up and tear-down of a test whose state is a struct path_parts: a host with 192.0.2.1, a set
 * without rules. */
static inline int path_parts_set_up(void **state)
{
    static struct path_parts parts;
    struct ip_addr local;

    if (ip_addr_parse("192.0.2.1", &local) < 0)
        return 1;
    parts.view = host_view_new(&local, 1, NULL, 0, NULL, 0);
    parts.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    parts.path = NULL;
    parts.batch = batch_new();
    *state = &parts;
    return parts.view == NULL || parts.ruleset == NULL || parts.batch == NULL;
}

static inline int path_parts_tear_down(void **state)
{
    struct path_parts *parts = *state;

    path_parts_free(parts->path, parts->ruleset, parts->view, parts->batch);
    return 0;
}

#endif
