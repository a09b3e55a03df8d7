/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a packet written in words. */
#include "packet_text.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/datapath/icmp_name.h"
#include "ipmodd/datapath/tcp_flag.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/tcp.h"
#include "packet_bytes.h"
#include "packet_form.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum { WORD_MAX = 128, TTL_USUAL = 64, WINDOW_USUAL = 64240 };

/* A text being read into a form. */
struct reading {
    const char *at;
    struct packet_form form;
    uint8_t *payload; /* memory for it: PACKET_TEXT_MAX bytes */
    unsigned seen;    /* a bit for each word of the table */
    struct value_error *error;
};

static void skip_blanks(struct reading *reading)
{
    while (text_is_blank(*reading->at))
        reading->at++;
}

/* The next word; "" at the end. 0, or -EINVAL for one that is none for sure. */
static int take_word(struct reading *reading, char word[static WORD_MAX])
{
    size_t length = 0;

    skip_blanks(reading);
    while (reading->at[length] != '\0' && !text_is_blank(reading->at[length]))
        length++;
    if (length >= WORD_MAX)
        return value_refuse(reading->error, "'%.40s…' is too long for a word", reading->at);
    memcpy(word, reading->at, length);
    word[length] = '\0';
    reading->at += length;
    return 0;
}

static int read_number(struct reading *reading, const struct value_domain *domain, uint32_t *ret)
{
    char word[WORD_MAX];
    int r = take_word(reading, word);

    return r < 0 ? r : value_parse_number(word, domain, ret, reading->error);
}

static int read_byte(struct reading *reading, const struct value_domain *domain, uint8_t *ret)
{
    uint32_t number;
    int r = read_number(reading, domain, &number);

    if (r == 0)
        *ret = (uint8_t)number;
    return r;
}

static int read_u16(struct reading *reading, const struct value_domain *domain, uint16_t *ret)
{
    uint32_t number;
    int r = read_number(reading, domain, &number);

    if (r == 0)
        *ret = (uint16_t)number;
    return r;
}

static int read_ttl(struct reading *reading)
{
    return read_byte(reading, &value_ttl, &reading->form.ttl);
}

static int read_dscp(struct reading *reading)
{
    return read_byte(reading, &value_dscp, &reading->form.dscp);
}

static int read_ecn(struct reading *reading)
{
    return read_byte(reading, &value_ecn, &reading->form.ecn);
}

static int read_df(struct reading *reading)
{
    reading->form.df = true;
    return 0;
}

static int read_ip_id(struct reading *reading)
{
    return read_u16(reading, &value_ip_id, &reading->form.ip_id);
}

static int read_flow_label(struct reading *reading)
{
    return read_number(reading, &value_flow_label, &reading->form.flow_label);
}

/* tcpdump's letters, "." for ACK. */
static bool find_flag_letters(const char *word, uint8_t *ret_flags)
{
    static const char letters[] = "FSRPAUEW";
    uint8_t flags = 0;

    for (; *word != '\0'; word++) {
        const char *letter = strchr(letters, *word == '.' ? 'A' : *word);

        if (letter == NULL)
            return false;
        flags |= (uint8_t)(1u << (letter - letters));
    }
    *ret_flags = flags;
    return true;
}

static int read_flags(struct reading *reading)
{
    char word[WORD_MAX];
    int r = take_word(reading, word);

    if (r < 0)
        return r;
    if (*word != '\0' && find_flag_letters(word, &reading->form.tcp_flags))
        return 0;
    return tcp_flag_parse_set(word, &reading->form.tcp_flags, reading->error);
}

static int read_seq(struct reading *reading)
{
    static const struct value_domain domain = {.noun = "a sequence number", .max = UINT32_MAX};

    return read_number(reading, &domain, &reading->form.seq);
}

static int read_ack(struct reading *reading)
{
    static const struct value_domain domain = {.noun = "an acknowledgment number",
                                               .max = UINT32_MAX};

    return read_number(reading, &domain, &reading->form.ack);
}

static int read_window(struct reading *reading)
{
    return read_u16(reading, &value_window, &reading->form.window);
}

static int read_mss(struct reading *reading)
{
    static const struct value_domain domain = {.noun = "an MSS", .min = 1, .max = UINT16_MAX};

    return read_u16(reading, &domain, &reading->form.mss);
}

static int read_type(struct reading *reading)
{
    const struct value_domain domain = {.noun = "an ICMP type of this family such as echo-request",
                                        .max = UINT8_MAX};
    char word[WORD_MAX];
    uint32_t number;
    int r = take_word(reading, word);

    if (r < 0)
        return r;
    if (icmp_type_from_name(reading->form.src.family, word, &reading->form.icmp_type) == 0)
        return 0;
    r = value_parse_number(word, &domain, &number, reading->error);
    if (r == 0)
        reading->form.icmp_type = (uint8_t)number;
    return r;
}

static int read_code(struct reading *reading)
{
    static const struct value_domain domain = {.noun = "an ICMP code", .max = UINT8_MAX};

    return read_byte(reading, &domain, &reading->form.icmp_code);
}

static int read_payload(struct reading *reading)
{
    ssize_t length;

    skip_blanks(reading);
    length = packet_bytes_parse(&reading->at, reading->payload, PACKET_TEXT_MAX, reading->error);
    if (length < 0)
        return (int)length;
    reading->form.payload = reading->payload;
    reading->form.payload_length = (size_t)length;
    return 0;
}

static int read_length(struct reading *reading)
{
    static const struct value_domain domain = {
        .noun = "the length of a packet", .min = IP4_HEADER_MIN, .max = PACKET_TEXT_MAX};
    uint32_t number;
    int r = read_number(reading, &domain, &number);

    if (r == 0)
        reading->form.length = number;
    return r;
}

