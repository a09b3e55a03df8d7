/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a probe as a table and as JSON. */
#include "path_steps.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "live_packet.h"
#include "view.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD = IP_PREFIX_TEXT };

/* Of what comes back from the tun device. */
#define GIVEN_BACK " (one more, which being forwarded takes off again)"

/* The columns behind the devices, as texts; "" where the packet has no such thing. */
struct fields {
    char src[FIELD], dst[FIELD];
    char ttl[FIELD], proto[FIELD], sport[FIELD], dport[FIELD], id[FIELD], mark[FIELD];
};

static const char *proto_word(uint8_t proto, char text[static FIELD])
{
    if (proto == IPPROTO_TCP)
        return "tcp";
    if (proto == IPPROTO_UDP)
        return "udp";
    if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
        return "icmp";
    snprintf(text, FIELD, "%u", proto);
    return text;
}

static void read_fields(const struct path_step *step, struct fields *fields)
{
    const struct packet *packet = &step->packet;
    char text[FIELD];
    struct ip_addr addr;

    *fields = (struct fields){.src = ""};
    if (step->sight.mark != 0)
        snprintf(fields->mark, FIELD, "0x%x", step->sight.mark);
    if (!step->is_parsed)
        return;
    addr = ip_addr_from_bytes(packet->family, packet_src(packet));
    ip_addr_format(&addr, fields->src);
    addr = ip_addr_from_bytes(packet->family, packet_dst(packet));
    ip_addr_format(&addr, fields->dst);
    snprintf(fields->ttl, FIELD, "%u", packet_ttl(packet));
    snprintf(fields->proto, FIELD, "%s", proto_word(packet->proto, text));
    if (packet_has_ports(packet)) {
        snprintf(fields->sport, FIELD, "%u", packet_sport(packet));
        snprintf(fields->dport, FIELD, "%u", packet_dport(packet));
    }
    if (packet->family == FAMILY_IPV4)
        snprintf(fields->id, FIELD, "0x%04x", packet_ip_id(packet));
}

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

/* Checksums follow from what else changed, so they are not told. */
static bool is_told(const struct change *change)
{
    return strstr(change->name, "checksum") == NULL;
}

/* TTL_NOTE stands behind a change of the TTL. */
static void print_changes(const struct changes *changes, const char *ttl_note, FILE *out)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->items[i];

        if (is_told(change))
            fprintf(out, "  changed: %s %s -> %s%s\n", change->name, change->before, change->after,
                    strcmp(change->name, "ttl") == 0 ? ttl_note : "");
    }
}

static void print_passage(const json_t *passage, FILE *out)
{
    static struct live_packet packet; /* large */
    const json_t *rule;
    size_t i;

    fputs("ipmodd     ", out);
    if (passage == NULL) {
        fputs(" (it does not tell)\n", out);
        return;
    }
    json_array_foreach(json_object_get(passage, "rules"), i, rule)
        fprintf(out, " rule %s%s%s,", view_string(rule, "name"),
                view_string(rule, "actions")[0] != '\0' ? ": " : "", view_string(rule, "actions"));
    if (live_packet_read(&packet, passage) == 0) {
        fputc(' ', out);
        live_packet_print_verdict(&packet, out);
    }
    live_packet_clear(&packet);
    fputc('\n', out);
}

static void print_step(const struct path_step *step, int src_width, int dst_width, FILE *out)
{
    const struct hook_point *point = &hook_points[step->sight.point];
    struct fields fields;

    read_fields(step, &fields);
    fprintf(out, "%-11s %5d  %-15s %-8s %-8s %-*s %-*s %4s %-5s %5s %5s %-6s %s\n",
            hook_name(point->hook), point->priority, point->place, or_dash(step->sight.in),
            or_dash(step->sight.out), src_width, fields.src, dst_width, fields.dst, fields.ttl,
            fields.proto, or_dash(fields.sport), or_dash(fields.dport), or_dash(fields.id),
            or_dash(fields.mark));
}

void steps_print(const struct steps *steps, FILE *out)
{
    int src_width = 3, dst_width = 3;
    struct fields fields;

    for (size_t i = 0; i < steps->count; i++) {
        read_fields(&steps->items[i], &fields);
        src_width = MAX_OF(src_width, (int)strlen(fields.src));
        dst_width = MAX_OF(dst_width, (int)strlen(fields.dst));
    }
    fprintf(out, "%-11s %5s  %-15s %-8s %-8s %-*s %-*s %4s %-5s %5s %5s %-6s %s\n", "HOOK", "PRIO",
            "PLACE", "IN", "OUT", src_width, "SRC", dst_width, "DST", "TTL", "PROTO", "SPORT",
            "DPORT", "ID", "MARK");
    for (size_t i = 0; i < steps->count; i++) {
        const struct path_step *step = &steps->items[i];

        print_changes(&step->changes, i > 0 && step[-1].enters_tun ? GIVEN_BACK : "", out);
        print_step(step, src_width, dst_width, out);
        if (step->enters_tun)
            print_passage(steps->passage, out);
    }
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text[0] != '\0')
        json_object_set_new(object, name, json_text(text));
}

static void set_number(json_t *object, const char *name, const char *text)
{
    if (text[0] != '\0')
        json_object_set_new(object, name, json_integer(strtol(text, NULL, 0)));
}

static json_t *changes_json(const struct changes *changes)
{
    json_t *array = json_array();

    for (size_t i = 0; i < changes->count; i++) {
        if (is_told(&changes->items[i]))
            json_array_append_new(
                array, json_pack("{s:s, s:s, s:s}", "field", changes->items[i].name, "before",
                                 changes->items[i].before, "after", changes->items[i].after));
    }
    return array;
}

static json_t *step_json(const struct path_step *step)
{
    const struct hook_point *point = &hook_points[step->sight.point];
    json_t *object = json_pack("{s:s, s:i, s:s, s:o}", "hook", hook_name(point->hook), "priority",
                               point->priority, "place", point->place, "changes",
                               changes_json(&step->changes));
    struct fields fields;

    read_fields(step, &fields);
    set_text(object, "in", step->sight.in);
    set_text(object, "out", step->sight.out);
    set_text(object, "src", fields.src);
    set_text(object, "dst", fields.dst);
    set_text(object, "proto", fields.proto);
    set_number(object, "ttl", fields.ttl);
    set_number(object, "sport", fields.sport);
    set_number(object, "dport", fields.dport);
    set_number(object, "id", fields.id);
    set_number(object, "mark", fields.mark);
    return object;
}

static json_t *passage_json(const json_t *passage)
{
    static const char *const kept[] = {"fate", "reason", "rules", "direction"};
    json_t *object = json_pack("{s:s}", "hook", "ipmodd");

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        json_t *value = json_object_get(passage, kept[i]);

        if (value != NULL)
            json_object_set(object, kept[i], value);
    }
    return object;
}

json_t *steps_json(const struct steps *steps)
{
    json_t *array = json_array();

    for (size_t i = 0; i < steps->count; i++) {
        json_array_append_new(array, step_json(&steps->items[i]));
        if (steps->items[i].enters_tun)
            json_array_append_new(array, passage_json(steps->passage));
    }
    return array;
}
