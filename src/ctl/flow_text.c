/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows in words, as conntrack(8) has them. */
#include "flow_text.h"

#include "live_packet.h"
#include "view.h"

#include <string.h>

/* The type of the message that answers a query (RFC 792, RFC 4443). */
static long long answer_to(long long query)
{
    switch (query) {
    case 8: /* echo */
        return 0;
    case 13:  /* timestamp */
    case 15:  /* information */
    case 17:  /* address mask */
    case 128: /* ICMPv6 echo */
        return query + 1;
    default:
        return query;
    }
}

/* Of an ICMP query the port on its sender's side is the identifier, the other one its type. */
static void print_query(const json_t *way, bool is_reply, FILE *out)
{
    long long type = view_integer(way, is_reply ? "sport" : "dport");

    fprintf(out, " type=%lld code=0 id=%lld", is_reply ? answer_to(type) : type,
            view_integer(way, is_reply ? "dport" : "sport"));
}

static void print_tuple(const json_t *flow, const char *name, FILE *out)
{
    const json_t *way = json_object_get(flow, name);

    fprintf(out, " src=%s dst=%s", view_string(way, "src"), view_string(way, "dst"));
    if (strncmp(view_string(flow, "proto"), "icmp", 4) == 0)
        print_query(way, strcmp(name, "reply") == 0, out);
    else
        fprintf(out, " sport=%lld dport=%lld", view_integer(way, "sport"),
                view_integer(way, "dport"));
}

static void print_way(const json_t *flow, const char *name, FILE *out)
{
    const json_t *way = json_object_get(flow, name);

    print_tuple(flow, name, out);
    fprintf(out, " packets=%lld bytes=%lld", view_integer(way, "packets"),
            view_integer(way, "bytes"));
}

/* There is none when it is not in force any more. */
static void print_rule(const json_t *flow, FILE *out)
{
    if (*view_string(flow, "rule") != '\0')
        fprintf(out, " rule=%s", view_string(flow, "rule"));
}

void flow_text_print_translation(const json_t *flow, FILE *out)
{
    print_rule(flow, out);
    print_tuple(flow, "original", out);
    print_tuple(flow, "reply", out);
}

/* All but how long it may still be quiet. */
static void print_rest(const json_t *flow, FILE *out)
{
    char age[VIEW_NUMBER];

    fprintf(out, " age=%s", view_duration(view_real(flow, "age_seconds"), age));
    if (*view_string(flow, "state") != '\0')
        fprintf(out, " %s", view_string(flow, "state"));
    print_rule(flow, out);
    print_way(flow, "original", out);
    if (!json_is_true(json_object_get(flow, "answered")))
        fputs(" [UNREPLIED]", out);
    print_way(flow, "reply", out);
    if (json_is_true(json_object_get(flow, "translated")))
        fputs(" [TRANSLATED]", out);
    fputc('\n', out);
}

static void print_timeout(const json_t *flow, FILE *out)
{
    char left[VIEW_NUMBER];

    fprintf(out, " timeout=%s", view_duration(view_real(flow, "timeout_seconds"), left));
}

void flow_text_print(const json_t *flow, FILE *out)
{
    fprintf(out, "%-7s", view_string(flow, "proto"));
    print_timeout(flow, out);
    print_rest(flow, out);
}

static const char *tag_of(const char *change)
{
    if (strcmp(change, "new") == 0)
        return "   [NEW]";
    return strcmp(change, "update") == 0 ? "[UPDATE]" : "   [END]";
}

void flow_text_print_event(const json_t *event, FILE *out)
{
    live_print_time((uint64_t)view_integer(event, "time_ns"), out);
    fprintf(out, " %s %-7s", tag_of(view_string(event, "change")), view_string(event, "proto"));
    if (*view_string(event, "reason") != '\0')
        fprintf(out, " reason=%s", view_string(event, "reason"));
    else
        print_timeout(event, out);
    print_rest(event, out);
}
