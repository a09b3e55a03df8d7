/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of links, prefixes, users and ports. */
#include "value_list.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>

/* The last user id: 4,294,967,295 means "no user" to the kernel. */
#define UID_LAST (UINT32_MAX - 1)

static const struct value_domain uid_domain = {.noun = "a user id", .max = UID_LAST};

/* A rule's port selector has no 0: to the kernel that is no selector at all. */
static const struct value_domain excluded_port = {
    .noun = "a port to exclude", .min = 1, .max = UINT16_MAX};

/* Writes one item of a list to ITEM. */
typedef int parse_item_fn(const char *text, void *item, struct value_error *error);

static int parse_list(const char *text, size_t item_size, parse_item_fn *parse_item,
                      void **ret_items, size_t *ret_count, struct value_error *error)
{
    struct text_list CLEANUP(text_list_clear) texts = {.items = NULL};
    char CLEANUP(cleanup_free) *items = NULL;
    int r = value_split_list(text, &texts, error);

    if (r < 0)
        return r;
    items = calloc(texts.count, item_size);
    if (items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < texts.count; i++) {
        if (texts.items[i].negated)
            return value_refuse(error, "'!' has no meaning here: name what is meant itself");
        r = parse_item(texts.items[i].text, items + i * item_size, error);
        if (r < 0)
            return r;
    }
    *ret_items = TAKE_PTR(items);
    *ret_count = texts.count;
    return 0;
}

static int parse_prefix(const char *text, void *item, struct value_error *error)
{
    if (ip_prefix_parse(text, item) < 0)
        return value_refuse(error,
                            "'%.60s' is not an address or prefix: one such as 192.0.2.1, "
                            "192.0.2.0/24 or 2001:db8::/32",
                            text);
    return 0;
}

static int parse_uid_numbers(const char *text, struct uid_range *range, struct value_error *error)
{
    struct value_name numbers;
    int r = value_parse_range(text, &uid_domain, &numbers, error);

    if (r == 0)
        *range = (struct uid_range){.first = numbers.first, .last = numbers.last};
    return r;
}

static int parse_uid(const char *text, void *item, struct value_error *error)
{
    struct uid_range *range = item;
    const struct passwd *user;

    if (*text >= '0' && *text <= '9')
        return parse_uid_numbers(text, range, error);
    user = getpwnam(text);
    if (user == NULL)
        return value_refuse(error, "no user '%.40s' on this host: a name, an id or a range of ids",
                            text);
    *range = (struct uid_range){.first = user->pw_uid, .last = user->pw_uid};
    return 0;
}

static int parse_port(const char *text, void *item, struct value_error *error)
{
    struct port_exclusion *ports = item;
    struct value_name range;
    int r;

    if (strncmp(text, "tcp/", 4) == 0)
        ports->proto = IPPROTO_TCP;
    else if (strncmp(text, "udp/", 4) == 0)
        ports->proto = IPPROTO_UDP;
    else
        return value_refuse(error, "'%.40s' is not right: tcp/PORT, udp/PORT or udp/PORT-PORT",
                            text);
    r = value_parse_range(text + 4, &excluded_port, &range, error);
    if (r < 0)
        return r;
    ports->first = (uint16_t)range.first;
    ports->last = (uint16_t)range.last;
    return 0;
}

/* As the kernel takes them (dev_valid_name()), but for what would be no single word here. */
static int parse_link(const char *text, void *item, struct value_error *error)
{
    char *name = item;
    size_t length = strlen(text);

    if (length >= IFNAMSIZ)
        return value_refuse(error, "'%s' is too long for a device: at most %d characters", text,
                            IFNAMSIZ - 1);
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strpbrk(text, "/: \t") != NULL)
        return value_refuse(error, "'%s' is not a device: a name such as eth0", text);
    if (strcmp(text, "lo") == 0)
        return value_refuse(error, "'lo' is never diverted: name other devices");
    memcpy(name, text, length + 1);
    return 0;
}

int value_list_prefixes(const char *text, struct ip_prefix **ret_items, size_t *ret_count,
                        struct value_error *error)
{
    void *items = NULL;
    int r = parse_list(text, sizeof(**ret_items), parse_prefix, &items, ret_count, error);

    if (r == 0)
        *ret_items = items;
    return r;
}

int value_list_uids(const char *text, struct uid_range **ret_items, size_t *ret_count,
                    struct value_error *error)
{
    void *items = NULL;
    int r = parse_list(text, sizeof(**ret_items), parse_uid, &items, ret_count, error);

    if (r == 0)
        *ret_items = items;
    return r;
}

int value_list_ports(const char *text, struct port_exclusion **ret_items, size_t *ret_count,
                     struct value_error *error)
{
    void *items = NULL;
    int r = parse_list(text, sizeof(**ret_items), parse_port, &items, ret_count, error);

    if (r == 0)
        *ret_items = items;
    return r;
}

int value_list_links(const char *text, char (**ret_items)[IFNAMSIZ], size_t *ret_count,
                     struct value_error *error)
{
    void *items = NULL;
    int r = parse_list(text, sizeof(**ret_items), parse_link, &items, ret_count, error);

    if (r == 0)
        *ret_items = items;
    return r;
}

/* What stands in front of item I of a list. */
static const char *separator(size_t i)
{
    return i > 0 ? ", " : "";
}

void value_print_links(char (*links)[IFNAMSIZ], size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s", separator(i), links[i]);
}

void value_print_prefixes(const struct ip_prefix *prefixes, size_t count, FILE *out)
{
    char text[IP_PREFIX_TEXT];

    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s", separator(i), ip_prefix_format(&prefixes[i], text));
}

/* "5" or "5-9" */
static void print_numbers(uint32_t first, uint32_t last, FILE *out)
{
    fprintf(out, "%" PRIu32, first);
    if (last != first)
        fprintf(out, "-%" PRIu32, last);
}

void value_print_uids(const struct uid_range *uids, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        fputs(separator(i), out);
        print_numbers(uids[i].first, uids[i].last, out);
    }
}

void value_print_ports(const struct port_exclusion *ports, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s%s/", separator(i), ports[i].proto == IPPROTO_TCP ? "tcp" : "udp");
        print_numbers(ports[i].first, ports[i].last, out);
    }
}
