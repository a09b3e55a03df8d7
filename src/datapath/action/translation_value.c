/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and printing what a translation translates to. */
#include "translation_value.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct value_domain port_domain = {.noun = "a port", .min = 1, .max = UINT16_MAX};

/* 0 or -ENOMEM. */
/* "PORT" or "PORT-PORT". */
static int parse_ports(const char *text, struct translation *translation, struct value_error *error)
{
    struct value_name range;
    int r = value_parse_range(text, &port_domain, &range, error);

    if (r < 0)
        return r;
    translation->has_ports = true;
    translation->first_port = (uint16_t)range.first;
    translation->last_port = (uint16_t)range.last;
    return 0;
}

/* The word FLAG, for several addresses or ports. */
static int parse_flag(const char *flag, struct translation *translation, struct value_error *error)
{
    if (strcmp(flag, "random") == 0 && !translation->random)
        translation->random = true;
    else if (strcmp(flag, "persistent") == 0 && !translation->persistent)
        translation->persistent = true;
    else
        return value_refuse(error,
                            "'%.40s' is not understood: behind the address come random and "
                            "persistent, each once",
                            flag);
    return 0;
}

static int parse_flags(char *rest, struct translation *translation, struct value_error *error)
{
    for (const char *word = text_next_word(&rest); word != NULL; word = text_next_word(&rest)) {
        int r = parse_flag(word, translation, error);

        if (r < 0)
            return r;
    }
    return 0;
}

/*
 * Cuts ":PORT[-PORT]" off the end of WORD: NULL without. Of IPv6 addresses only what stands behind
 * a bracket is a port.
 */
static char *cut_ports(char *word)
{
    char *bracket = strrchr(word, ']');
    char *colon = bracket != NULL ? strchr(bracket, ':') : strchr(word, ':');

    if (colon == NULL || (bracket == NULL && strchr(colon + 1, ':') != NULL))
        return NULL;
    *colon = '\0';
    return colon + 1;
}

/* Takes out the brackets around addresses. False when one has no other half, or stands elsewhere.
 */
static bool drop_brackets(char *word)
{
    char *to = word;
    bool inside = false;

    for (const char *from = word; *from != '\0'; from++) {
        bool opens = *from == '[' && !inside && (from == word || from[-1] == '-');
        bool closes = *from == ']' && inside && (from[1] == '\0' || from[1] == '-');

        if ((*from == '[' || *from == ']') && !opens && !closes)
            return false;
        if (opens || closes)
            inside = opens;
        else
            *to++ = *from;
    }
    *to = '\0';
    return !inside;
}

/* The first word of a target: addresses and ports. */
static int parse_word(char *word, struct translation *translation, struct value_error *error)
{
    char CLEANUP(cleanup_free) *text = strdup(word);
    const char *ports = cut_ports(word);
    int r = 0;

    if (text == NULL)
        return -ENOMEM;
    if (!drop_brackets(word))
        r = value_refuse(error, "'%.60s': brackets stand around an IPv6 address", text);
    if (r == 0 && *word == '\0')
        r = value_refuse(error, "'%.60s' has no address: ADDRESS[-ADDRESS][:PORT[-PORT]]", text);
    if (r == 0 && strchr(word, '/') != NULL)
        r = value_refuse(error, "'%.60s' is a prefix: write a range of addresses, or use netmap",
                         text);
    if (r == 0)
        r = address_range_parse(word, &translation->addresses, error);
    return r == 0 && ports != NULL ? parse_ports(ports, translation, error) : r;
}

int translation_parse_target(const char *text, enum translation_kind kind, void **ret_value,
                             struct value_error *error)
{
    struct translation translation = {.kind = kind};
    char CLEANUP(cleanup_free) *copy = strdup(text);
    char *rest = copy;
    int r;

    if (copy == NULL)
        return -ENOMEM;
    r = parse_word(text_next_word(&rest), &translation, error);
    if (r == 0)
        r = parse_flags(rest, &translation, error);
    return r == 0 ? value_keep(&translation, sizeof(translation), ret_value) : r;
}

