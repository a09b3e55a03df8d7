/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns events of the packet path into log entries. */
#include "report.h"

#include "clock.h"
#include "ipmodd/base/text_stream.h"
#include "ipmodd/log/fields.h"
#include "ipmodd/log/limit.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

enum { PROTO_TEXT = 12 };

#define LOSS_INTERVAL_NS UINT64_C(30000000000)

static const char *proto_text(uint8_t proto, char text[static PROTO_TEXT])
{
    static const char *const names[UINT8_MAX + 1] = {
        [IPPROTO_ICMP] = "icmp",       [IPPROTO_IGMP] = "igmp",     [IPPROTO_IPIP] = "ipip",
        [IPPROTO_TCP] = "tcp",         [IPPROTO_UDP] = "udp",       [IPPROTO_DCCP] = "dccp",
        [IPPROTO_IPV6] = "ipv6",       [IPPROTO_GRE] = "gre",       [IPPROTO_ESP] = "esp",
        [IPPROTO_AH] = "ah",           [IPPROTO_ICMPV6] = "icmpv6", [IPPROTO_SCTP] = "sctp",
        [IPPROTO_UDPLITE] = "udplite",
    };

    if (names[proto] != NULL)
        return names[proto];
    snprintf(text, PROTO_TEXT, "proto %u", proto);
    return text;
}

static bool is_icmp(const struct event *event)
{
    return event->proto == (event->src.family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static bool has_ports(const struct event *event)
{
    return event->sport != 0 || event->dport != 0;
}

const char *report_verdict(const struct event *event)
{
    if (event->fate == FATE_PENDING)
        return "next";
    if (event->fate == FATE_OUT)
        return "accept";
    if (event->reason == REASON_ANSWERED)
        return "reply";
    if (event->reason == REASON_REJECTED || event->reason == REASON_REJECT_SILENT ||
        event->reason == REASON_REJECT_LIMITED)
        return "reject";
    return "drop";
}

/* "192.0.2.1" or, with a port, "192.0.2.1.4000": the form that tcpdump(8) made usual. */
static void print_end(FILE *out, const struct event *event, const struct ip_addr *addr,
                      uint16_t port)
{
    char text[IP_PREFIX_TEXT];

    fputs(ip_addr_format(addr, text), out);
    if (has_ports(event))
        fprintf(out, ".%u", port);
}

static void print_event(FILE *out, const struct event *event)
{
    char proto[PROTO_TEXT];

    fprintf(out, "rule %s: %s %s %s ", event->rule->name, report_verdict(event),
            direction_name(event->direction), event->src.family == FAMILY_IPV4 ? "IP" : "IP6");
    print_end(out, event, &event->src, event->sport);
    fputs(" > ", out);
    print_end(out, event, &event->dst, event->dport);
    fprintf(out, ": %s", proto_text(event->proto, proto));
    if (is_icmp(event))
        fprintf(out, " type %u code %u", event->icmp_type, event->icmp_code);
    fprintf(out, ", ttl %u, length %zu", event->ttl, event->length);
    if (event->segments > 1)
        fprintf(out, " in %zu packets", event->segments);
    if (event->fate == FATE_DROP)
        fprintf(out, " (%s)", reason_name(event->reason));
    if (event->suppressed > 0)
        fprintf(out, ", %" PRIu64 " entries kept back before", event->suppressed);
}

const char *report_format(const struct event *event, char text[static REPORT_TEXT])
{
    CLEANUP(cleanup_file) FILE *out = text_stream_into(text, REPORT_TEXT);

    if (out != NULL)
        print_event(out, event);
    return text;
}

static void add_packet_fields(struct log_fields *fields, const struct event *event)
{
    char text[IP_PREFIX_TEXT], proto[PROTO_TEXT];

    log_fields_add(fields, "SRC", "%s", ip_addr_format(&event->src, text));
    log_fields_add(fields, "DST", "%s", ip_addr_format(&event->dst, text));
    log_fields_add(fields, "PROTO", "%s", proto_text(event->proto, proto));
    if (has_ports(event)) {
        log_fields_add(fields, "SPT", "%u", event->sport);
        log_fields_add(fields, "DPT", "%u", event->dport);
    }
    if (is_icmp(event)) {
        log_fields_add(fields, "ICMP_TYPE", "%u", event->icmp_type);
        log_fields_add(fields, "ICMP_CODE", "%u", event->icmp_code);
    }
    log_fields_add(fields, "TTL", "%u", event->ttl);
    log_fields_add(fields, "LEN", "%zu", event->length);
    log_fields_add(fields, "IPMODD_PACKETS", "%zu", event->segments);
}

static void report_event(const struct event *event)
{
    const struct rule *rule = event->rule;
    struct log_fields fields = {.count = 0};
    char text[REPORT_TEXT];

    log_fields_add(&fields, "IPMODD_RULE", "%s", rule->name);
    log_fields_add(&fields, "IPMODD_VERDICT", "%s", report_verdict(event));
    if (event->fate == FATE_DROP)
        log_fields_add(&fields, "IPMODD_REASON", "%s", reason_name(event->reason));
    log_fields_add(&fields, "IPMODD_DIRECTION", "%s", direction_name(event->direction));
    log_fields_add(&fields, "IPMODD_SUPPRESSED", "%" PRIu64, event->suppressed);
    add_packet_fields(&fields, event);
    log_fields_add(&fields, "CONFIG_FILE", "%s", rule->file);
    log_fields_add(&fields, "CONFIG_LINE", "%u", rule->line);
    log_write(rule->log.level, LOG_ID_RULE_LOG, &fields, "%s", report_format(event, text));
}

struct reporter reporter_make(void)
{
    return (struct reporter){.loss = log_limit_make(2, LOSS_INTERVAL_NS)};
}

void report_loss(struct reporter *reporter, uint64_t lost)
{
    struct log_fields fields = {.count = 0};
    uint64_t suppressed;

    if (lost == reporter->lost_told ||
        !log_limit_take(&reporter->loss, clock_monotonic_ns(), &suppressed))
        return;
    log_fields_add(&fields, "IPMODD_LOST", "%" PRIu64, lost - reporter->lost_told);
    log_write(LEVEL_WARNING, LOG_ID_EVENTS_LOST, &fields,
              "no room for %" PRIu64 " log entries of rules, they are lost",
              lost - reporter->lost_told);
    reporter->lost_told = lost;
}

void report_events(struct event_ring *ring)
{
    const struct event *event;

    while ((event = event_ring_pop(ring)) != NULL)
        report_event(event);
}
