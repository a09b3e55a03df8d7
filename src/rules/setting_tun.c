/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of [tun]. */
#include "setting.h"
#include "value_list.h"

#include "ipmodd/base/text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct value_name mtu_names[] = {{"auto", 0, 0}};

/* 68 is the least that IPv4 asks of a link (RFC 791 3.2). */
static const struct value_domain mtu_domain = {.noun = "an MTU",
                                               .min = 68,
                                               .max = 65535,
                                               .names = mtu_names,
                                               .name_count = ARRAY_SIZE(mtu_names)};

/* dev_valid_name() of the kernel, and no `%`, which TUNSETIFF takes for a template. */
static bool is_link_name(const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length >= IFNAMSIZ || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text_is_blank(text[i]) || strchr("/:%", text[i]) != NULL || text[i] < ' ')
            return false;
    }
    return true;
}

static int parse_name(const char *text, struct config *config, struct value_error *error)
{
    if (!is_link_name(text))
        return value_refuse(error,
                            "'%.40s' is not the name of a link: 1 to %d characters without blanks, "
                            "'/', ':' and '%%'",
                            text, IFNAMSIZ - 1);
    memset(config->tun.name, 0, sizeof(config->tun.name));
    memcpy(config->tun.name, text, strlen(text));
    return 0;
}

static void print_name(const struct config *config, FILE *out)
{
    fputs(config->tun.name, out);
}

static int parse_address(const char *text, struct config *config, struct value_error *error)
{
    struct ip_prefix *addresses = NULL;
    size_t count = 0;

    if (strcmp(text, "borrow") != 0) {
        int r = value_list_prefixes(text, &addresses, &count, error);

        if (r < 0)
            return r;
    }
    free(config->tun.addresses);
    config->tun.addresses = addresses;
    config->tun.address_count = count;
    return 0;
}

static void print_address(const struct config *config, FILE *out)
{
    if (config->tun.address_count == 0)
        fputs("borrow", out);
    value_print_prefixes(config->tun.addresses, config->tun.address_count, out);
}

static int parse_mtu(const char *text, struct config *config, struct value_error *error)
{
    uint32_t mtu;
    int r = value_parse_number(text, &mtu_domain, &mtu, error);

    if (r == 0)
        config->tun.mtu = mtu;
    return r;
}

static void print_mtu(const struct config *config, FILE *out)
{
    value_print_range(&mtu_domain, config->tun.mtu, config->tun.mtu, out);
}

static const struct value_name offload_names[] = {{"off", 0, 0}, {"auto", 1, 1}};

static const struct value_domain offload_domain = {.noun = "auto or off",
                                                   .max = 1,
                                                   .names = offload_names,
                                                   .name_count = ARRAY_SIZE(offload_names),
                                                   .names_only = true};

static int parse_offload(const char *text, struct config *config, struct value_error *error)
{
    uint32_t offload;
    int r = value_parse_number(text, &offload_domain, &offload, error);

    if (r == 0)
        config->tun.offload = offload != 0;
    return r;
}

static void print_offload(const struct config *config, FILE *out)
{
    value_print_range(&offload_domain, config->tun.offload, config->tun.offload, out);
}

static const struct value_name merge_names[] = {
    {"exact", MERGE_EXACT, MERGE_EXACT},
    {"relaxed", MERGE_RELAXED, MERGE_RELAXED},
    {"off", MERGE_OFF, MERGE_OFF},
};

static const struct value_domain merge_domain = {.noun = "a way to merge",
                                                 .max = MERGE_OFF,
                                                 .names = merge_names,
                                                 .name_count = ARRAY_SIZE(merge_names),
                                                 .names_only = true};

static_assert(ARRAY_SIZE(merge_names) == MERGE_MODE_COUNT, "every way has a name");

static int parse_merge(const char *text, struct config *config, struct value_error *error)
{
    uint32_t merge;
    int r = value_parse_number(text, &merge_domain, &merge, error);

    if (r == 0)
        config->tun.merge = merge;
    return r;
}

static void print_merge(const struct config *config, FILE *out)
{
    value_print_range(&merge_domain, config->tun.merge, config->tun.merge, out);
}

static const struct value_domain queues_domain = {
    .noun = "a number of queues", .min = 1, .max = QUEUES_MAX};

static int parse_queues(const char *text, struct config *config, struct value_error *error)
{
    uint32_t queues;
    int r = value_parse_number(text, &queues_domain, &queues, error);

    if (r == 0)
        config->tun.queues = queues;
    return r;
}

static void print_queues(const struct config *config, FILE *out)
{
    value_print_range(&queues_domain, config->tun.queues, config->tun.queues, out);
}

static const struct value_name busy_poll_names[] = {{"auto", BUSY_POLL_AUTO_US, BUSY_POLL_AUTO_US},
                                                    {"off", 0, 0}};

static const struct value_domain busy_poll_domain = {.noun = "a number of microseconds",
                                                     .min = 1,
                                                     .max = 1000,
                                                     .names = busy_poll_names,
                                                     .name_count = ARRAY_SIZE(busy_poll_names)};

static int parse_busy_poll(const char *text, struct config *config, struct value_error *error)
{
    return value_parse_number(text, &busy_poll_domain, &config->tun.busy_poll_us, error);
}

static void print_busy_poll(const struct config *config, FILE *out)
{
    value_print_range(&busy_poll_domain, config->tun.busy_poll_us, config->tun.busy_poll_us, out);
}

/* The kernel's own form of a list, and the two words. */
static int parse_rps(const char *text, struct config *config, struct value_error *error)
{
    struct cpu_list cpus = {.words = {0}};
    bool all = strcmp(text, "all") == 0;
    int r = 0;

    if (!all && strcmp(text, "off") != 0)
        r = cpu_list_parse(text, &cpus);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return value_refuse(error,
                            "'%.40s' is not a list of CPUs: numbers from 0 to %d and ranges of "
                            "them, as 0,2-3; or all, or off",
                            text, CPU_LIST_MAX - 1);
    config->tun.rps_all = all;
    config->tun.rps = cpus;
    return 0;
}

static void print_rps(const struct config *config, FILE *out)
{
    if (config->tun.rps_all)
        fputs("all", out);
    else if (cpu_list_is_empty(&config->tun.rps))
        fputs("off", out);
    else
        cpu_list_print(&config->tun.rps, out);
}

static const struct setting settings[] = {
    {"name", "the name of a link", parse_name, print_name},
    {"address", "borrow, or addresses with prefix lengths", parse_address, print_address},
    {"mtu", "auto, or a number of bytes", parse_mtu, print_mtu},
    {"offload", "auto or off", parse_offload, print_offload},
    {"merge", "exact, relaxed or off", parse_merge, print_merge},
    {"queues", "a number from 1 to 16", parse_queues, print_queues},
    {"busy-poll", "auto, off or a number of microseconds", parse_busy_poll, print_busy_poll},
    {"rps", "off, all, or numbers and ranges of CPUs", parse_rps, print_rps},
};

const struct setting_group setting_tun = {
    .section = "tun", .settings = settings, .count = ARRAY_SIZE(settings)};
