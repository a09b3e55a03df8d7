/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wanted list as commands of iproute2 and sysctl. */
#include "kernel/inbound.h"
#include "kernel/rps.h"
#include "kernel/tun.h"
#include "kernel/wanted.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <string.h>

static const char *family_option(enum ip_family family)
{
    return family == FAMILY_IPV4 ? "-4" : "-6";
}

static void print_setting(const struct setting *setting, FILE *out)
{
    char path[SYSCTL_PATH];

    fprintf(out, "sysctl -w %s=%d\n", sysctl_path(setting, path), setting->value);
}

static void print_tun_setting(const struct config *config, enum ip_family family, const char *name,
                              int32_t value, FILE *out)
{
    const struct setting setting = setting_make(family, config->tun.name, name, value);

    print_setting(&setting, out);
}

static void print_rps(const struct config *config, FILE *out)
{
    struct cpu_list cpus;
    char path[RPS_PATH];

    if (rps_wanted(&config->tun, &cpus) < 0 || cpu_list_is_empty(&cpus))
        return;
    for (unsigned i = 0; i < config->tun.queues; i++) {
        fputs("echo ", out);
        cpu_list_print_mask(&cpus, out);
        fprintf(out, " > %s\n", rps_path(config->tun.name, i, path));
    }
}

static void print_device(const struct config *config, const struct wanted *wanted,
                         const struct snapshot *snapshot, FILE *out)
{
    const char *name = config->tun.name;

    fprintf(out, "ip tuntap add dev %s mode tun%s\n", name,
            config->tun.queues > 1 ? " multi_queue" : "");
    fprintf(out, "ip link set dev %s mtu %u group %u txqueuelen %d\n", name, wanted->tun_mtu,
            wanted->tun_group, TUN_QUEUE_PACKETS);
    if (snapshot->has_ipv6) {
        for (size_t i = 0; i < TUN_QUIET_COUNT; i++)
            print_tun_setting(config, FAMILY_IPV6, tun_quiet[i].name, tun_quiet[i].value, out);
        fprintf(out, "ip link set dev %s addrgenmode none\n", name);
    }
    print_tun_setting(config, FAMILY_IPV4, "accept_local", 1, out);
    print_tun_setting(config, FAMILY_IPV4, "forwarding", 1, out);
    print_tun_setting(config, FAMILY_IPV4, "rp_filter", wanted->tun_rp_filter, out);
    fprintf(out, "ip link set dev %s multicast off up\n", name);
    print_rps(config, out);
}

static void print_lifetime(const char *name, uint32_t seconds, FILE *out)
{
    if (seconds == UINT32_MAX)
        fprintf(out, " %s forever", name);
    else
        fprintf(out, " %s %u", name, seconds);
}

static void print_address(const struct config *config, const struct address *address, FILE *out)
{
    char text[IP_PREFIX_TEXT];

    fprintf(out, "ip %s address add %s/%u dev %s", family_option(address->local.family),
            ip_addr_format(&address->local, text), address->prefix_len, config->tun.name);
    if ((address->flags & IFA_F_NOPREFIXROUTE) != 0)
        fputs(" noprefixroute", out);
    if ((address->flags & IFA_F_NODAD) != 0)
        fputs(" nodad", out);
    if (address->valid != UINT32_MAX || address->preferred != UINT32_MAX) {
        print_lifetime("valid_lft", address->valid, out);
        print_lifetime("preferred_lft", address->preferred, out);
    }
    fputc('\n', out);
}

static void print_rule(const char *verb, const struct rule *rule, FILE *out)
{
    char text[RULE_TEXT];

    fprintf(out, "ip %s rule %s %s\n", family_option(rule->family), verb, rule_format(rule, text));
}

static bool is_guard(const struct config *config, const struct rule *rule)
{
    return strcmp(rule->iif, config->tun.name) == 0 || inbound_is_barrier(rule);
}

static void print_guards(const struct config *config, const struct wanted *wanted, FILE *out)
{
    for (size_t i = 0; i < wanted->rule_count; i++) {
        if (is_guard(config, &wanted->rules[i]))
            print_rule("add", &wanted->rules[i], out);
    }
}

/* With the turn that the kernel's own rule takes; see apply_inbound.h. */
static void print_inbound(const struct wanted *wanted, enum ip_family family, FILE *out)
{
    const struct rule stand_in = inbound_stand_in(family);
    struct rule local = stand_in;
    bool begun = false;

    local.priority = INBOUND_PRIORITY;
    local.protocol = RTPROT_KERNEL;
    for (size_t i = 0; i < wanted->rule_count; i++) {
        const struct rule *rule = &wanted->rules[i];

        if (rule->family != family || !inbound_is_rule(rule))
            continue;
        if (!begun) {
            print_rule("add", &stand_in, out);
            print_rule("del", &local, out);
        }
        begun = true;
        print_rule("add", rule, out);
    }
    if (begun) {
        print_rule("add", &local, out);
        print_rule("del", &stand_in, out);
    }
}

