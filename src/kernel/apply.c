/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes device, addresses and settings equal to the wanted ones. */
#include "kernel/apply.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <string.h>

int apply_device(struct apply *apply)
{
    const struct device *device = snapshot_device(apply->snapshot, apply->tun->ifindex);
    struct tun_settings settings = {
        .mtu = apply->wanted->tun_mtu,
        .group = apply->wanted->tun_group,
        .rp_filter = apply->wanted->tun_rp_filter,
        .has_ipv6 = apply->snapshot->has_ipv6,
    };
    int r;

    if (device == NULL)
        return fault_set(apply->fault, -ENODEV, "%s", apply->tun->name);
    r = tun_configure(apply->tun, device, &settings, apply->netlink, apply->fault);
    if (r > 0)
        apply->changes++;
    return MIN_OF(r, 0);
}

/* The address on tun0 equal in value to WANTED, or NULL. */
static const struct address *find_on_tun(const struct apply *apply, const struct ip_addr *addr)
{
    for (size_t i = 0; i < apply->snapshot->address_count; i++) {
        const struct address *address = &apply->snapshot->addresses[i];

        if (address->ifindex == apply->tun->ifindex && ip_addr_equal(&address->local, addr))
            return address;
    }
    return NULL;
}

static bool is_wanted(const struct wanted *wanted, const struct address *address)
{
    for (size_t i = 0; i < wanted->address_count; i++) {
        if (ip_addr_equal(&wanted->addresses[i].local, &address->local) &&
            wanted->addresses[i].prefix_len == address->prefix_len)
            return true;
    }
    return false;
}

/* Before Linux 5.18 addresses carry no protocol: there the shape of a borrowed one has to do. */
static bool is_our_address(const struct address *address)
{
    if (address->protocol != 0)
        return address->protocol == DIVERT_PROTOCOL;
    return (address->flags & IFA_F_NOPREFIXROUTE) != 0 &&
           address->prefix_len == IP_ADDR_BITS(address->local.family);
}

static void count_result(struct apply *apply, int r, const char *what, const struct ip_addr *addr)
{
    char text[IP_PREFIX_TEXT];

    if (r == 0) {
        apply->changes++;
        return;
    }
    apply->failures++;
    fault_set(apply->fault, r, "%s: %s address %s%s%s", apply->tun->name, what,
              ip_addr_format(addr, text), netlink_refusal(apply->netlink)[0] != '\0' ? ": " : "",
              netlink_refusal(apply->netlink));
}

/* An address that left its device: until its copy goes, the host answers for it. */
static void remove_addresses(struct apply *apply)
{
    for (size_t i = 0; i < apply->snapshot->address_count; i++) {
        const struct address *address = &apply->snapshot->addresses[i];
        int r;

        if (address->ifindex != apply->tun->ifindex || !is_our_address(address) ||
            is_wanted(apply->wanted, address))
            continue;
        r = netlink_execute(apply->netlink, address_message_del(address));
        if (r != -EADDRNOTAVAIL)
            count_result(apply, r, "removing", &address->local);
    }
}

int apply_addresses(struct apply *apply)
{
    for (size_t i = 0; i < apply->wanted->address_count; i++) {
        const struct address *wanted = &apply->wanted->addresses[i];
        const struct address *there = find_on_tun(apply, &wanted->local);
        uint16_t flags = NLM_F_CREATE | NLM_F_EXCL;

        if (there != NULL && address_same(there, wanted))
            continue;
        if (there != NULL && there->prefix_len == wanted->prefix_len)
            flags = NLM_F_CREATE | NLM_F_REPLACE;
        count_result(apply, netlink_execute(apply->netlink, address_message_new(wanted, flags)),
                     "adding", &wanted->local);
    }
    /* Last: with its last IPv4 address tun0 loses all its routes. */
    remove_addresses(apply);
    return 0;
}

