/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an answer needs that is to come back to the tun device: the other side must have somebody to
 * send it to, so the source is translated on the way out, and the device that it comes in by must
 * forward it.
 */
#include "kernel/doctor/examination.h"

#include <stdio.h>

static const struct device *first_egress(const struct examination *examination)
{
    const struct snapshot *snapshot = &examination->snapshot;

    for (size_t i = 0; i < snapshot->device_count; i++) {
        if (examination_is_egress(examination, &snapshot->devices[i]))
            return &snapshot->devices[i];
    }
    return NULL;
}

int check_ping_forwarding(struct examination *examination)
{
    const struct device *egress = first_egress(examination);
    bool is_ip4 = examination->source->family == FAMILY_IPV4;

    if (egress == NULL)
        return examination_add(examination, FINDING_ERROR, NULL,
                               "no route of the main table leads out of this host");
    if (is_ip4 ? egress->forwarding != 0 : examination->snapshot.forwarding6_all != 0)
        return 0;
    return examination_add(examination, FINDING_ERROR,
                           is_ip4 ? "sysctl -w net.ipv4.ip_forward=1"
                                  : "sysctl -w net.ipv6.conf.all.forwarding=1",
                           "this host does not forward what comes in by %s, and an answer would "
                           "have to be forwarded to %s",
                           egress->name, examination->config->tun.name);
}

/* The network of the tun device that the source is of. */
static struct ip_prefix network_of(const struct examination *examination)
{
    const struct config_tun *tun = &examination->config->tun;
    struct ip_prefix network = {.addr = *examination->source,
                                .len = (uint8_t)IP_ADDR_BITS(examination->source->family)};

    for (size_t i = 0; i < tun->address_count; i++) {
        if (tun->addresses[i].addr.family == network.addr.family &&
            ip_prefix_covers(&tun->addresses[i], examination->source))
            network = ip_prefix_network(&tun->addresses[i]);
    }
    return network;
}

int check_ping_nat(struct examination *examination)
{
    const struct device *egress = first_egress(examination);
    enum ip_family family = examination->source->family;
    const struct ip_prefix network = network_of(examination);
    char text[IP_PREFIX_TEXT];
    char mend[MEND_TEXT];

    if (egress == NULL || (examination->inspect.findings.nat_families & 1u << family) != 0)
        return 0;
    ip_prefix_format(&network, text);
    snprintf(mend, sizeof(mend), "%s -t nat -A POSTROUTING -s %s -o %s -j MASQUERADE",
             family == FAMILY_IPV4 ? "iptables" : "ip6tables", text, egress->name);
    return examination_add(examination, FINDING_ERROR, mend,
                           "no rule translates sources: unless the other side has a route to %s, "
                           "its answer goes nowhere",
                           text);
}
