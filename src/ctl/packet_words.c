/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet in words says besides its protocol and ends. */
#include "packet_reading.h"
#include "packet_text.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/datapath/icmp_name.h"
#include "ipmodd/datapath/tcp_flag.h"
#include "ipmodd/wire/ip4.h"
#include "packet_bytes.h"

#include <netinet/in.h>
#include <string.h>

static int read_byte(struct packet_reading *reading, const struct value_domain *domain,
                     uint8_t *ret)
{
    uint32_t number;
    int r = packet_reading_take_number(reading, domain, &number);

    if (r == 0)
        *ret = (uint8_t)number;
    return r;
}

static int read_u16(struct packet_reading *reading, const struct value_domain *domain,
                    uint16_t *ret)
{
    uint32_t number;
    int r = packet_reading_take_number(reading, domain, &number);

    if (r == 0)
        *ret = (uint16_t)number;
    return r;
}

static int read_ttl(struct packet_reading *reading)
{
    return read_byte(reading, &value_ttl, &reading->form.ttl);
}

static int read_dscp(struct packet_reading *reading)
{
    return read_byte(reading, &value_dscp, &reading->form.dscp);
}

static int read_ecn(struct packet_reading *reading)
{
    return read_byte(reading, &value_ecn, &reading->form.ecn);
}

static int read_df(struct packet_reading *reading)
{
    reading->form.df = true;
    return 0;
}

static int read_ip_id(struct packet_reading *reading)
{
    return read_u16(reading, &value_ip_id, &reading->form.ip_id);
}

static int read_flow_label(struct packet_reading *reading)
{
    return packet_reading_take_number(reading, &value_flow_label, &reading->form.flow_label);
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

static int read_flags(struct packet_reading *reading)
{
    char word[PACKET_WORD_MAX];
    int r = packet_reading_take_word(reading, word);

    if (r < 0)
        return r;
    if (*word != '\0' && find_flag_letters(word, &reading->form.tcp_flags))
        return 0;
    return tcp_flag_parse_set(word, &reading->form.tcp_flags, reading->error);
}

static int read_seq(struct packet_reading *reading)
{
    static const struct value_domain domain = {.noun = "a sequence number", .max = UINT32_MAX};

    return packet_reading_take_number(reading, &domain, &reading->form.seq);
}

static int read_ack(struct packet_reading *reading)
{
    static const struct value_domain domain = {.noun = "an acknowledgment number",
                                               .max = UINT32_MAX};

    return packet_reading_take_number(reading, &domain, &reading->form.ack);
}

static int read_window(struct packet_reading *reading)
{
    return read_u16(reading, &value_window, &reading->form.window);
}

static int read_mss(struct packet_reading *reading)
{
    static const struct value_domain domain = {.noun = "an MSS", .min = 1, .max = UINT16_MAX};

    return read_u16(reading, &domain, &reading->form.mss);
}

static int read_type(struct packet_reading *reading)
{
    const struct value_domain domain = {.noun = "an ICMP type of this family such as echo-request",
                                        .max = UINT8_MAX};
    char word[PACKET_WORD_MAX];
    uint32_t number;
    int r = packet_reading_take_word(reading, word);

    if (r < 0)
        return r;
    if (icmp_type_from_name(reading->form.src.family, word, &reading->form.icmp_type) == 0)
        return 0;
    r = value_parse_number(word, &domain, &number, reading->error);
    if (r == 0)
        reading->form.icmp_type = (uint8_t)number;
    return r;
}

static int read_code(struct packet_reading *reading)
{
    static const struct value_domain domain = {.noun = "an ICMP code", .max = UINT8_MAX};

    return read_byte(reading, &domain, &reading->form.icmp_code);
}

static int read_payload(struct packet_reading *reading)
{
    ssize_t length;

    packet_reading_skip_blanks(reading);
    length = packet_bytes_parse(&reading->at, reading->payload, PACKET_TEXT_MAX, reading->error);
    if (length < 0)
        return (int)length;
    reading->form.payload = reading->payload;
    reading->form.payload_length = (size_t)length;
    return 0;
}

static int read_length(struct packet_reading *reading)
{
    static const struct value_domain domain = {
        .noun = "the length of a packet", .min = IP4_HEADER_MIN, .max = PACKET_TEXT_MAX};
    uint32_t number;
    int r = packet_reading_take_number(reading, &domain, &number);

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
    int (*read)(struct packet_reading *reading);
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

static int refuse_word(struct packet_reading *reading, const char *word)
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

int packet_reading_take_words(struct packet_reading *reading)
{
    char word[PACKET_WORD_MAX];
    int r;

    while ((r = packet_reading_take_word(reading, word)) == 0 && *word != '\0') {
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
