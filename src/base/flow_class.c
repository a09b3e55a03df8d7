/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and times of the classes of flows. */
#include "ipmodd/base/flow_class.h"

#include "ipmodd/base/macro.h"

#include <assert.h>

static const char *const behaviour_names[] = {
    [NAT_ENDPOINT_INDEPENDENT] = "endpoint-independent",
    [NAT_ADDRESS_DEPENDENT] = "address-dependent",
    [NAT_ADDRESS_AND_PORT_DEPENDENT] = "address-and-port-dependent",
};

static_assert(ARRAY_SIZE(behaviour_names) == NAT_BEHAVIOUR_COUNT, "every behaviour has a name");

const char *nat_behaviour_name(enum nat_behaviour behaviour)
{
    assert(behaviour < NAT_BEHAVIOUR_COUNT);
    return behaviour_names[behaviour];
}

struct flow_limits flow_limits_default(void)
{
    return (struct flow_limits){
        .max = FLOWS_DEFAULT,
        .timeouts_s =
            {
                [FLOW_CLASS_TCP_ESTABLISHED] = 7440, /* RFC 5382 REQ-5: 2 hours and 4 minutes */
                [FLOW_CLASS_TCP_TRANSITORY] = 240,   /* RFC 5382 REQ-5 */
                [FLOW_CLASS_UDP] = 300,              /* RFC 4787 REQ-5: recommended */
                [FLOW_CLASS_ICMP] = 60,              /* RFC 5508 REQ-2 */
                [FLOW_CLASS_SCTP] = 7440,
                [FLOW_CLASS_OTHER] = 600,
            },
        .nat_refuse_after = 6, /* RFC 5382 REQ-4 */
    };
}
