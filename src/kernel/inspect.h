/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inspect: looks at what others have on this host and what its kernel lacks, and keeps the own nft
 * table as that asks.
 *
 * At start the look is waited for, before anything is diverted. At a reload it goes on in a child
 * process while packets flow; inspect_poll() takes its answer. Until then what the look before
 * found stays in force.
 */
#ifndef IPMODD_KERNEL_INSPECT_H
#define IPMODD_KERNEL_INSPECT_H

#include "kernel/connections.h"
#include "kernel/ledger.h"
#include "kernel/netlink.h"
#include "kernel/rps.h"

struct inspect {
    struct netfilter_question question;
    struct netfilter_findings findings;
    struct connections connections;
    struct remarks remarks;      /* all that there is to say */
    const struct ledger *ledger; /* tells what is our own doing; borrowed, NULL = nothing is */
    const struct rps *rps;       /* whose remarks belong to the list; borrowed, NULL = none */
};

#define INSPECT_INIT ((struct inspect){.question = NETFILTER_QUESTION_INIT})

/*
 * The look before a start. 0; -ECANCELED with FAULT set when foreign-netfilter = refuse and there
 * is something to warn about; or another -errno.
 */
int inspect_start(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                  struct fault *fault);

/* The look alone: no table is made, nothing refused. 0 or -errno with FAULT set. */
int inspect_look(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                 struct fault *fault);

/* Policy rules at once, netfilter under way. 0 or -errno with FAULT set. */
int inspect_again(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                  struct fault *fault);

/* The list anew without asking netfilter anew. 0 or -errno with FAULT set. */
int inspect_update(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                   struct fault *fault);

/* Milliseconds until inspect_poll() is due; -1 when no look is under way. */
int inspect_timeout_ms(const struct inspect *inspect);

/* 1 when the answer has come and the remarks are new ones, 0 if not, -errno with FAULT set. */
int inspect_poll(struct inspect *inspect, const struct config *config, struct netlink *netlink,
                 struct fault *fault);

/* Takes the table back and frees everything. */
void inspect_end(struct inspect *inspect);

#endif
