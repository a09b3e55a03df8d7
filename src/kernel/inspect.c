/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at what others have on this host, and what its kernel lacks. */
#include "kernel/inspect.h"

#include "kernel/foreign_rule.h"
#include "kernel/sysctl.h"
#include "kernel/xfrm.h"

#include <errno.h>
#include <net/if.h>

enum { POLL_MS = 20 };

static int remark_xfrm(struct remarks *remarks)
{
    unsigned count;
    int r = xfrm_policy_count(&count);

    if (r < 0 || count == 0)
        return r;
    return remarks_add(remarks, REMARK_XFRM,
                       "IPsec: there are %u policies; ESP and AH are not diverted, nor what a "
                       "tunnel encrypts" REMARK_HELP "[divert] exclude with the peers' addresses, "
                       "for policies in transport mode",
                       count);
}

/* See forwarding.c. */
static int remark_forwarding(const struct inspect *inspect, const struct config *config,
                             struct remarks *remarks)
{
    int32_t value;

    if ((config->divert.families & FAMILIES_IPV6) == 0 ||
        sysctl_read(FAMILY_IPV6, "all", "force_forwarding", &value) == 0 ||
        sysctl_read(FAMILY_IPV6, "all", "disable_ipv6", &value) < 0 || value != 0 ||
        sysctl_read(FAMILY_IPV6, "all", "forwarding", &value) < 0)
        return 0;
    if (value != 0 && (inspect->ledger == NULL ||
                       !ledger_made(inspect->ledger, FAMILY_IPV6, "all", "forwarding", value)))
        return 0;
    return remarks_add(remarks, REMARK_FORWARDING,
                       "IPv6: this kernel can't forward from %s alone (Linux 6.17 can): meanwhile "
                       "net.ipv6.conf.all.forwarding is 1, and accept_ra 2 where it was "
                       "1" REMARK_HELP "`ip -6 rule add priority %u iif DEVICE blackhole` where "
                       "neighbours must not take this host for a router",
                       config->tun.name, config->divert.divert_priority - 2);
}

static int remark_interfaces(const struct config_divert *divert, struct remarks *remarks)
{
    int r = 0;

    for (size_t i = 0; i < divert->interface_count && r == 0; i++) {
        if (if_nametoindex(divert->interfaces[i]) == 0)
            r = remarks_add(remarks, REMARK_INTERFACES,
                            "interfaces: there is no %s yet; its traffic is diverted once there is",
                            divert->interfaces[i]);
    }
    return r;
}

static int copy_remarks(const struct remarks *from, struct remarks *to)
{
    int r = 0;

    for (size_t i = 0; i < from->count && r == 0; i++)
        r = remarks_add(to, from->items[i].kind, "%s", from->items[i].text);
    return r;
}

/* The list that users see: netfilter as last seen, and the rest as it is now. */
int inspect_update(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                   struct fault *fault)
{
    struct remarks remarks = {.left_out = inspect->findings.remarks.left_out};
    int r = copy_remarks(&inspect->findings.remarks, &remarks);

    if (r == 0 && inspect->rps != NULL)
        r = copy_remarks(&inspect->rps->remarks, &remarks);
    if (r == 0)
        r = remark_xfrm(&remarks);
    if (r == 0)
        r = remark_forwarding(inspect, config, &remarks);
    if (r == 0)
        r = remark_interfaces(&config->divert, &remarks);
    if (r == 0)
        r = foreign_rules_remark(config, netlink, &remarks, fault);
    if (r < 0) {
        remarks_clear(&remarks);
        return fault_set(fault, r, "looking at this host");
    }
    remarks_clear(&inspect->remarks);
    inspect->remarks = remarks;
    return 0;
}

/* Takes over FINDINGS and makes the table follow; one that cannot be made is something to say. */
static int adopt(struct inspect *inspect, const struct config *config,
                 const struct netfilter_findings *findings)
{
    struct fault fault = {.text = ""};

    netfilter_findings_clear(&inspect->findings);
    inspect->findings = *findings;
    if (connections_set(&inspect->connections, config, &inspect->findings, &fault) == 0)
        return 0;
    return remarks_add(&inspect->findings.remarks, REMARK_CONNTRACK,
                       "netfilter: NAT of others would be met twice by forwarded packets, and what "
                       "mends it failed: %s" REMARK_HELP "exclude the networks behind this host",
                       fault.text);
}

/* What `refuse` refuses. */
static int check_refusal(const struct inspect *inspect, const struct config *config,
                         struct fault *fault)
{
    const struct remarks *remarks = &inspect->findings.remarks;

    if (config->divert.foreign_netfilter != FOREIGN_NETFILTER_REFUSE || remarks->count == 0)
        return 0;
    return fault_explain(fault, -ECANCELED, "[divert] foreign-netfilter = refuse: %s",
                         remarks->items[0].text);
}

static int look(const struct config *config, struct inspect *inspect,
                struct netfilter_findings *ret_findings, struct fault *fault)
{
    int r = netfilter_ask(&inspect->question, config);

    if (r == 0)
        r = netfilter_answer(&inspect->question, NETFILTER_TIME_MS + POLL_MS, ret_findings);
    return r < 0 ? fault_set(fault, r, "looking at the rules of netfilter") : r;
}

int inspect_look(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                 struct fault *fault)
{
    int r = look(config, inspect, &inspect->findings, fault);

    return r < 0 ? r : inspect_update(inspect, config, netlink, fault);
}

int inspect_start(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                  struct fault *fault)
{
    struct netfilter_findings findings = {.recipe = NULL};
    int r = look(config, inspect, &findings, fault);

    if (r < 0)
        return r;
    r = adopt(inspect, config, &findings);
    if (r < 0)
        return fault_set(fault, r, "looking at the rules of netfilter");
    r = check_refusal(inspect, config, fault);
    return r < 0 ? r : inspect_update(inspect, config, netlink, fault);
}

int inspect_again(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                  struct fault *fault)
{
    int r = netfilter_ask(&inspect->question, config);

    if (r < 0)
        return fault_set(fault, r, "looking at the rules of netfilter");
    return inspect_update(inspect, config, netlink, fault);
}

int inspect_timeout_ms(const struct inspect *inspect)
{
    return inspect->question.child > 0 ? POLL_MS : -1;
}

int inspect_poll(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                 struct fault *fault)
{
    struct netfilter_findings findings;
    int r = 0;

    if (inspect->question.child > 0)
        r = netfilter_answer(&inspect->question, 0, &findings);
    if (r == 0)
        return 0;
    if (r > 0)
        r = adopt(inspect, config, &findings);
    if (r == 0)
        r = inspect_update(inspect, config, netlink, fault);
    return r < 0 ? fault_set(fault, r, "looking at the rules of netfilter") : 1;
}

void inspect_end(struct inspect *inspect)
{
    netfilter_drop(&inspect->question);
    netfilter_findings_clear(&inspect->findings);
    connections_close(&inspect->connections);
    remarks_clear(&inspect->remarks);
}
