/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packets tell about their flow: counters, answers, and where a TCP connection is. */
#include "ipmodd/base/macro.h"
#include "ipmodd/wire/tcp.h"
#include "table.h"

#include <assert.h>
#include <netinet/in.h>

/* Flags of TCP that were seen, those of the replying side shifted by one. */
enum {
    SEEN_SYN = 1u << 0,
    SEEN_ACK = 1u << 2,
    SEEN_FIN = 1u << 4,
    SEEN_RST = 1u << 6, /* of either side */
};

static const char *const state_names[] = {
    [FLOW_TCP_NONE] = "",
    [FLOW_TCP_SYN_SENT] = "SYN_SENT",
    [FLOW_TCP_SYN_RECV] = "SYN_RECV",
    [FLOW_TCP_ESTABLISHED] = "ESTABLISHED",
    [FLOW_TCP_FIN_WAIT] = "FIN_WAIT",
    [FLOW_TCP_TIME_WAIT] = "TIME_WAIT",
    [FLOW_TCP_CLOSE] = "CLOSE",
};
static_assert(ARRAY_SIZE(state_names) == FLOW_TCP_STATE_COUNT, "every state has a name");

const char *flow_tcp_state_name(enum flow_tcp_state state)
{
    assert(state < FLOW_TCP_STATE_COUNT);
    return state_names[state];
}

bool flow_is_answered(const struct flow *flow)
{
    return flow->packets[FLOW_REPLY] > 0;
}

bool flow_is_translated(const struct flow *flow)
{
    const struct flow_tuple turned = flow_tuple_turn(&flow->tuples[FLOW_ORIGINAL]);

    return !flow_tuple_equal(&turned, &flow->tuples[FLOW_REPLY]);
}

/* FLAG of both sides is in SEEN. */
static bool both(unsigned seen, unsigned flag)
{
    unsigned wanted = flag | flag << 1;

    return (seen & wanted) == wanted;
}

static bool either(unsigned seen, unsigned flag)
{
    return (seen & (flag | flag << 1)) != 0;
}

/*
 * RFC 9293 3.3.2, seen from the middle. A connection is open when both sides have acknowledged
 * something, which also holds for a simultaneous open and for one that began before us. It is over
 * when both sides have sent their FIN (RFC 5382 5): one alone leaves the other way open.
 */
static enum flow_tcp_state state_from(unsigned seen)
{
    if ((seen & SEEN_RST) != 0)
        return FLOW_TCP_CLOSE;
    if (both(seen, SEEN_FIN))
        return FLOW_TCP_TIME_WAIT;
    if (!both(seen, SEEN_ACK))
        return both(seen, SEEN_SYN) || !either(seen, SEEN_SYN) ? FLOW_TCP_SYN_RECV
                                                               : FLOW_TCP_SYN_SENT;
    return either(seen, SEEN_FIN) ? FLOW_TCP_FIN_WAIT : FLOW_TCP_ESTABLISHED;
}

enum flow_tcp_state flow_tcp_state_of(const struct flow *flow)
{
    return flow->tuples[FLOW_ORIGINAL].proto == IPPROTO_TCP ? state_from(flow->tcp_seen)
                                                            : FLOW_TCP_NONE;
}

static enum flow_class class_of_tcp(const struct flow *flow)
{
    enum flow_tcp_state state = flow_tcp_state_of(flow);

    return state == FLOW_TCP_ESTABLISHED || state == FLOW_TCP_FIN_WAIT ? FLOW_CLASS_TCP_ESTABLISHED
                                                                       : FLOW_CLASS_TCP_TRANSITORY;
}

static enum flow_class class_of(const struct flow *flow)
{
    switch (flow->tuples[FLOW_ORIGINAL].proto) {
    case IPPROTO_TCP:
        return class_of_tcp(flow);
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
        return FLOW_CLASS_UDP;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return FLOW_CLASS_ICMP;
    case IPPROTO_SCTP:
        return FLOW_CLASS_SCTP;
    default:
        return FLOW_CLASS_OTHER;
    }
}

/*
 * A reset ends nothing by itself: anybody can forge one. It shortens the time that the flow may be
 * quiet, and what either side sends afterwards takes it back (RFC 7857 2.2).
 */
static void note_flags(struct flow *flow, enum flow_way way, uint8_t flags)
{
    unsigned seen = flow->tcp_seen, side = way == FLOW_REPLY ? 1 : 0;

    if ((flags & TCP_FLAG_RST) != 0) {
        flow->tcp_seen = (uint8_t)(seen | SEEN_RST);
        return;
    }
    seen &= ~(unsigned)SEEN_RST;
    if ((flags & TCP_FLAG_SYN) != 0)
        seen |= (unsigned)SEEN_SYN << side;
    if ((flags & TCP_FLAG_ACK) != 0)
        seen |= (unsigned)SEEN_ACK << side;
    if ((flags & TCP_FLAG_FIN) != 0)
        seen |= (unsigned)SEEN_FIN << side;
    flow->tcp_seen = (uint8_t)seen;
}

/* RFC 9293 3.6.1, RFC 6191: the tuples of a connection that is over are used again. */
static bool opens_another(const struct flow *flow, const struct packet *packet)
{
    enum flow_tcp_state state = flow_tcp_state_of(flow);
    const unsigned judged = TCP_FLAG_SYN | TCP_FLAG_ACK | TCP_FLAG_RST;

    return (state == FLOW_TCP_TIME_WAIT || state == FLOW_TCP_CLOSE) &&
           (packet_tcp_flags(packet) & judged) == TCP_FLAG_SYN;
}

/*
 * Whether both sides take part. The source of a SYN can be forged, and whoever has that address
 * does not acknowledge what it is answered (RFC 4987 3).
 */
static bool has_both_sides(const struct flow *flow)
{
    return flow->tuples[FLOW_ORIGINAL].proto == IPPROTO_TCP ? both(flow->tcp_seen, SEEN_ACK)
                                                            : flow_is_answered(flow);
}

bool flow_follow(struct flow_table *table, struct flow *flow, enum flow_way way,
                 const struct packet *packet, uint64_t now_ns)
{
    const unsigned seen = flow->tcp_seen;
    const bool is_first_answer = way == FLOW_REPLY && !flow_is_answered(flow);

    if (packet_is_tcp(packet)) {
        if (opens_another(flow, packet))
            return false;
        note_flags(flow, way, packet_tcp_flags(packet));
    }
    flow->packets[way] += packet->segments;
    flow->bytes[way] += packet_wire_bytes(packet);
    flow->seen_ns = now_ns;
    if (has_both_sides(flow))
        table_note_both_sides(table, flow);
    flow->class = (uint8_t)class_of(flow);
    if (is_first_answer || (seen != flow->tcp_seen && state_from(seen) != flow_tcp_state_of(flow)))
        table_tell(table, flow, FLOW_CHANGES, now_ns);
    return true;
}
