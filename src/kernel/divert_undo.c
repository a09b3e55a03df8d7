/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking everything of ours away again, and what a killed process left. */
#include "kernel/apply_inbound.h"
#include "kernel/divert_state.h"
#include "kernel/inbound.h"

/* A killed process may have had another table or other priorities: that goes first. */
int divert_remove_left(struct divert *divert)
{
    int r = 0;

    for (size_t i = 0; i < divert->ledger.left_count && r == 0; i++) {
        const struct instance *left = &divert->ledger.left[i];

        if (!instance_same_place(left, &divert->ledger.instance))
            r = apply_sweep(divert->netlink, left, &divert->fault);
    }
    if (r < 0)
        return r;
    r = ledger_swept(&divert->ledger);
    return r < 0 ? fault_set(&divert->fault, r, "writing %s", divert->ledger.path) : 0;
}

/* What a move that is not over has in the other place. */
static int remove_leaving(struct divert *divert)
{
    int r = 0;

    if (ledger_is_leaving(&divert->ledger))
        r = apply_sweep(divert->netlink, &divert->ledger.leaving, &divert->fault);
    return r;
}

/* A device that still forwards keeps its barrier. */
static int remove_barriers(struct divert *divert, const struct instance *instance)
{
    int r = apply_restore_settings(divert->netlink, &divert->ledger, &divert->fault);

    if (r == 0 && instance->inbound)
        r = apply_remove_rules(divert->netlink, instance, NULL, &divert->fault);
    return r;
}

/* Everything of ours, on the way out. Goes on after a failure. */
static int undo_once(struct divert *divert)
{
    const struct instance instance = instance_of_process(divert->config, &divert->ledger);
    int first = 0;
    int r;

    fault_clear(&divert->fault);
    if (instance.inbound)
        first = inbound_end_turns(divert->netlink, &divert->ledger, &divert->fault);
    r = apply_remove_diverting(divert->netlink, &instance, &divert->fault);
    first = first < 0 ? first : r;
    tun_close(&divert->tun); /* and with it 100,000 routes at once */
    r = apply_remove_all_routes(divert->netlink, &instance, &divert->fault);
    first = first < 0 ? first : r;
    r = remove_leaving(divert);
    first = first < 0 ? first : r;
    r = remove_barriers(divert, &instance);
    return first < 0 ? first : r;
}

/* What did not work for want of memory or time may work now; nobody comes back here later. */
int divert_undo(struct divert *divert)
{
    int r = undo_once(divert);

    return r < 0 ? undo_once(divert) : r;
}