int translation_parse_masquerade(const char *text, void **ret_value, struct value_error *error)
{
    struct translation translation = {.kind = TRANSLATION_MASQUERADE};
    char CLEANUP(cleanup_free) *copy = strdup(text);
    char *rest = copy;
    const char *ports, *flag;
    int r = 0;

    if (copy == NULL)
        return -ENOMEM;
    ports = text_next_word(&rest);
    flag = text_next_word(&rest);
    translation.random = flag != NULL && strcmp(flag, "random") == 0;
    if ((*ports != ':' && strcmp(ports, "yes") != 0) || translation.random != (flag != NULL) ||
        text_next_word(&rest) != NULL)
        return value_refuse(error, "'%.60s': write yes or :PORT[-PORT], then random or nothing",
                            text);
    if (*ports == ':')
        r = parse_ports(ports + 1, &translation, error);
    return r == 0 ? value_keep(&translation, sizeof(translation), ret_value) : r;
}

int translation_parse_redirect(const char *text, void **ret_value, struct value_error *error)
{
    struct translation translation = {.kind = TRANSLATION_REDIRECT};
    int r;

    if (*text != ':')
        return value_refuse(error,
                            "'%.60s' is no port of this host: write :PORT or :PORT-PORT; to "
                            "another host leads dnat",
                            text);
    r = parse_ports(text + 1, &translation, error);
    return r == 0 ? value_keep(&translation, sizeof(translation), ret_value) : r;
}

int translation_parse_prefix(const char *text, void **ret_value, struct value_error *error)
{
    struct translation translation = {.kind = TRANSLATION_NETMAP_SRC};
    char CLEANUP(cleanup_free) *copy = strdup(text);
    char *rest = copy;
    const char *end, *prefix;

    if (copy == NULL)
        return -ENOMEM;
    end = text_next_word(&rest);
    prefix = text_next_word(&rest);
    if (strcmp(end, "dst") == 0)
        translation.kind = TRANSLATION_NETMAP_DST;
    if ((strcmp(end, "src") != 0 && strcmp(end, "dst") != 0) || prefix == NULL ||
        text_next_word(&rest) != NULL)
        return value_refuse(error,
                            "'%.60s': write `src PREFIX` or `dst PREFIX`, the prefix into which "
                            "that address is moved",
                            text);
    if (strchr(prefix, '/') == NULL || ip_prefix_parse(prefix, &translation.prefix) < 0)
        return value_refuse(error,
                            "'%.60s' is not a prefix: one such as 198.51.100.0/24 or "
                            "2001:db8:1::/48",
                            prefix);
    translation.prefix = ip_prefix_network(&translation.prefix);
    return value_keep(&translation, sizeof(translation), ret_value);
}

static void print_address(const struct ip_addr *addr, bool bracketed, FILE *out)
{
    char text[IP_PREFIX_TEXT];

    fprintf(out, bracketed ? "[%s]" : "%s", ip_addr_format(addr, text));
}

static void print_target(const struct translation *translation, FILE *out)
{
    const struct address_range *range = &translation->addresses;
    bool bracketed = translation->has_ports && range->first.family == FAMILY_IPV6;

    print_address(&range->first, bracketed, out);
    if (!ip_addr_equal(&range->first, &range->last)) {
        fputc('-', out);
        print_address(&range->last, bracketed, out);
    }
}

static void print_ports(const struct translation *translation, FILE *out)
{
    fputc(':', out);
    value_print_range(&port_domain, translation->first_port, translation->last_port, out);
}

void translation_print(const struct translation *translation, FILE *out)
{
    char text[IP_PREFIX_TEXT];

    switch (translation->kind) {
    case TRANSLATION_SNAT:
    case TRANSLATION_DNAT:
        print_target(translation, out);
        break;
    case TRANSLATION_MASQUERADE:
        if (!translation->has_ports)
            fputs("yes", out);
        break;
    case TRANSLATION_REDIRECT:
        break;
    case TRANSLATION_NETMAP_SRC:
    case TRANSLATION_NETMAP_DST:
        fprintf(out, "%s %s", translation->kind == TRANSLATION_NETMAP_SRC ? "src" : "dst",
                ip_prefix_format(&translation->prefix, text));
        break;
    }
    if (translation->has_ports)
        print_ports(translation, out);
    if (translation->random)
        fputs(" random", out);
    if (translation->persistent)
        fputs(" persistent", out);
}
