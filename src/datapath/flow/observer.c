/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of what becomes of flows. */
#include "ipmodd/datapath/flow_observer.h"

#include "ipmodd/base/macro.h"

#include <assert.h>

static const char *const change_names[] = {
    [FLOW_BEGINS] = "new",
    [FLOW_CHANGES] = "update",
    [FLOW_ENDS] = "end",
};
static_assert(ARRAY_SIZE(change_names) == FLOW_CHANGE_COUNT, "every change has a name");

static const char *const end_names[] = {
    [FLOW_END_TIMEOUT] = "timeout", [FLOW_END_CLOSED] = "closed",
    [FLOW_END_FLUSHED] = "flushed", [FLOW_END_DISPLACED] = "displaced",
    [FLOW_END_MOVED] = "moved",
};
static_assert(ARRAY_SIZE(end_names) == FLOW_END_COUNT, "every end has a name");

const char *flow_change_name(enum flow_change change)
{
    assert(change < FLOW_CHANGE_COUNT);
    return change_names[change];
}

const char *flow_end_name(enum flow_end end)
{
    assert(end < FLOW_END_COUNT);
    return end_names[end];
}
