/* SPDX-License-Identifier: GPL-2.0-or-later */
/* That what the diversion is about to use is nobody else's. */
#include "kernel/divert_state.h"
#include "kernel/inbound.h"

#include <errno.h>

/* At the guards' priorities a rule of somebody else could come first and take packets from them. */
static int check_priorities(struct divert *divert, const struct config *config)
{
    for (uint32_t i = 0; i < 2 * FAMILY_COUNT; i++) {
        enum ip_family family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        uint32_t priority = config->divert.priority + i / 2;
        int r = 0;

        if ((config->divert.families & 1u << family) != 0)
            r = apply_priority_taken(divert->netlink, family, priority);
        if (r < 0)
            return fault_set(&divert->fault, r, "reading the list of rules");
        if (r > 0)
            return fault_explain(&divert->fault, -EEXIST,
                                 "there is an %s rule of somebody else with priority %u: choose "
                                 "another [divert] priority",
                                 ip_family_name(family), priority);
    }
    return 0;
}

/* The locks tell of other instances, unless one has a /run of its own, as in a container. */
static int check_table(struct divert *divert, uint32_t table)
{
    int r = apply_table_in_use(divert->netlink, table);

    if (r < 0)
        return fault_set(&divert->fault, r, "reading table %u", table);
    if (r > 0)
        return fault_explain(&divert->fault, -EBUSY,
                             "another instance of ipmodd is running with table %u, and perhaps "
                             "with a /run of its own: stop it, or choose another [divert] table",
                             table);
    return 0;
}

/* Those that CONFIG needs and that are not in use by this process. */
static int check_tables(struct divert *divert, const struct config *config)
{
    bool inbound = (config->divert.directions & DIRECTIONS_IN) != 0;
    bool running = divert->view != NULL;
    int r = 0;

    if (!running)
        r = check_table(divert, config->divert.table);
    if (r == 0 && inbound &&
        (!running || !ledger_has_inbound(&divert->ledger) ||
         inbound_table(config) != inbound_table(divert->config)))
        r = check_table(divert, inbound_table(config));
    return r;
}

/* What a killed process left of it is taken away by whoever starts next. */
int divert_claim_inbound(struct divert *divert, const struct config *config)
{
    if ((config->divert.directions & DIRECTIONS_IN) == 0)
        return ledger_try_inbound(&divert->ledger) == -ENOMEM ? -ENOMEM : 0;
    return ledger_claim_inbound(&divert->ledger, &divert->fault);
}

int divert_check_free(struct divert *divert, const struct config *config)
{
    int r = check_priorities(divert, config);

    return r == 0 ? check_tables(divert, config) : r;
}
