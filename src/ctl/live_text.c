/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live packet in a line. */
#include "flow_text.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/explain/detail.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/tcp.h"
#include "live_packet.h"
#include "view.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

enum { MICROSECOND = 1000 };

static const char red[] = "\033[31m", yellow[] = "\033[33m", plain[] = "\033[m";

void live_print_time(uint64_t time_ns, FILE *out)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm local;

    localtime_r(&seconds, &local);
    fprintf(out, "%02d:%02d:%02d.%06u", local.tm_hour, local.tm_min, local.tm_sec,
            (unsigned)(time_ns % 1000000000 / MICROSECOND));
}

static void print_end(const struct packet *packet, const uint8_t *address, uint16_t port, FILE *out)
{
    const struct ip_addr addr = ip_addr_from_bytes(packet->family, address);
    char text[IP_PREFIX_TEXT];

    fputs(ip_addr_format(&addr, text), out);
    if (packet_has_ports(packet))
        fprintf(out, ".%u", port);
}

static void print_ends(const struct packet *packet, FILE *out)
{
    bool ports = packet_has_ports(packet);

    fputs(packet->family == FAMILY_IPV4 ? " IP " : " IP6 ", out);
    print_end(packet, packet_src(packet), ports ? packet_sport(packet) : 0, out);
    fputs(" > ", out);
    print_end(packet, packet_dst(packet), ports ? packet_dport(packet) : 0, out);
}

/* tcpdump's letters. */
static void print_tcp_flags(uint8_t flags, FILE *out)
{
    static const char letters[] = "FSRP.UEW";

    fputs(" Flags [", out);
    for (size_t i = 0; i < sizeof(letters) - 1; i++) {
        if ((flags & 1u << i) != 0)
            fputc(letters[i], out);
    }
    fputs(flags == 0 ? "none]" : "]", out);
}

static void print_tcp(const struct packet *packet, FILE *out)
{
    const uint8_t *header = packet_l4(packet);
    uint8_t flags = packet_tcp_flags(packet);

    print_tcp_flags(flags, out);
    fprintf(out, ", seq %" PRIu32, be32_load(header + TCP_SEQ));
    if ((flags & TCP_FLAG_ACK) != 0)
        fprintf(out, ", ack %" PRIu32, be32_load(header + TCP_ACK));
    fprintf(out, ", win %u", packet_tcp_window(packet));
}

/* A blank and the value of the detail NAME, if the packet has one. */
static void print_detail(const struct packet *packet, const char *before, const char *name,
                         FILE *out)
{
    for (size_t i = 0; i < detail_count; i++) {
        char *text = strcmp(details[i].name, name) == 0 ? detail_text(&details[i], packet) : NULL;

        if (text != NULL)
            fprintf(out, "%s%s", before, text);
        free(text);
    }
}

static void print_upper_layer(const struct packet *packet, FILE *out)
{
    if (packet_is_tcp(packet)) {
        print_tcp(packet, out);
        return;
    }
    print_detail(packet, " ", "proto", out);
    print_detail(packet, " ", "icmp-type", out);
    if ((packet->flags & PACKET_FRAGMENT) != 0)
        fprintf(out, ", fragment at %zu", packet_fragment_place(packet));
}

static void print_parsed(const struct packet *packet, FILE *out)
{
    print_ends(packet, out);
    fputc(':', out);
    print_upper_layer(packet, out);
    fprintf(out, ", ttl %u", packet_ttl(packet));
    if (packet_tos(packet) >> 2 != 0)
        print_detail(packet, ", dscp ", "dscp", out);
}

static void print_packet(const struct live_packet *packet, FILE *out)
{
    const json_t *event = packet->event;
    long long segments = view_integer(event, "segments");

    if (packet->before.is_parsed)
        print_parsed(&packet->before.packet, out);
    else
        fputs(" malformed", out);
    if (json_object_get(event, "malformed") != NULL)
        fprintf(out, " (%s)", view_string(event, "malformed"));
    fprintf(out, ", length %zu", packet->before.length);
    if (segments > 1)
        fprintf(out, " in %lld packets", segments);
}

static void print_rules(const json_t *event, FILE *out)
{
    const json_t *rules = json_object_get(event, "rules"), *rule;
    long long left_out = view_integer(event, "rules_left_out");
    size_t i;

    if (json_array_size(rules) == 0)
        fputc('-', out);
    json_array_foreach((json_t *)rules, i, rule)
        fprintf(out, "%s%s", i == 0 ? "" : ", ", view_string(rule, "name"));
    if (left_out > 0)
        fprintf(out, " and %lld more", left_out);
}

void live_packet_print_verdict(const struct live_packet *packet, FILE *out)
{
    const json_t *event = packet->event;
    const char *fate = view_string(event, "fate");

    if (json_is_true(json_object_get(event, "answer")))
        fputs("answer", out);
    else
        fputs(fate, out);
    if (strcmp(fate, "drop") == 0)
        fprintf(out, " (%s)", view_string(event, "reason"));
    if (strcmp(fate, "split") == 0)
        fprintf(out, " into %lld", view_integer(event, "segments"));
}

void live_packet_print_changes(const struct live_packet *packet, FILE *out)
{
    for (size_t i = 0; i < packet->changes.count; i++) {
        const struct change *change = &packet->changes.items[i];

        fprintf(out, "%s%s %s -> %s", i == 0 ? "" : ", ", change->name,
                change->before != NULL ? change->before : "none",
                change->after != NULL ? change->after : "none");
    }
}

void live_packet_print_flow(const struct live_packet *packet, FILE *out)
{
    const json_t *flow = json_object_get(packet->event, "flow");

    if (flow == NULL)
        return;
    fputs(", flow", out);
    flow_text_print_translation(flow, out);
}

void live_packet_print(const struct live_packet *packet, bool colour, FILE *out)
{
    bool dropped = strcmp(view_string(packet->event, "fate"), "drop") == 0;
    const char *direction = view_string(packet->event, "direction");

    live_print_time(packet->time_ns, out);
    fprintf(out, " %s", *direction != '\0' ? direction : "?");
    print_packet(packet, out);
    fputs(" | ", out);
    print_rules(packet->event, out);
    fputs(" | ", out);
    fputs(colour && dropped ? red : "", out);
    live_packet_print_verdict(packet, out);
    fputs(colour && dropped ? plain : "", out);
    if (packet->changes.count > 0) {
        fputs(", ", out);
        fputs(colour ? yellow : "", out);
        live_packet_print_changes(packet, out);
        fputs(colour ? plain : "", out);
    }
    live_packet_print_flow(packet, out);
    fputc('\n', out);
}
