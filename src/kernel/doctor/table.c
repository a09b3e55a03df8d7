/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks in order, and the round through them. */
#include "kernel/doctor/examination.h"

#include "kernel/apply.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct doctor_check checks[] = {
    {"capability", "this process may change the network, or a daemon runs already",
     check_capability},
    {"tun-device", "/dev/net/tun can be opened", check_tun_device},
    {"tun-name", "the name of the tun device is free, or the daemon's", check_tun_name},
    {"table", "the table is nobody else's", check_table_free},
    {"priority", "the priorities of the guards are nobody else's", check_priorities_free},
    {"policy-rules", "no policy rule of others is asked before the divert rule",
     check_policy_rules},
    {"interfaces", "each device of [divert] interfaces is there, or none is named",
     check_interfaces},
    {"sockets", "no socket is bound to a device", check_sockets},
    {"mtu", "the tun device takes what the egress devices do", check_mtu},
    {"output-rules", "no output or postrouting rule of others misses diverted packets",
     check_output_rules},
    {"rp-filter", "no reverse path filter drops what comes back from the tun device",
     check_rp_filter},
    {"forwarding", "what is diverted is forwarded", check_forwarding},
    {"forwarding-ipv6", "IPv6 needs no setting of the whole host", check_forwarding6},
    {"early-demux", "no socket is looked up before routing, or direction has no in",
     check_early_demux},
    {"accept-ra", "devices that learn from routers hear them", check_accept_ra},
    {"forward-chains", "no forward chain drops packets of the tun device", check_forward_chains},
    {"iptables-legacy", "iptables-legacy has no rules", check_legacy},
    {"nat", "source NAT of others works behind the tun device", check_nat},
    {"netfilter-seen", "the rules of netfilter could be looked at", check_netfilter_seen},
    {"xfrm", "there are no IPsec policies", check_xfrm},
    {"networkd", "systemd-networkd does not run here, or leaves foreign rules alone",
     check_networkd},
    {"network-manager", "NetworkManager does not run here, or leaves the tun device alone",
     check_network_manager},
    {"offload", "super-packets are used as configured, or no daemon runs", check_offload},
    {"ttl-255", "no packet with TTL 255 was diverted, or no daemon runs", check_ttl},
    {"queue", "the queue of the tun device was never full, or no daemon runs", check_queue},
    {"rps", "packets are steered to other CPUs as configured, or no daemon runs", check_rps},
};

static const struct doctor_check ping_checks[] = {
    {"forwarding", "this host forwards to the tun device", check_ping_forwarding},
    {"masquerade", "sources of the tun device's network are translated", check_ping_nat},
    {"rp-filter", "no reverse path filter drops what comes back", check_rp_filter},
    {"forward-chains", "no forward chain drops packets of the tun device", check_forward_chains},
    {"iptables-legacy", "iptables-legacy drops nothing", check_legacy},
};

int examination_add(struct examination *examination, enum finding_level level, const char *mend,
                    const char *format, ...)
{
    char *text CLEANUP(cleanup_free) = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text = NULL;
        return -ENOMEM;
    }
    return findings_add(examination->findings, examination->name, level, mend, "%s", text);
}

bool examination_is_egress(const struct examination *examination, const struct device *device)
{
    return device != examination->tun && (device->flags & IFF_LOOPBACK) == 0 &&
           snapshot_device_used(&examination->snapshot, device->ifindex);
}

/* A device of that name and our routes in the table: whoever made them, they are in force. */
static int find_diversion(struct examination *examination)
{
    const struct config *config = examination->config;
    int r = apply_table_in_use(examination->netlink, config->divert.table);

    if (r < 0)
        return r;
    examination->diverts = r > 0;
    examination->tun = snapshot_device_named(&examination->snapshot, config->tun.name);
    return 0;
}

static int read_host(struct examination *examination, const char **ret_why)
{
    struct fault *fault = &examination->fault;
    int r = netlink_open(fault, &examination->netlink);

    *ret_why = "opening a netlink socket";
    if (r < 0)
        return r;
    *ret_why = "reading devices and addresses";
    r = snapshot_read_devices(&examination->snapshot, examination->netlink, fault);
    if (r < 0)
        return r;
    *ret_why = "reading the main table";
    r = snapshot_read_main(&examination->snapshot, examination->netlink, fault);
    if (r < 0)
        return r;
    *ret_why = "reading the table of the diversion";
    r = find_diversion(examination);
    if (r < 0)
        return r;
    *ret_why = "looking at what others have on this host";
    return inspect_look(&examination->inspect, examination->config, examination->netlink, fault);
}

static int run(struct examination *examination, const struct doctor_check *check)
{
    size_t before = examination->findings->count;
    int r;

    examination->name = check->name;
    fault_clear(&examination->fault);
    r = check->look(examination);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return examination_add(examination, FINDING_UNKNOWN, NULL, "could not be looked at: %s",
                               examination->fault.text[0] != '\0' ? examination->fault.text
                                                                  : strerror(-r));
    if (examination->findings->count > before)
        return 0;
    return examination_add(examination, FINDING_OK, NULL, "%s", check->well);
}

/* COUNT of CHECKS, on a fresh look at the host. */
static int examine(struct examination *examination, const struct doctor_check *list, size_t count,
                   const char **ret_why)
{
    int r;

    snapshot_init(&examination->snapshot, examination->config);
    r = read_host(examination, ret_why);
    for (size_t i = 0; i < count && r == 0; i++)
        r = run(examination, &list[i]);
    inspect_end(&examination->inspect);
    snapshot_clear(&examination->snapshot);
    netlink_close(examination->netlink);
    return r;
}

int doctor_examine(const struct config *config, const struct doctor_daemon *daemon,
                   struct findings *findings, const char **ret_why)
{
    struct examination examination = {
        .config = config, .daemon = daemon, .inspect = INSPECT_INIT, .findings = findings};

    return examine(&examination, checks, ARRAY_SIZE(checks), ret_why);
}

/* An answer is forwarded to the tun device, as packets of the direction `forward` are. */
int doctor_examine_ping(const struct config *config, const struct ip_addr *source,
                        struct findings *findings, const char **ret_why)
{
    struct config *as_router CLEANUP(config_cleanup) = config_copy(config);
    const struct doctor_daemon none = {.answers = false};
    struct examination examination = {.config = as_router,
                                      .daemon = &none,
                                      .inspect = INSPECT_INIT,
                                      .source = source,
                                      .findings = findings};

    *ret_why = "looking for what keeps answers away";
    if (as_router == NULL)
        return -ENOMEM;
    as_router->divert.directions |= DIRECTIONS_FORWARD;
    as_router->divert.families = 1u << source->family;
    return examine(&examination, ping_checks, ARRAY_SIZE(ping_checks), ret_why);
}