/* Which packets a word can be said of. */
enum scope_of_word { FOR_ALL, FOR_TCP, FOR_ICMP, FOR_IPV4, FOR_IPV6 };

static const struct word {
    const char *name;
    const char *alias; /* what rules call it; NULL: the same */
    enum scope_of_word scope;
    int (*read)(struct reading *reading);
} words[] = {
    {"flags", "tcp-flags", FOR_TCP, read_flags},
    {"seq", NULL, FOR_TCP, read_seq},
    {"ack", NULL, FOR_TCP, read_ack},
    {"window", NULL, FOR_TCP, read_window},
    {"mss", NULL, FOR_TCP, read_mss},
    {"type", "icmp-type", FOR_ICMP, read_type},
    {"code", "icmp-code", FOR_ICMP, read_code},
    {"ttl", NULL, FOR_ALL, read_ttl},
    {"dscp", NULL, FOR_ALL, read_dscp},
    {"ecn", NULL, FOR_ALL, read_ecn},
    {"df", NULL, FOR_IPV4, read_df},
    {"id", "ip-id", FOR_IPV4, read_ip_id},
    {"label", "flow-label", FOR_IPV6, read_flow_label},
    {"length", NULL, FOR_ALL, read_length},
    {"payload", NULL, FOR_ALL, read_payload},
};

static const char *scope_text(enum scope_of_word scope)
{
    static const char *const texts[] = {
        [FOR_ALL] = "all packets", [FOR_TCP] = "TCP",   [FOR_ICMP] = "ICMP",
        [FOR_IPV4] = "IPv4",       [FOR_IPV6] = "IPv6",
    };

    return texts[scope];
}

static bool is_in_scope(const struct packet_form *form, enum scope_of_word scope)
{
    switch (scope) {
    case FOR_TCP:
        return form->proto == IPPROTO_TCP;
    case FOR_ICMP:
        return packet_form_is_icmp(form->proto, form->src.family);
    case FOR_IPV4:
        return form->src.family == FAMILY_IPV4;
    case FOR_IPV6:
        return form->src.family == FAMILY_IPV6;
    case FOR_ALL:
        break;
    }
    return true;
}

static int refuse_word(struct reading *reading, const char *word)
{
    struct text_guess guess = TEXT_GUESS(word);

    if (strcmp(word, "fragment") == 0)
        return value_refuse(reading->error, "a packet in words is whole: take fragments from a "
                                            "capture, or write them as hex");
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        text_guess_offer(&guess, words[i].name);
    if (guess.name != NULL)
        return value_refuse(reading->error, "'%.40s' says nothing of a packet; did you mean '%s'?",
                            word, guess.name);
    return value_refuse(reading->error,
                        "'%.40s' says nothing of a packet: flags, type, ttl, dscp, df, length, "
                        "payload … do",
                        word);
}

static int read_words(struct reading *reading)
{
    char word[WORD_MAX];
    int r;

    while ((r = take_word(reading, word)) == 0 && *word != '\0') {
        size_t i = 0;

        while (i < ARRAY_SIZE(words) && strcmp(words[i].name, word) != 0 &&
               (words[i].alias == NULL || strcmp(words[i].alias, word) != 0))
            i++;
        if (i == ARRAY_SIZE(words))
            return refuse_word(reading, word);
        if ((reading->seen & 1u << i) != 0)
            return value_refuse(reading->error, "%s is said twice", word);
        if (!is_in_scope(&reading->form, words[i].scope))
            return value_refuse(reading->error, "%s is of %s packets alone", word,
                                scope_text(words[i].scope));
        reading->seen |= 1u << i;
        r = words[i].read(reading);
        if (r < 0)
            return r;
    }
    return r;
}

/* "A", "A:PORT", "[A]:PORT": cut in place into address and port, which is NULL without one. */
static int split_end(struct reading *reading, char *word, char **ret_addr, char **ret_port)
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

static int read_end(struct reading *reading, struct ip_addr *ret_addr, uint16_t *ret_port)
{
    bool ports = packet_form_has_ports(reading->form.proto);
    char word[WORD_MAX], *addr, *port;
    uint32_t number;
    int r = take_word(reading, word);

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

static int read_arrow(struct reading *reading)
{
    char word[WORD_MAX];
    int r = take_word(reading, word);

    if (r == 0 && strcmp(word, ">") != 0)
        r = value_refuse(reading->error, "'%.40s' stands where > leads from source to destination",
                         word);
    return r;
}

static bool is_extension_header(uint8_t proto)
{
    return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
           proto == IPPROTO_DSTOPTS || proto == IPPROTO_AH;
}

/* The name icmp, a number behind the last one, is that of the family. */
static int settle_proto(struct reading *reading, uint32_t proto)
{
    struct packet_form *form = &reading->form;
    bool is_ip6 = form->src.family == FAMILY_IPV6;

    if (proto > UINT8_MAX)
        proto = is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    form->proto = (uint8_t)proto;
    if (is_ip6 && is_extension_header(form->proto))
        return value_refuse(reading->error, "an extension header is no protocol: write such "
                                            "packets as hex");
    form->icmp_type = is_ip6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST;
    return 0;
}

static int read_ends(struct reading *reading)
{
    struct packet_form *form = &reading->form;
    uint32_t proto;
    int r = read_number(reading, &value_proto, &proto);

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
    struct reading reading = {
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
        r = read_words(&reading);
    if (r < 0)
        return r;
    length = packet_form_build(&reading.form, bytes, PACKET_TEXT_MAX);
    if (length == 0)
        return value_refuse(error, "headers and payload take %zu bytes: %s",
                            packet_form_headers(&reading.form) + reading.form.payload_length,
                            reading.form.length != 0 ? "length is less" : "more than a packet has");
    return (ssize_t)length;
}
