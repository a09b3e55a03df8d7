/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 forwarding out of tun0.
 *
 * Since Linux 6.17 a device has a setting for it. Before, the host forwards between all devices or
 * between none, and switching that on has side effects, each of which is met here:
 *
 *   - a device with accept_ra = 1 hears routers no more, and the default routes that it learned are
 *     dropped at once: those devices are told first to go on (2). A device that forwards already
 *     (its own `forwarding` is 1, which does nothing else) did not hear them and is left alone;
 *   - `all` overwrites `forwarding` of every device and of `default`, with 1 when it is switched
 *     on and with 0 when it is switched off again: what was 1 before is recorded, to be put back.
 *
 * Where `all` forward already nothing is changed.
 */
#include "kernel/wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool forwarding_all_is_ours(const struct wanted_input *input)
{
    return ledger_made(input->ledger, FAMILY_IPV6, "all", "forwarding",
                       input->snapshot->forwarding6_all);
}

/* Whether the device (or "default") forwarded by itself, of which NOW tells as long as `all` is
 * not ours.
 */
static bool forwarded_before(const struct wanted_input *input, const char *device, int32_t now)
{
    if (forwarding_all_is_ours(input))
        return ledger_find(input->ledger, FAMILY_IPV6, device, "forwarding") != NULL;
    return now != 0;
}

static int add_overwritten(struct wanted *wanted, const char *device)
{
    struct setting *settings =
        reallocarray(wanted->overwritten, wanted->overwritten_count + 1, sizeof(*settings));

    if (settings == NULL)
        return -ENOMEM;
    wanted->overwritten = settings;
    settings[wanted->overwritten_count++] = setting_make(FAMILY_IPV6, device, "forwarding", 0);
    return 0;
}

static int add_device(struct wanted *wanted, const struct wanted_input *input,
                      const struct device *device)
{
    if (device->ifindex == input->tun_ifindex || !device->has_ipv6)
        return 0;
    if (forwarded_before(input, device->name, device->forwarding6))
        return add_overwritten(wanted, device->name);
    if (!wanted_is_other_device(input, device) ||
        (device->accept_ra6 != 1 &&
         !ledger_made(input->ledger, FAMILY_IPV6, device->name, "accept_ra", device->accept_ra6)))
        return 0;
    return wanted_add_setting(wanted, FAMILY_IPV6, device->name, "accept_ra", 2);
}

static int want_all(struct wanted *wanted, const struct wanted_input *input)
{
    const struct snapshot *snapshot = input->snapshot;
    int r = 0;

    if (snapshot->forwarding6_all != 0 && !forwarding_all_is_ours(input))
        return 0; /* a router already */
    for (size_t i = 0; i < snapshot->device_count && r == 0; i++)
        r = add_device(wanted, input, &snapshot->devices[i]);
    if (r == 0 && forwarded_before(input, "default", snapshot->forwarding6_default))
        r = add_overwritten(wanted, "default");
    if (r == 0)
        r = wanted_add_setting(wanted, FAMILY_IPV6, "all", "forwarding", 1);
    /* As `all` make it; where these forward since a crash, tun0 was made anew since. */
    return r < 0
               ? r
               : wanted_add_setting(wanted, FAMILY_IPV6, input->config->tun.name, "forwarding", 1);
}

int forwarding_want(struct wanted *wanted, const struct wanted_input *input)
{
    const struct snapshot *snapshot = input->snapshot;
    bool is_diverted = (snapshot->families & FAMILIES_IPV6) != 0;

    if (snapshot->has_force_forwarding && snapshot->has_ipv6)
        return wanted_add_setting(wanted, FAMILY_IPV6, input->config->tun.name, "force_forwarding",
                                  is_diverted);
    return is_diverted ? want_all(wanted, input) : 0;
}
