/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places in netfilter's hooks at which a packet is looked at. */
#include "ipmodd/kernel/hook_trace.h"

#include "ipmodd/base/macro.h"

#include <assert.h>

static const char *const names[] = {
    [HOOK_PREROUTING] = "PREROUTING",   [HOOK_INPUT] = "INPUT",
    [HOOK_FORWARD] = "FORWARD",         [HOOK_OUTPUT] = "OUTPUT",
    [HOOK_POSTROUTING] = "POSTROUTING",
};
static_assert(ARRAY_SIZE(names) == HOOK_COUNT, "a name for each hook");

/* Behind defragmentation (-400) and in front of our own table (raw - 10). */
#define BEFORE_RAW (-390)

const struct hook_point hook_points[] = {
    {HOOK_PREROUTING, BEFORE_RAW, "before raw"},
    {HOOK_PREROUTING, -299, "after raw"},
    {HOOK_PREROUTING, -149, "after mangle"},
    {HOOK_PREROUTING, -99, "after dstnat"},
    {HOOK_PREROUTING, 1, "after filter"},
    {HOOK_INPUT, -151, "before mangle"},
    {HOOK_INPUT, -149, "after mangle"},
    {HOOK_INPUT, 1, "after filter"},
    {HOOK_INPUT, 51, "after security"},
    {HOOK_INPUT, 101, "after srcnat"},
    {HOOK_FORWARD, -151, "before mangle"},
    {HOOK_FORWARD, -149, "after mangle"},
    {HOOK_FORWARD, 1, "after filter"},
    {HOOK_FORWARD, 51, "after security"},
    {HOOK_OUTPUT, BEFORE_RAW, "before raw"},
    {HOOK_OUTPUT, -299, "after raw"},
    {HOOK_OUTPUT, -149, "after mangle"},
    {HOOK_OUTPUT, -99, "after dstnat"},
    {HOOK_OUTPUT, 1, "after filter"},
    {HOOK_OUTPUT, 51, "after security"},
    {HOOK_POSTROUTING, -151, "before mangle"},
    {HOOK_POSTROUTING, -149, "after mangle"},
    {HOOK_POSTROUTING, 1, "after filter"},
    {HOOK_POSTROUTING, 101, "after srcnat"},
};
const size_t hook_point_count = ARRAY_SIZE(hook_points);

const char *hook_name(enum hook hook)
{
    return names[hook];
}

const struct hook_point *hook_point_next(size_t point)
{
    if (point + 1 >= hook_point_count || hook_points[point + 1].hook != hook_points[point].hook)
        return NULL;
    return &hook_points[point + 1];
}
