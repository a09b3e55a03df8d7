/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How each detail of a packet is read and written. */
#include "ipmodd/explain/detail.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/icmp_name.h"
#include "ipmodd/datapath/tcp_flag.h"
#include "ipmodd/datapath/value.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/option.h"
#include "ipmodd/wire/sctp.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

enum { PAYLOAD_SHOWN = 32 }; /* bytes; the rest is counted */

static bool print_number(const struct value_domain *domain, uint32_t number, FILE *out)
{
    value_print_range(domain, number, number, out);
    return true;
}

static bool print_address(const struct packet *packet, const uint8_t *bytes, FILE *out)
{
    const struct ip_addr addr = ip_addr_from_bytes(packet->family, bytes);
    char text[IP_PREFIX_TEXT];

    fputs(ip_addr_format(&addr, text), out);
    return true;
}

static bool print_family(const struct packet *packet, FILE *out)
{
    fputs(ip_family_name(packet->family), out);
    return true;
}

static bool print_direction(const struct packet *packet, FILE *out)
{
    fputs(direction_name(packet->direction), out);
    return true;
}

static bool print_src(const struct packet *packet, FILE *out)
{
    return print_address(packet, packet_src(packet), out);
}

static bool print_dst(const struct packet *packet, FILE *out)
{
    return print_address(packet, packet_dst(packet), out);
}

static bool print_length(const struct packet *packet, FILE *out)
{
    fprintf(out, "%zu", packet->length);
    return true;
}

static bool print_ttl(const struct packet *packet, FILE *out)
{
    return print_number(&value_ttl, packet_ttl(packet), out);
}

static bool print_dscp(const struct packet *packet, FILE *out)
{
    return print_number(&value_dscp, packet_tos(packet) >> 2, out);
}

static bool print_ecn(const struct packet *packet, FILE *out)
{
    return print_number(&value_ecn, packet_tos(packet) & 3u, out);
}

static bool print_df(const struct packet *packet, FILE *out)
{
    return packet->family == FAMILY_IPV4 && print_number(&value_yes_no, packet_df(packet), out);
}

static bool print_ip_id(const struct packet *packet, FILE *out)
{
    return packet->family == FAMILY_IPV4 && print_number(&value_ip_id, packet_ip_id(packet), out);
}

static bool print_flow_label(const struct packet *packet, FILE *out)
{
    return packet->family == FAMILY_IPV6 &&
           print_number(&value_flow_label, packet_flow_label(packet), out);
}

static bool print_fragment(const struct packet *packet, FILE *out)
{
    if ((packet->flags & PACKET_LATER_FRAGMENT) != 0)
        fputs("later", out);
    else
        fputs((packet->flags & PACKET_FRAGMENT) != 0 ? "first" : "no", out);
    return true;
}

/* Kinds of a list of options, whose cursor stands at the first of them. */
static bool print_options(struct cursor *options, const struct value_domain *domain, FILE *out)
{
    struct option option;
    bool any = false;

    while (option_next(options, &option)) {
        fputs(any ? ", " : "", out);
        print_number(domain, option.kind, out);
        any = true;
    }
    return any;
}

static bool print_ip_option(const struct packet *packet, FILE *out)
{
    struct cursor options;

    if (packet->family != FAMILY_IPV4)
        return false;
    options = cursor_over(packet->data, ip4_header_length(packet->data));
    cursor_skip(&options, IP4_HEADER_MIN);
    return print_options(&options, &value_ip_option, out);
}

static bool print_ext_header(const struct packet *packet, FILE *out)
{
    uint8_t kind = packet->data[IP6_NEXT_HEADER];
    size_t at = IP6_HEADER;

    if (packet->family != FAMILY_IPV6 || packet->l4_offset == IP6_HEADER)
        return false;
    while (at < packet->l4_offset) {
        const uint8_t *header = packet->data + at;

        fputs(at > IP6_HEADER ? ", " : "", out);
        print_number(&value_ext_header, kind, out);
        at += ip6_extension_size(kind, header[IP6_EXT_LENGTH]);
        kind = header[IP6_EXT_NEXT_HEADER];
    }
    return true;
}

static bool print_ip_checksum(const struct packet *packet, FILE *out)
{
    if (packet->family != FAMILY_IPV4)
        return false;
    fprintf(out, "0x%04x", be16_load(packet->data + IP4_CHECKSUM));
    return true;
}

/* ICMP of the packet's own family goes by that name, as in rules. */
static bool print_proto(const struct packet *packet, FILE *out)
{
    uint8_t icmp = packet->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

    if (packet->proto == icmp)
        fputs(packet->family == FAMILY_IPV4 ? "icmp" : "icmpv6", out);
    else
        print_number(&value_proto, packet->proto, out);
    return true;
}

static bool print_sport(const struct packet *packet, FILE *out)
{
    return packet_has_ports(packet) && print_number(&value_port, packet_sport(packet), out);
}

static bool print_dport(const struct packet *packet, FILE *out)
{
    return packet_has_ports(packet) && print_number(&value_port, packet_dport(packet), out);
}

static bool print_icmp_type(const struct packet *packet, FILE *out)
{
    const char *name;

    if (!packet_is_icmp(packet))
        return false;
    name = icmp_type_name(packet->family, packet_icmp_type(packet));
    if (name != NULL)
        fputs(name, out);
    else
        fprintf(out, "%u", packet_icmp_type(packet));
    return true;
}

