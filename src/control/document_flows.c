/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows with both of their tuples. */
#include "documents.h"
#include "flow_filter.h"

#include "ipmodd/base/json.h"

static json_t *make_address(const struct flow_tuple *tuple, const uint8_t *bytes)
{
    const struct ip_addr addr = ip_addr_from_bytes((enum ip_family)tuple->family, bytes);
    char text[IP_PREFIX_TEXT];

    return json_string(ip_addr_format(&addr, text));
}

static json_t *make_tuple(const struct flow_tuple *tuple)
{
    return json_pack("{s:o, s:o, s:i, s:i}", "src", make_address(tuple, tuple->src), "dst",
                     make_address(tuple, tuple->dst), "sport", (int)tuple->sport, "dport",
                     (int)tuple->dport);
}

static json_t *make_way(const struct flow *flow, enum flow_way way)
{
    json_t *document = make_tuple(&flow->tuples[way]);

    if (document == NULL)
        return NULL;
    json_object_set_new(document, "packets", json_uint(flow->packets[way]));
    json_object_set_new(document, "bytes", json_uint(flow->bytes[way]));
    return document;
}

/* NULL for one that is not in force any more, and for none. */
static const char *name_of_rule(uint32_t identity, const struct ruleset *ruleset)
{
    for (size_t i = 0; i < ruleset->rule_count && identity != 0; i++) {
        if (ruleset->rules[i].identity == identity)
            return ruleset->rules[i].name;
    }
    return NULL;
}

static json_t *make_flow(const struct flow *flow, const struct ruleset *ruleset, uint64_t now_ns,
                         uint64_t time_left_ns)
{
    char text[FLOW_PROTO_TEXT];
    const struct flow_tuple *original = &flow->tuples[FLOW_ORIGINAL];

    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s*, s:o, s:o, s:f, s:f}", "family",
                     ip_family_name((enum ip_family)original->family), "proto",
                     flow_proto_name(original->proto, text), "state",
                     flow_tcp_state_name(flow_tcp_state_of(flow)), "answered",
                     flow_is_answered(flow), "translated", flow_is_translated(flow), "rule",
                     name_of_rule(flow->rule, ruleset), "original", make_way(flow, FLOW_ORIGINAL),
                     "reply", make_way(flow, FLOW_REPLY), "age_seconds",
                     (double)(now_ns - flow->made_ns) / 1e9, "timeout_seconds",
                     (double)time_left_ns / 1e9);
}

json_t *document_translation(const struct watch_translation *translation,
                             const struct ruleset *ruleset)
{
    const struct flow_tuple *tuples = translation->tuples;
    char text[FLOW_PROTO_TEXT];

    return json_pack("{s:s, s:s*, s:s, s:o, s:o}", "proto",
                     flow_proto_name(tuples[FLOW_ORIGINAL].proto, text), "rule",
                     name_of_rule(translation->rule, ruleset), "way",
                     translation->way == FLOW_REPLY ? "reply" : "original", "original",
                     make_tuple(&tuples[FLOW_ORIGINAL]), "reply", make_tuple(&tuples[FLOW_REPLY]));
}

/* DOCUMENT, with the place to go on at unless that was the last part. */
static json_t *add_next(json_t *document, const struct control_flows *flows)
{
    if (!flows->end && document != NULL)
        json_object_set_new(document, "next",
                            json_pack("{s:i, s:o}", "queue", (int)flows->queue, "entry",
                                      json_uint(flows->entry)));
    return document;
}

json_t *document_flows(const struct control_flows *flows, const struct ruleset *ruleset,
                       uint64_t now_ns)
{
    json_t *array = json_array();

    for (size_t i = 0; i < flows->count; i++)
        json_array_append_new(array, make_flow(&flows->items[i].flow, ruleset, now_ns,
                                               flows->items[i].time_left_ns));
    return add_next(json_pack("{s:b, s:o}", "followed", flows->followed, "flows", array), flows);
}

json_t *document_flushed(const struct control_flows *flows)
{
    return add_next(json_pack("{s:o}", "flushed", json_uint(flows->count)), flows);
}

json_t *document_flow_event(const struct watch_record *record)
{
    const struct watch_flow *told = watch_record_flow(record);
    const struct flow_event *event = &told->event;
    json_t *document = make_flow(&told->flow, record->ruleset, event->now_ns, told->time_left_ns);

    if (document == NULL)
        return NULL;
    json_object_set_new(document, "event", json_string("flow"));
    json_object_set_new(document, "change", json_string(flow_change_name(event->change)));
    if (event->change == FLOW_ENDS)
        json_object_set_new(document, "reason", json_string(flow_end_name(event->end)));
    json_object_set_new(document, "queue", json_uint(record->queue));
    json_object_set_new(document, "time_ns", json_uint(record->time_ns));
    return document;
}
