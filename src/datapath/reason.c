/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the reasons, as users see them. */
#include "ipmodd/datapath/reason.h"

#include "ipmodd/base/macro.h"

#include <assert.h>

static const char *const reason_names[] = {
    [REASON_NONE] = "none",
    [REASON_EMPTY] = "empty",
    [REASON_BAD_VERSION] = "bad-version",
    [REASON_TRUNCATED_IP_HEADER] = "truncated-ip-header",
    [REASON_BAD_IP_HEADER_LENGTH] = "bad-ip-header-length",
    [REASON_BAD_IP_TOTAL_LENGTH] = "bad-ip-total-length",
    [REASON_BAD_IP_OPTION] = "bad-ip-option",
    [REASON_BAD_EXTENSION_HEADER] = "bad-extension-header",
    [REASON_TOO_MANY_EXTENSION_HEADERS] = "too-many-extension-headers",
    [REASON_BAD_FRAGMENT] = "bad-fragment",
    [REASON_TRUNCATED_L4_HEADER] = "truncated-l4-header",
    [REASON_BAD_TCP_HEADER_LENGTH] = "bad-tcp-header-length",
    [REASON_BAD_TCP_OPTION] = "bad-tcp-option",
    [REASON_BAD_DCCP_HEADER_LENGTH] = "bad-dccp-header-length",
    [REASON_BAD_UDP_LENGTH] = "bad-udp-length",
    [REASON_BAD_OFFLOAD] = "bad-offload",
    [REASON_TINY_FRAGMENT] = "tiny-fragment",
    [REASON_OVERLAPPING_FRAGMENT] = "overlapping-fragment",
    [REASON_FRAGMENT_BEFORE_FIRST] = "fragment-before-first",
    [REASON_FRAGMENT_TIMEOUT] = "fragment-timeout",
    [REASON_RULE] = "rule",
    [REASON_POLICY] = "policy",
    [REASON_REJECTED] = "rejected",
    [REASON_REJECT_SILENT] = "reject-silent",
    [REASON_REJECT_LIMITED] = "reject-limited",
    [REASON_ANSWERED] = "answered",
    [REASON_OWN_PREFIX] = "own-prefix",
    [REASON_LOOP] = "loop",
    [REASON_NAT_EXHAUSTED] = "nat-exhausted",
    [REASON_NAT_LIMIT] = "nat-limit",
    [REASON_NAT_NO_SOURCE] = "nat-no-source",
    [REASON_NAT_FILTERED] = "nat-filtered",
    [REASON_NAT_RESET_HELD] = "nat-reset-held",
    [REASON_UNTRANSLATABLE] = "untranslatable",
    [REASON_HAND_OVER_FULL] = "hand-over-full",
    [REASON_TOO_LONG] = "too-long",
    [REASON_WRITE_FAILED] = "write-failed",
};

static_assert(ARRAY_SIZE(reason_names) == REASON_COUNT, "every reason has a name");

const char *reason_name(enum reason reason)
{
    assert(reason < REASON_COUNT);
    return reason_names[reason];
}
