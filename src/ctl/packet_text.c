/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a packet written in words: its protocol and ends, then packet_words.c. */
#include "packet_text.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/tcp.h"
#include "packet_reading.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum { TTL_USUAL = 64, WINDOW_USUAL = 64240 };

void packet_reading_skip_blanks(struct packet_reading *reading)
{
    while (text_is_blank(*reading->at))
        reading->at++;
}

int packet_reading_take_word(struct packet_reading *reading, char word[static PACKET_WORD_MAX])
{
    size_t length = 0;

    packet_reading_skip_blanks(reading);
    while (reading->at[length] != '\0' && !text_is_blank(reading->at[length]))
        length++;
    if (length >= PACKET_WORD_MAX)
        return value_refuse(reading->error, "'%.40s…' is too long for a word", reading->at);
    memcpy(word, reading->at, length);
    word[length] = '\0';
    reading->at += length;
    return 0;
}

int packet_reading_take_number(struct packet_reading *reading, const struct value_domain *domain,
                               uint32_t *ret)
{
    char word[PACKET_WORD_MAX];
    int r = packet_reading_take_word(reading, word);

    return r < 0 ? r : value_parse_number(word, domain, ret, reading->error);
}

/* "A", "A:PORT", "[A]:PORT": cut in place into address and port, which is NULL without one. */
static int split_end(struct packet_reading *reading, char *word, char **ret_addr, char **ret_port)
{
    char *close = strrchr(word, ']'), *colon;

    *ret_addr = word;
    *ret_port = NULL;
    if (*word == '[') {
        if (close == NULL || (close[1] != ':' && close[1] != '\0'))
            return value_refuse(reading->error, "'%.60s' is not [ADDRESS]:PORT", word);
        *ret_addr = word + 1;
        *ret_port = close[1] == ':' ? close + 2 : NULL;
        *close = '\0';
        return 0;
    }
    colon = strchr(word, ':');
    if (colon == NULL || strchr(colon + 1, ':') != NULL) /* two colons: IPv6 */
        return 0;
    *colon = '\0';
    *ret_port = colon + 1;
    return 0;
}

static int read_end(struct packet_reading *reading, struct ip_addr *ret_addr, uint16_t *ret_port)
{
    bool ports = packet_form_has_ports(reading->form.proto);
    char word[PACKET_WORD_MAX], *addr, *port;
    uint32_t number;
    int r = packet_reading_take_word(reading, word);

    if (r == 0)
        r = split_end(reading, word, &addr, &port);
    if (r < 0)
        return r;
    if (ip_addr_parse(addr, ret_addr) < 0)
        return value_refuse(reading->error, "'%.60s' is not an address such as 192.0.2.1", addr);
    if (!ports && port != NULL)
        return value_refuse(reading->error, "this protocol has no ports: leave :%.10s out", port);
    if (!ports)
        return 0;
    if (port == NULL)
        return value_refuse(reading->error, "%.60s needs a port: %s", addr,
                            ret_addr->family == FAMILY_IPV6 ? "[ADDRESS]:PORT" : "ADDRESS:PORT");
    r = value_parse_number(port, &value_port, &number, reading->error);
    if (r == 0)
        *ret_port = (uint16_t)number;
    return r;
}

static int read_arrow(struct packet_reading *reading)
{
    char word[PACKET_WORD_MAX];
    int r = packet_reading_take_word(reading, word);

    if (r == 0 && strcmp(word, ">") != 0)
        r = value_refuse(reading->error, "'%.40s' stands where > leads from source to destination",
                         word);
    return r;
}

/* The name icmp, a number behind the last one, is that of the family. */
static int settle_proto(struct packet_reading *reading, uint32_t proto)
{
    struct packet_form *form = &reading->form;
    bool is_ip6 = form->src.family == FAMILY_IPV6;

    if (proto > UINT8_MAX)
        proto = is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    form->proto = (uint8_t)proto;
    if (is_ip6 && ip6_is_extension(form->proto))
        return value_refuse(reading->error, "an extension header is no protocol: write such "
                                            "packets as hex");
    form->icmp_type = is_ip6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST;
    return 0;
}

static int read_ends(struct packet_reading *reading)
{
    struct packet_form *form = &reading->form;
    uint32_t proto;
    int r = packet_reading_take_number(reading, &value_proto, &proto);

    if (r < 0)
        return r;
    form->proto = (uint8_t)MIN_OF(proto, (uint32_t)UINT8_MAX); /* whether there are ports */
    r = read_end(reading, &form->src, &form->sport);
    if (r == 0)
        r = read_arrow(reading);
    if (r == 0)
        r = read_end(reading, &form->dst, &form->dport);
    if (r == 0 && form->src.family != form->dst.family)
        r = value_refuse(reading->error, "source and destination are of different families");
    return r == 0 ? settle_proto(reading, proto) : r;
}

ssize_t packet_text_parse(const char *text, uint8_t bytes[static PACKET_TEXT_MAX],
                          struct value_error *error)
{
    uint8_t *payload CLEANUP(cleanup_free) = malloc(PACKET_TEXT_MAX);
    struct packet_reading reading = {
        .at = text,
        .form = {.ttl = TTL_USUAL, .tcp_flags = TCP_FLAG_SYN, .window = WINDOW_USUAL},
        .payload = payload,
        .error = error,
    };
    size_t length;
    int r;

    if (payload == NULL)
        return -ENOMEM;
    r = read_ends(&reading);
    if (r == 0)
        r = packet_reading_take_words(&reading);
    if (r < 0)
        return r;
    length = packet_form_build(&reading.form, bytes, PACKET_TEXT_MAX);
    if (length == 0)
        return value_refuse(error, "headers and payload take %zu bytes: %s",
                            packet_form_headers(&reading.form) + reading.form.payload_length,
                            reading.form.length != 0 ? "length is less" : "more than a packet has");
    return (ssize_t)length;
}
