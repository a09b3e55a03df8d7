/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cannot change while the process runs. */
#include "fixed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool same_addresses(const struct config_tun *a, const struct config_tun *b)
{
    if (a->address_count != b->address_count)
        return false;
    for (size_t i = 0; i < a->address_count; i++) {
        if (!ip_addr_equal(&a->addresses[i].addr, &b->addresses[i].addr) ||
            a->addresses[i].len != b->addresses[i].len)
            return false;
    }
    return true;
}

/* The first key that differs, or NULL. */
static const char *tun_key(const struct config_tun *old, const struct config_tun *new)
{
    if (strcmp(old->name, new->name) != 0)
        return "name";
    if (!same_addresses(old, new))
        return "address";
    if (old->mtu != new->mtu)
        return "mtu";
    if (old->offload != new->offload)
        return "offload";
    if (old->merge != new->merge)
        return "merge";
    return old->queues != new->queues ? "queues" : NULL;
}

static bool same_control(const struct config_main *a, const struct config_main *b)
{
    return a->control == b->control &&
           (a->control != CONTROL_AT || strcmp(a->control_path, b->control_path) == 0);
}

int fixed_check(const struct config *old, const struct config *new, char *text, size_t size)
{
    const char *section = "tun", *key = tun_key(&old->tun, &new->tun);

    if (old->flows.max != new->flows.max) {
        section = "flows";
        key = "max";
    }
    if (!same_control(&old->main, &new->main)) {
        section = "main";
        key = "control";
    }
    if (key == NULL)
        return 0;
    snprintf(text, size, "[%s] %s: cannot change while running; restart ipmodd for it", section,
             key);
    return -EINVAL;
}
