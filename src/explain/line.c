/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Details as text: one, those of a match, and a whole packet in a line. */
#include "ipmodd/explain/detail.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

#include <string.h>

/* Keys of matches that are held against other details than the one of their name. */
static const struct {
    const char *key;
    const char *first, *second;
} pairs[] = {
    {"host", "src", "dst"},
    {"port", "sport", "dport"},
    {"payload-regex", "payload", NULL},
};

static const struct detail *find(const char *name)
{
    for (size_t i = 0; i < detail_count; i++) {
        if (strcmp(details[i].name, name) == 0)
            return &details[i];
    }
    return NULL;
}

static bool print_by_name(const char *name, const struct packet *packet, FILE *out)
{
    const struct detail *detail = find(name);

    return detail != NULL && detail->print(packet, out);
}

static bool print_of_match(const char *key, const struct packet *packet, FILE *out)
{
    bool any;

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (strcmp(pairs[i].key, key) != 0)
            continue;
        any = print_by_name(pairs[i].first, packet, out);
        if (any && pairs[i].second != NULL) {
            fputs(" and ", out);
            print_by_name(pairs[i].second, packet, out);
        }
        return any;
    }
    return print_by_name(key, packet, out);
}

/* What PRINT writes; NULL when it writes nothing. */
static char *to_text(bool (*print)(const char *key, const struct packet *packet, FILE *out),
                     const char *key, const struct packet *packet)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);
    char *text;
    bool any;

    if (out == NULL)
        return NULL;
    any = print(key, packet, out);
    text = text_stream_take(&stream);
    if (any)
        return text;
    free(text);
    return NULL;
}

char *detail_text(const struct detail *detail, const struct packet *packet)
{
    return to_text(print_by_name, detail->name, packet);
}

char *detail_of_match(const char *key, const struct packet *packet)
{
    return to_text(print_of_match, key, packet);
}

static void print_end(const struct packet *packet, const char *addr, const char *port, FILE *out)
{
    bool brackets = packet_has_ports(packet) && packet->family == FAMILY_IPV6;

    fputs(brackets ? "[" : "", out);
    print_by_name(addr, packet, out);
    fputs(brackets ? "]" : "", out);
    if (!packet_has_ports(packet))
        return;
    fputc(':', out);
    print_by_name(port, packet, out);
}

/* A blank, WORD and the value, for a packet that has one. */
static void print_word(const char *word, const char *name, const struct packet *packet, FILE *out)
{
    char *text = to_text(print_by_name, name, packet);

    if (text != NULL)
        fprintf(out, " %s %s", word, text);
    free(text);
}

void detail_print_line(const struct packet *packet, FILE *out)
{
    print_by_name("proto", packet, out);
    fputc(' ', out);
    print_end(packet, "src", "sport", out);
    fputs(" > ", out);
    print_end(packet, "dst", "dport", out);
    print_word("flags", "tcp-flags", packet, out);
    print_word("type", "icmp-type", packet, out);
    print_word("ttl", "ttl", packet, out);
    if (packet_tos(packet) >> 2 != 0)
        print_word("dscp", "dscp", packet, out);
    if ((packet_tos(packet) & 3u) != 0)
        print_word("ecn", "ecn", packet, out);
    if (packet->family == FAMILY_IPV4 && packet_df(packet))
        fputs(" df", out);
    if ((packet->flags & PACKET_FRAGMENT) != 0)
        print_word("fragment", "fragment", packet, out);
    print_word("length", "length", packet, out);
}
