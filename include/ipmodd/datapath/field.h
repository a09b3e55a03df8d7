/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields: what of a packet a match reads and an action writes.
 *
 * Every record names its fields, so that others can reason about rules without knowing any of them:
 * the flow cache keys on the fields that some rule reads, and a packet is classified anew behind an
 * action that writes what a later rule reads.
 *
 * Most packets of a flow agree in FIELDS_OF_FLOW, so what was found out about one of them can be
 * remembered for the next. The others are looked at in each packet. Family, protocol, kind of
 * fragment and whether the upper-layer header is there are always told apart, also where a match
 * does not name them.
 */
#ifndef IPMODD_DATAPATH_FIELD_H
#define IPMODD_DATAPATH_FIELD_H

#include <stdint.h>

enum field {
    /* of a flow */
    FIELD_FAMILY,
    FIELD_PROTO,
    FIELD_FRAGMENT,
    FIELD_DIRECTION,
    FIELD_SRC,
    FIELD_DST,
    FIELD_SPORT,
    FIELD_DPORT,
    FIELD_TCP_FLAGS,
    FIELD_ICMP_TYPE,
    FIELD_ICMP_CODE,
    FIELD_TTL,
    FIELD_DSCP,
    FIELD_ECN,
    FIELD_DF,
    /* of each packet */
    FIELD_LENGTH,
    FIELD_IP_ID,
    FIELD_IP_OPTIONS,
    FIELD_EXT_HEADERS,
    FIELD_FLOW_LABEL,
    FIELD_TCP_OPTIONS, /* the MSS among them */
    FIELD_WINDOW,
    FIELD_PAYLOAD,
    FIELD_COUNT,
};

/* FIELD_BIT() of each field. */
typedef uint32_t field_set;

#define FIELD_BIT(field) (UINT32_C(1) << (field))
#define FIELDS_OF_FLOW   (FIELD_BIT(FIELD_LENGTH) - 1)

#endif
