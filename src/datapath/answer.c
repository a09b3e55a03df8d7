/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refusing packets and answering echo requests. */
#include "answerer.h"
#include "batch.h"
#include "fixup.h"
#include "flow/quote.h"
#include "flow/translate.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/wire/icmp.h"

#include <assert.h>
#include <netinet/in.h>

static const char *const kind_names[] = {
    [REJECT_DEFAULT] = "",
    [REJECT_TCP_RESET] = "tcp-reset",
    [REJECT_PORT_UNREACHABLE] = "port-unreachable",
    [REJECT_HOST_UNREACHABLE] = "host-unreachable",
    [REJECT_NET_UNREACHABLE] = "net-unreachable",
    [REJECT_PROTO_UNREACHABLE] = "proto-unreachable",
    [REJECT_ADMIN_PROHIBITED] = "admin-prohibited",
};

static_assert(ARRAY_SIZE(kind_names) == REJECT_KIND_COUNT, "every kind has a name");

/* Codes of "destination unreachable" in each family; NO_CODE where there is none. */
enum { NO_CODE = 0xff };

static const uint8_t kind_codes[REJECT_KIND_COUNT][FAMILY_COUNT] = {
    [REJECT_DEFAULT] = {ICMP4_CODE_PORT, ICMP6_CODE_PORT},
    [REJECT_TCP_RESET] = {NO_CODE, NO_CODE},
    [REJECT_PORT_UNREACHABLE] = {ICMP4_CODE_PORT, ICMP6_CODE_PORT},
    [REJECT_HOST_UNREACHABLE] = {ICMP4_CODE_HOST, ICMP6_CODE_ADDRESS},
    [REJECT_NET_UNREACHABLE] = {ICMP4_CODE_NET, ICMP6_CODE_NO_ROUTE},
    [REJECT_PROTO_UNREACHABLE] = {ICMP4_CODE_PROTO, NO_CODE},
    [REJECT_ADMIN_PROHIBITED] = {ICMP4_CODE_PROHIBITED, ICMP6_CODE_PROHIBITED},
};

const char *reject_kind_name(enum reject_kind kind)
{
    assert(kind < REJECT_KIND_COUNT);
    return kind_names[kind];
}

static bool resets(const struct packet *packet, enum reject_kind kind)
{
    return kind == REJECT_TCP_RESET || (kind == REJECT_DEFAULT && packet->proto == IPPROTO_TCP);
}

static bool may_refuse(const struct answerer *answerer, const struct packet *packet,
                       enum reject_kind kind)
{
    if (resets(packet, kind)) {
        if (!answer_allowed_reset(packet))
            return false;
    } else if (kind_codes[kind][packet->family] == NO_CODE || !answer_allowed_error(packet)) {
        return false;
    }
    return answer_allowed(answerer->view, packet);
}

/*
 * An answer is a packet of the same flow the other way, made where rules see it, and leaves as such
 * a one does: whoever is answered sees the addresses that it sent to. One that cannot be translated
 * is not sent. It does not count in its flow, which is where it was.
 */
static bool lead_back(struct answerer *answerer, struct packet *answer, const struct packet *asked)
{
    answer->flow = asked->flow;
    answer->way = asked->way == FLOW_ORIGINAL ? FLOW_REPLY : FLOW_ORIGINAL;
    answer->relation = quote_is_error(answer) ? RELATION_RELATED : RELATION_ESTABLISHED;
    answer->flow_packets = asked->flow_packets;
    answer->flow_bytes = asked->flow_bytes;
    if (!translate_packet(answer, TRANSLATE_AFTER_RULES)) {
        batch_take_back_answer(answerer->batch);
        return false;
    }
    fixup_packet(answer);
    return true;
}

void answer_reject(struct answerer *answerer, struct packet *packet, enum reject_kind kind)
{
    fixup_packet(packet);
    fixup_complete(packet);
    packet->fate = FATE_DROP;
    if (!may_refuse(answerer, packet, kind)) {
        packet->reason = REASON_REJECT_SILENT;
    } else if (!bucket_take(&answerer->bucket, answerer->now_ns)) {
        packet->reason = REASON_REJECT_LIMITED;
    } else {
        struct packet *answer = batch_add_answer(answerer->batch);

        packet->reason = REASON_REJECTED;
        if (resets(packet, kind))
            answer_build_reset(answer, packet);
        else
            answer_build_error(answer, packet, kind_codes[kind][packet->family]);
        if (!lead_back(answerer, answer, packet))
            packet->reason = REASON_REJECT_SILENT;
    }
}

bool answer_echo(struct answerer *answerer, struct packet *packet)
{
    struct packet *answer;

    if (!answer_allowed_echo(packet))
        return false;
    fixup_packet(packet);
    if (!answer_allowed(answerer->view, packet))
        return false;
    answer = batch_add_answer(answerer->batch);
    answer_build_echo(answer, packet);
    lead_back(answerer, answer, packet);
    packet->fate = FATE_DROP;
    packet->reason = REASON_ANSWERED;
    return true;
}