static void print_rules(const struct config *config, const struct wanted *wanted, FILE *out)
{
    for (size_t i = 0; i < wanted->rule_count; i++) {
        const struct rule *rule = &wanted->rules[i];

        if (!is_guard(config, rule) && !inbound_is_rule(rule))
            print_rule("add", rule, out);
    }
    for (int family = 0; family < FAMILY_COUNT; family++)
        print_inbound(wanted, (enum ip_family)family, out);
}

/* Names of ip-route(8); the others have none there. */
static const char *const metric_names[RTAX_MAX + 1] = {
    [RTAX_MTU] = "mtu",           [RTAX_WINDOW] = "window",
    [RTAX_RTT] = "rtt",           [RTAX_RTTVAR] = "rttvar",
    [RTAX_SSTHRESH] = "ssthresh", [RTAX_CWND] = "cwnd",
    [RTAX_ADVMSS] = "advmss",     [RTAX_REORDERING] = "reordering",
    [RTAX_HOPLIMIT] = "hoplimit", [RTAX_INITCWND] = "initcwnd",
    [RTAX_RTO_MIN] = "rto_min",   [RTAX_INITRWND] = "initrwnd",
    [RTAX_QUICKACK] = "quickack", [RTAX_FASTOPEN_NO_COOKIE] = "fastopen_no_cookie",
};

/* Whether ip-route(8) takes the word `lock` there; rto_min implies it. */
static bool takes_lock(unsigned type)
{
    return type != RTAX_RTO_MIN && type != RTAX_QUICKACK && type != RTAX_FASTOPEN_NO_COOKIE;
}

static void print_metrics(const struct route_metrics *metrics, FILE *out)
{
    uint32_t locked = (metrics->mask & 1u << RTAX_LOCK) != 0 ? metrics->values[RTAX_LOCK] : 0;

    for (unsigned type = 1; type <= RTAX_MAX; type++) {
        if ((metrics->mask & 1u << type) == 0)
            continue;
        if (type == RTAX_CC_ALGO)
            fprintf(out, " congctl %s", metrics->congestion);
        else if (type == RTAX_FEATURES && (metrics->values[type] & RTAX_FEATURE_ECN) != 0)
            fputs(" features ecn", out);
        else if (metric_names[type] != NULL)
            fprintf(out, " %s %s%u", metric_names[type],
                    (locked & 1u << type) != 0 && takes_lock(type) ? "lock " : "",
                    metrics->values[type]);
    }
}

static const char *type_word(uint8_t type)
{
    switch (type) {
    case RTN_BLACKHOLE:
        return "blackhole ";
    case RTN_UNREACHABLE:
        return "unreachable ";
    case RTN_PROHIBIT:
        return "prohibit ";
    case RTN_THROW:
        return "throw ";
    default:
        return "";
    }
}

static void print_route(const struct config *config, uint32_t table, const struct route *route,
                        FILE *out)
{
    char text[ROUTE_KEY_TEXT];

    fprintf(out, "ip %s route add %s%s", family_option(route->key.family), type_word(route->type),
            route_key_format(&route->key, text));
    if (route->type == RTN_UNICAST)
        fprintf(out, " dev %s%s", config->tun.name,
                route->key.family == FAMILY_IPV4 ? " scope global" : "");
    fprintf(out, " table %u protocol %u", table, DIVERT_PROTOCOL);
    if (route->has_source) {
        struct ip_addr source = ip_addr_from_bytes(route->key.family, route->source);

        fprintf(out, " src %s", ip_addr_format(&source, text));
    }
    if (route->metrics != NULL)
        print_metrics(route->metrics, out);
    fputc('\n', out);
}

static void print_table(const struct config *config, uint32_t table, const struct route_set *set,
                        FILE *out)
{
    for (const struct route *route = set->routes; route != NULL; route = route->hh.next)
        print_route(config, table, route, out);
}

void plan_print(const struct config *config, const struct snapshot *snapshot,
                const struct wanted *wanted, FILE *out)
{
    print_device(config, wanted, snapshot, out);
    for (size_t i = 0; i < wanted->address_count; i++)
        print_address(config, &wanted->addresses[i], out);
    print_guards(config, wanted, out);
    for (size_t i = 0; i < wanted->setting_count; i++)
        print_setting(&wanted->settings[i], out);
    print_table(config, config->divert.table, &wanted->routes, out);
    print_table(config, inbound_table(config), &wanted->inbound, out);
    print_rules(config, wanted, out);
}