static bool is_listed(const struct setting *list, size_t count, const struct setting *setting)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].family == setting->family && strcmp(list[i].device, setting->device) == 0 &&
            strcmp(list[i].name, setting->name) == 0)
            return true;
    }
    return false;
}

static bool setting_is_wanted(const struct wanted *wanted, const struct setting *setting)
{
    return is_listed(wanted->settings, wanted->setting_count, setting) ||
           is_listed(wanted->overwritten, wanted->overwritten_count, setting);
}

/* Writes entry INDEX's original back if our value is still there, and forgets it. */
static int restore_setting(struct netlink *netlink, struct ledger *ledger, size_t index)
{
    const struct ledger_entry *entry = &ledger->entries[index];
    struct setting setting = entry->ours;
    int32_t current;
    int r = sysctl_read(setting.family, setting.device, setting.name, &current);

    setting.value = entry->original;
    if (r == 0 && current == entry->ours.value)
        r = sysctl_write(netlink, &setting);
    /* With its device the setting is gone for good. */
    if (r < 0 && sysctl_read(setting.family, setting.device, setting.name, &current) != -ENOENT)
        return r;
    ledger_forget(ledger, index);
    return 0;
}

int apply_restore_settings(struct netlink *netlink, struct ledger *ledger, struct fault *fault)
{
    int first = 0;

    for (size_t i = ledger->count; i > 0; i--) {
        struct setting setting = ledger->entries[i - 1].ours;
        char path[SYSCTL_PATH];
        int r = restore_setting(netlink, ledger, i - 1);

        if (r < 0 && first == 0)
            first = fault_set(fault, r, "restoring %s", sysctl_path(&setting, path));
    }
    return first;
}

/* Devices that are no longer in use get their own values back at once. */
static void restore_unwanted(struct apply *apply)
{
    for (size_t i = apply->ledger->count; i > 0; i--) {
        struct setting setting = apply->ledger->entries[i - 1].ours;
        char path[SYSCTL_PATH];
        int r;

        if (setting_is_wanted(apply->wanted, &setting))
            continue;
        r = restore_setting(apply->netlink, apply->ledger, i - 1);
        if (r == 0) {
            apply->changes++;
            continue;
        }
        apply->failures++;
        fault_set(apply->fault, r, "restoring %s", sysctl_path(&setting, path));
    }
}

static int apply_setting(struct apply *apply, const struct setting *setting)
{
    int32_t current;
    int r = sysctl_read(setting->family, setting->device, setting->name, &current);

    if (r < 0 || current == setting->value)
        return r;
    /* What tun0 was before does not matter: it goes away with everything on it. */
    if (strcmp(setting->device, apply->tun->name) != 0)
        r = ledger_record(apply->ledger, setting, current);
    if (r == 0)
        r = sysctl_write(apply->netlink, setting);
    return r < 0 ? r : 1;
}

/* Before what overwrites them is written: the ledger is restored from its end. */
static void record_overwritten(struct apply *apply)
{
    for (size_t i = 0; i < apply->wanted->overwritten_count; i++) {
        const struct setting *setting = &apply->wanted->overwritten[i];
        char path[SYSCTL_PATH];
        int32_t current;
        int r = sysctl_read(setting->family, setting->device, setting->name, &current);

        if (r == 0)
            r = ledger_record(apply->ledger, setting, current);
        if (r == 0 || r == -ENOENT)
            continue;
        apply->failures++;
        fault_set(apply->fault, r, "recording %s", sysctl_path(setting, path));
    }
}

int apply_settings(struct apply *apply)
{
    restore_unwanted(apply);
    record_overwritten(apply);
    for (size_t i = 0; i < apply->wanted->setting_count; i++) {
        const struct setting *setting = &apply->wanted->settings[i];
        char path[SYSCTL_PATH];
        int r = apply_setting(apply, setting);

        if (r > 0)
            apply->changes++;
        if (r >= 0)
            continue;
        apply->failures++;
        fault_set(apply->fault, r, "setting %s to %d", sysctl_path(setting, path), setting->value);
    }
    return 0;
}
