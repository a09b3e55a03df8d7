/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of [divert]. */
#include "setting.h"
#include "value_list.h"

#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

/* The rule that looks up main has this priority; ours stand above it. */
enum { MAIN_PRIORITY = 32766 };

/* Tables default, main and local of every host (rtnetlink(7)). */
enum {
    KERNEL_TABLE_FIRST = 253,
    KERNEL_TABLE_LAST = 255,
};

static const struct value_name directions[] = {
    {"out", DIRECTIONS_OUT, DIRECTIONS_OUT},
    {"forward", DIRECTIONS_FORWARD, DIRECTIONS_FORWARD},
    {"in", DIRECTIONS_IN, DIRECTIONS_IN},
};
static const struct value_domain direction_domain = {.noun = "a direction",
                                                     .max = DIRECTIONS_IN,
                                                     .names = directions,
                                                     .name_count = ARRAY_SIZE(directions),
                                                     .names_only = true};

static const struct value_name families[] = {
    {"ipv4", FAMILIES_IPV4, FAMILIES_IPV4},
    {"ipv6", FAMILIES_IPV6, FAMILIES_IPV6},
};
static const struct value_domain family_domain = {.noun = "a family",
                                                  .max = FAMILIES_IPV6,
                                                  .names = families,
                                                  .name_count = ARRAY_SIZE(families),
                                                  .names_only = true};

static const struct value_domain table_domain = {
    .noun = "a routing table", .min = 1, .max = UINT32_MAX};
static const struct value_domain priority_domain = {
    .noun = "a rule priority here", .min = 1, .max = MAIN_PRIORITY - 1};

static const struct value_name mirror_names[] = {
    {"all", MIRROR_ALL, MIRROR_ALL},
    {"default", MIRROR_DEFAULT, MIRROR_DEFAULT},
};
static const struct value_domain mirror_domain = {.noun = "a way to mirror",
                                                  .max = MIRROR_COUNT - 1,
                                                  .names = mirror_names,
                                                  .name_count = ARRAY_SIZE(mirror_names),
                                                  .names_only = true};

static const struct value_name conntrack_names[] = {
    {"auto", CONNTRACK_AUTO, CONNTRACK_AUTO},
    {"keep", CONNTRACK_KEEP, CONNTRACK_KEEP},
};
static const struct value_domain conntrack_domain = {.noun = "a way to track connections",
                                                     .max = CONNTRACK_COUNT - 1,
                                                     .names = conntrack_names,
                                                     .name_count = ARRAY_SIZE(conntrack_names),
                                                     .names_only = true};

static const struct value_name foreign_names[] = {
    {"warn", FOREIGN_NETFILTER_WARN, FOREIGN_NETFILTER_WARN},
    {"refuse", FOREIGN_NETFILTER_REFUSE, FOREIGN_NETFILTER_REFUSE},
};
static const struct value_domain foreign_domain = {.noun = "an answer to rules of others",
                                                   .max = FOREIGN_NETFILTER_COUNT - 1,
                                                   .names = foreign_names,
                                                   .name_count = ARRAY_SIZE(foreign_names),
                                                   .names_only = true};

static const struct value_name on_exit_names[] = {
    {"open", ON_EXIT_OPEN, ON_EXIT_OPEN},
    {"closed", ON_EXIT_CLOSED, ON_EXIT_CLOSED},
};
static const struct value_domain on_exit_domain = {.noun = "a state after a crash",
                                                   .max = ON_EXIT_COUNT - 1,
                                                   .names = on_exit_names,
                                                   .name_count = ARRAY_SIZE(on_exit_names),
                                                   .names_only = true};

/* A list of names that each stand for one bit, to their union. */
static int parse_bits(const char *text, const struct value_domain *domain, unsigned *ret_bits,
                      struct value_error *error)
{
    struct text_list CLEANUP(text_list_clear) texts = {.items = NULL};
    unsigned bits = 0;
    int r = value_split_list(text, &texts, error);

    for (size_t i = 0; r == 0 && i < texts.count; i++) {
        uint32_t bit;

        if (texts.items[i].negated)
            return value_refuse(error, "'!' has no meaning here: name what is meant itself");
        r = value_parse_number(texts.items[i].text, domain, &bit, error);
        bits |= r == 0 ? bit : 0;
    }
    if (r == 0)
        *ret_bits = bits;
    return r;
}

static void print_bits(unsigned bits, const struct value_domain *domain, FILE *out)
{
    const char *separator = "";

    for (size_t i = 0; i < domain->name_count; i++) {
        if ((bits & domain->names[i].first) == 0)
            continue;
        fprintf(out, "%s%s", separator, domain->names[i].name);
        separator = ", ";
    }
}

static int parse_direction(const char *text, struct config *config, struct value_error *error)
{
    return parse_bits(text, &direction_domain, &config->divert.directions, error);
}

static int parse_interfaces(const char *text, struct config *config, struct value_error *error)
{
    char(*names)[IFNAMSIZ];
    size_t count;
    int r = value_list_links(text, &names, &count, error);

    if (r < 0)
        return r;
    free(config->divert.interfaces);
    config->divert.interfaces = names;
    config->divert.interface_count = count;
    return 0;
}

static void print_interfaces(const struct config *config, FILE *out)
{
    value_print_links(config->divert.interfaces, config->divert.interface_count, out);
}

static void print_direction(const struct config *config, FILE *out)
{
    print_bits(config->divert.directions, &direction_domain, out);
}

static int parse_family(const char *text, struct config *config, struct value_error *error)
{
    return parse_bits(text, &family_domain, &config->divert.families, error);
}

static void print_family(const struct config *config, FILE *out)
{
    print_bits(config->divert.families, &family_domain, out);
}

