/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the offload classes. */
#include "ipmodd/base/offload.h"

#include "ipmodd/base/macro.h"

#include <assert.h>

static const char *const names[] = {
    [OFFLOAD_TCP4] = "TCP over IPv4",
    [OFFLOAD_TCP6] = "TCP over IPv6",
    [OFFLOAD_TCP_ECN] = "TCP with CWR",
    [OFFLOAD_UDP] = "UDP",
};

static_assert(ARRAY_SIZE(names) == OFFLOAD_CLASS_COUNT, "every class has a name");

const char *offload_class_name(enum offload_class class)
{
    assert(class < OFFLOAD_CLASS_COUNT);
    return names[class];
}
