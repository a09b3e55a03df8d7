/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet is to the flows of its path, in words. */
#include "flow.h"

#include "ipmodd/base/text_stream.h"
#include "ipmodd/datapath/flow.h"
#include "ipmodd/datapath/translation.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool is_query(const struct flow_tuple *tuple)
{
    return tuple->proto == IPPROTO_ICMP || tuple->proto == IPPROTO_ICMPV6;
}

/* "192.0.2.1:4000"; for the one that asks a query "192.0.2.1 id 7". */
static void print_end(const struct flow_tuple *tuple, enum packet_end end, bool asks, FILE *out)
{
    struct flow_tuple copy = *tuple;
    const struct ip_addr addr =
        ip_addr_from_bytes((enum ip_family)tuple->family, flow_tuple_address(&copy, end));
    bool has_port = flow_proto_has_ports(tuple->proto);
    bool brackets = has_port && addr.family == FAMILY_IPV6;
    char text[IP_PREFIX_TEXT];

    fprintf(out, brackets ? "[%s]" : "%s", ip_addr_format(&addr, text));
    if (has_port)
        fprintf(out, ":%u", *flow_tuple_port(&copy, end));
    else if (is_query(tuple) && asks)
        fprintf(out, " id %u", *flow_tuple_port(&copy, end));
}

/* NULL without memory. */
static char *make_end(const struct flow_tuple *tuple, enum packet_end end, bool asks)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    print_end(tuple, end, asks, out);
    return text_stream_take(&stream);
}

/* NULL without memory. */
static char *make_tuple(const struct flow_tuple *tuple)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    print_end(tuple, PACKET_SRC, true, out);
    fputs(" > ", out);
    print_end(tuple, PACKET_DST, false, out);
    return text_stream_take(&stream);
}

static const struct rule *find_rule(const struct ruleset *ruleset, uint32_t identity)
{
    for (size_t i = 0; i < ruleset->rule_count && identity != 0; i++) {
        if (ruleset->rules[i].identity == identity)
            return &ruleset->rules[i];
    }
    return NULL;
}

/* The key of what RULE, which may be NULL, has for END. */
static const char *find_action(const struct rule *rule, enum packet_end end)
{
    for (size_t i = 0; rule != NULL && i < rule->action_count; i++) {
        const struct rule_action *action = &rule->actions[i];

        if (action->type->needs_flow && translation_end(action->value) == end)
            return action->type->key;
    }
    return end == PACKET_SRC ? "snat" : "dnat";
}

/* 0 or -ENOMEM. */
static int find_end(struct explained_end *told, const struct flow *flow, const struct rule *rule,
                    enum packet_end end)
{
    struct flow_tuple from = flow->tuples[FLOW_ORIGINAL];
    struct flow_tuple to = flow_tuple_turn(&flow->tuples[FLOW_REPLY]);

    if (memcmp(flow_tuple_address(&from, end), flow_tuple_address(&to, end), 16) == 0 &&
        *flow_tuple_port(&from, end) == *flow_tuple_port(&to, end))
        return 0;
    told->before = make_end(&from, end, end == PACKET_SRC);
    told->after = make_end(&to, end, end == PACKET_SRC);
    if (end == PACKET_DST && (flow->flags & FLOW_INWARD) != 0)
        told->action = "mapping";
    else
        told->action = find_action(rule, end);
    return told->before != NULL && told->after != NULL ? 0 : -ENOMEM;
}

int explained_flow_find(struct explained_flow *told, struct path *path, const struct packet *packet)
{
    const struct flow *flow = packet->flow;
    const struct rule *rule;
    int r = 0;

    told->tracked = path_flows(path) != NULL;
    told->relation = packet->relation;
    if (!told->tracked || flow == NULL)
        return 0;
    rule = find_rule(path_ruleset(path), flow->rule);
    told->known = true;
    told->way = packet->way;
    told->rule = rule != NULL ? rule->name : NULL;
    told->original = make_tuple(&flow->tuples[FLOW_ORIGINAL]);
    for (enum packet_end end = 0; end < PACKET_ENDS && r == 0; end++)
        r = find_end(&told->ends[end], flow, rule, end);
    return told->original != NULL ? r : -ENOMEM;
}

void explained_flow_clear(struct explained_flow *told)
{
    free(told->original);
    for (enum packet_end end = 0; end < PACKET_ENDS; end++) {
        free(told->ends[end].before);
        free(told->ends[end].after);
    }
    *told = (struct explained_flow){.tracked = false};
}