static int parse_table(const char *text, struct config *config, struct value_error *error)
{
    uint32_t table;
    int r = value_parse_number(text, &table_domain, &table, error);

    if (r < 0)
        return r;
    if (table >= KERNEL_TABLE_FIRST && table <= KERNEL_TABLE_LAST)
        return value_refuse(error,
                            "table %" PRIu32 " is the kernel's own (default, main or local): "
                            "another one",
                            table);
    config->divert.table = table;
    return 0;
}

static void print_table(const struct config *config, FILE *out)
{
    fprintf(out, "%" PRIu32, config->divert.table);
}

static int parse_priority(const char *text, struct config *config, struct value_error *error)
{
    return value_parse_number(text, &priority_domain, &config->divert.priority, error);
}

static void print_priority(const struct config *config, FILE *out)
{
    fprintf(out, "%" PRIu32, config->divert.priority);
}

static int parse_divert_priority(const char *text, struct config *config, struct value_error *error)
{
    return value_parse_number(text, &priority_domain, &config->divert.divert_priority, error);
}

static void print_divert_priority(const struct config *config, FILE *out)
{
    fprintf(out, "%" PRIu32, config->divert.divert_priority);
}

static int parse_exclude(const char *text, struct config *config, struct value_error *error)
{
    struct ip_prefix *prefixes;
    size_t count;
    int r = value_list_prefixes(text, &prefixes, &count, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        prefixes[i] = ip_prefix_network(&prefixes[i]);
    free(config->divert.excludes);
    config->divert.excludes = prefixes;
    config->divert.exclude_count = count;
    return 0;
}

static void print_exclude(const struct config *config, FILE *out)
{
    value_print_prefixes(config->divert.excludes, config->divert.exclude_count, out);
}

static int parse_exclude_uid(const char *text, struct config *config, struct value_error *error)
{
    struct uid_range *ranges;
    size_t count;
    int r = value_list_uids(text, &ranges, &count, error);

    if (r < 0)
        return r;
    free(config->divert.exclude_uids);
    config->divert.exclude_uids = ranges;
    config->divert.exclude_uid_count = count;
    return 0;
}

static void print_exclude_uid(const struct config *config, FILE *out)
{
    value_print_uids(config->divert.exclude_uids, config->divert.exclude_uid_count, out);
}

static int parse_exclude_port(const char *text, struct config *config, struct value_error *error)
{
    struct port_exclusion *ports;
    size_t count;
    int r = value_list_ports(text, &ports, &count, error);

    if (r < 0)
        return r;
    free(config->divert.exclude_ports);
    config->divert.exclude_ports = ports;
    config->divert.exclude_port_count = count;
    return 0;
}

static void print_exclude_port(const struct config *config, FILE *out)
{
    value_print_ports(config->divert.exclude_ports, config->divert.exclude_port_count, out);
}

static int parse_mirror(const char *text, struct config *config, struct value_error *error)
{
    uint32_t mirror;
    int r = value_parse_number(text, &mirror_domain, &mirror, error);

    if (r == 0)
        config->divert.mirror = mirror;
    return r;
}

static void print_mirror(const struct config *config, FILE *out)
{
    fputs(mirror_mode_name(config->divert.mirror), out);
}

static int parse_conntrack(const char *text, struct config *config, struct value_error *error)
{
    uint32_t mode;
    int r = value_parse_number(text, &conntrack_domain, &mode, error);

    if (r == 0)
        config->divert.conntrack = mode;
    return r;
}

static void print_conntrack(const struct config *config, FILE *out)
{
    fputs(conntrack_mode_name(config->divert.conntrack), out);
}

static int parse_foreign_netfilter(const char *text, struct config *config,
                                   struct value_error *error)
{
    uint32_t policy;
    int r = value_parse_number(text, &foreign_domain, &policy, error);

    if (r == 0)
        config->divert.foreign_netfilter = policy;
    return r;
}

static void print_foreign_netfilter(const struct config *config, FILE *out)
{
    fputs(foreign_netfilter_name(config->divert.foreign_netfilter), out);
}

static int parse_on_exit(const char *text, struct config *config, struct value_error *error)
{
    uint32_t on_exit_state;
    int r = value_parse_number(text, &on_exit_domain, &on_exit_state, error);

    if (r == 0)
        config->divert.on_exit = on_exit_state;
    return r;
}

static void print_on_exit(const struct config *config, FILE *out)
{
    fputs(on_exit_policy_name(config->divert.on_exit), out);
}

static const struct setting settings[] = {
    {"direction", "one or more of out, forward, in", parse_direction, print_direction},
    {"interfaces", "names of devices", parse_interfaces, print_interfaces},
    {"family", "ipv4, ipv6 or both", parse_family, print_family},
    {"table", "a number from 1 to 4294967295 but 253 to 255", parse_table, print_table},
    {"priority", "a number from 1 to 32765", parse_priority, print_priority},
    {"divert-priority", "a number from 1 to 32765", parse_divert_priority, print_divert_priority},
    {"exclude", "addresses and prefixes", parse_exclude, print_exclude},
    {"exclude-uid", "user names, ids and ranges of ids", parse_exclude_uid, print_exclude_uid},
    {"exclude-port", "tcp/PORT, udp/PORT-PORT …", parse_exclude_port, print_exclude_port},
    {"mirror", "all or default", parse_mirror, print_mirror},
    {"conntrack", "auto or keep", parse_conntrack, print_conntrack},
    {"foreign-netfilter", "warn or refuse", parse_foreign_netfilter, print_foreign_netfilter},
    {"on-exit", "open or closed", parse_on_exit, print_on_exit},
};

const struct setting_group setting_divert = {
    .section = "divert", .settings = settings, .count = ARRAY_SIZE(settings)};
