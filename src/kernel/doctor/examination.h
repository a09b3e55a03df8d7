/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks of the doctor have in their hands, and the checks themselves.
 *
 * A check adds what it finds with examination_add(); one that adds nothing has found all well. It
 * returns 0, or the -errno that kept it from looking.
 */
#ifndef IPMODD_KERNEL_DOCTOR_EXAMINATION_H
#define IPMODD_KERNEL_DOCTOR_EXAMINATION_H

#include "ipmodd/kernel/doctor.h"
#include "kernel/inspect.h"
#include "kernel/snapshot.h"

struct examination {
    const struct config *config; /* borrowed, as DAEMON */
    const struct doctor_daemon *daemon;
    struct netlink *netlink;
    struct snapshot snapshot;
    struct inspect inspect;
    const struct device *tun;     /* the device of [tun] name, NULL if there is none */
    bool diverts;                 /* a daemon has its routes in the table of CONFIG */
    const struct ip_addr *source; /* of a ping; NULL without one */
    const char *name;             /* of the check that is under way */
    struct findings *findings;
    struct fault fault;
};

enum { MEND_TEXT = 512 };

/* MEND may be NULL. 0 or -ENOMEM. */
int examination_add(struct examination *examination, enum finding_level level, const char *mend,
                    const char *format, ...) PRINTF_LIKE(4, 5);

/* Whether DEVICE carries routes of main and is neither tun0 nor lo. */
bool examination_is_egress(const struct examination *examination, const struct device *device);

struct doctor_check {
    const char *name;
    const char *well; /* what is so when nothing was found */
    int (*look)(struct examination *examination);
};

/* machine.c */
int check_capability(struct examination *examination);
int check_tun_device(struct examination *examination);
int check_tun_name(struct examination *examination);
int check_table_free(struct examination *examination);
int check_priorities_free(struct examination *examination);

/* settings.c */
int check_rp_filter(struct examination *examination);
int check_forwarding(struct examination *examination);
int check_accept_ra(struct examination *examination);
int check_mtu(struct examination *examination);
int check_early_demux(struct examination *examination);

/* others.c */
int check_forward_chains(struct examination *examination);
int check_output_rules(struct examination *examination);
int check_nat(struct examination *examination);
int check_netfilter_seen(struct examination *examination);
int check_policy_rules(struct examination *examination);
int check_interfaces(struct examination *examination);
int check_xfrm(struct examination *examination);
int check_forwarding6(struct examination *examination);

/* legacy.c */
int check_legacy(struct examination *examination);

/* managers.c */
int check_networkd(struct examination *examination);
int check_network_manager(struct examination *examination);

/* sockets.c */
int check_sockets(struct examination *examination);

/* ping.c */
int check_ping_forwarding(struct examination *examination);
int check_ping_nat(struct examination *examination);

/* running.c */
int check_ttl(struct examination *examination);
int check_offload(struct examination *examination);
int check_queue(struct examination *examination);
int check_rps(struct examination *examination);

#endif