static bool print_icmp_code(const struct packet *packet, FILE *out)
{
    const char *name;

    if (!packet_is_icmp(packet))
        return false;
    name = icmp_code_name(packet->family, packet_icmp_type(packet), packet_icmp_code(packet));
    if (name != NULL)
        fputs(name, out);
    else
        fprintf(out, "%u", packet_icmp_code(packet));
    return true;
}

static bool print_tcp_flags(const struct packet *packet, FILE *out)
{
    if (!packet_is_tcp(packet))
        return false;
    tcp_flag_print_set(packet_tcp_flags(packet), out);
    return true;
}

static bool print_tcp_u32(const struct packet *packet, size_t place, FILE *out)
{
    if (!packet_is_tcp(packet))
        return false;
    fprintf(out, "%" PRIu32, be32_load(packet_l4(packet) + place));
    return true;
}

static bool print_seq(const struct packet *packet, FILE *out)
{
    return print_tcp_u32(packet, TCP_SEQ, out);
}

static bool print_ack(const struct packet *packet, FILE *out)
{
    return print_tcp_u32(packet, TCP_ACK, out);
}

static bool print_window(const struct packet *packet, FILE *out)
{
    return packet_is_tcp(packet) && print_number(&value_window, packet_tcp_window(packet), out);
}

static bool print_tcp_option(const struct packet *packet, FILE *out)
{
    struct cursor options;

    if (!packet_is_tcp(packet))
        return false;
    options = cursor_over(packet_l4(packet), packet_l4_length(packet));
    cursor_skip(&options, TCP_HEADER_MIN);
    return print_options(&options, &value_tcp_option, out);
}

static bool print_mss(const struct packet *packet, FILE *out)
{
    uint16_t mss;

    if (!packet_tcp_mss(packet, &mss))
        return false;
    fprintf(out, "%" PRIu16, mss);
    return true;
}

/* Of the packet itself: a shadow has none that could be right. */
static bool print_checksum(const struct packet *packet, FILE *out)
{
    const uint8_t *header = packet->data + packet->l4_offset;

    if ((packet->flags & PACKET_HAS_L4) == 0)
        return false;
    if (packet->proto == IPPROTO_TCP)
        fprintf(out, "0x%04x", be16_load(header + TCP_CHECKSUM));
    else if (packet->proto == IPPROTO_UDP || packet->proto == IPPROTO_UDPLITE ||
             packet->proto == IPPROTO_DCCP)
        fprintf(out, "0x%04x", be16_load(header + UDP_CHECKSUM));
    else if (packet_is_icmp(packet))
        fprintf(out, "0x%04x", be16_load(header + ICMP_MSG_CHECKSUM));
    else if (packet->proto == IPPROTO_SCTP)
        fprintf(out, "0x%08" PRIx32, le32_load(header + SCTP_CHECKSUM));
    else
        return false;
    return true;
}

/* As a rule's `payload` has it: text where it is text. */
static void print_bytes(const uint8_t *bytes, size_t count, FILE *out)
{
    bool is_text = true;

    for (size_t i = 0; i < count; i++)
        is_text = is_text && bytes[i] >= ' ' && bytes[i] < 0x7f && bytes[i] != '"' &&
                  bytes[i] != '\\';
    if (is_text)
        fprintf(out, "\"%.*s\"", (int)count, (const char *)bytes);
    else
        fputs("0x", out);
    for (size_t i = 0; i < count && !is_text; i++)
        fprintf(out, "%02x", bytes[i]);
}

/* As far as the length of UDP goes, as for rules; of a fragment without its header, its data. */
static bool print_payload(const struct packet *packet, FILE *out)
{
    size_t count = packet_has_payload(packet) ? packet_payload_length(packet)
                                              : packet->length - packet->payload_offset;

    if (count == 0)
        return false;
    print_bytes(packet->data + packet->payload_offset, MIN_OF(count, (size_t)PAYLOAD_SHOWN), out);
    if (count > PAYLOAD_SHOWN)
        fprintf(out, " … (%zu bytes)", count);
    return true;
}

const struct detail details[] = {
    {"direction", print_direction},
    {"family", print_family},
    {"src", print_src},
    {"dst", print_dst},
    {"ttl", print_ttl},
    {"dscp", print_dscp},
    {"ecn", print_ecn},
    {"df", print_df},
    {"ip-id", print_ip_id},
    {"flow-label", print_flow_label},
    {"fragment", print_fragment},
    {"length", print_length},
    {"ip-option", print_ip_option},
    {"ext-header", print_ext_header},
    {"ip-checksum", print_ip_checksum},
    {"proto", print_proto},
    {"sport", print_sport},
    {"dport", print_dport},
    {"icmp-type", print_icmp_type},
    {"icmp-code", print_icmp_code},
    {"tcp-flags", print_tcp_flags},
    {"seq", print_seq},
    {"ack", print_ack},
    {"window", print_window},
    {"tcp-option", print_tcp_option},
    {"mss", print_mss},
    {"checksum", print_checksum},
    {"payload", print_payload},
};
const size_t detail_count = ARRAY_SIZE(details);
