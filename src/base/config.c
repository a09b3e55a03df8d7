/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defaults, names and life time of the plain configuration values. */
#include "ipmodd/base/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_TABLE = 100,
    DEFAULT_PRIORITY = 99,
    DEFAULT_DIVERT_PRIORITY = 32765,
};

struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof(*config));

    if (config == NULL)
        return NULL;
    config->main.log_level = LEVEL_INFO;
    strcpy(config->tun.name, "tun0");
    config->tun.offload = true;
    config->tun.queues = 1;
    config->tun.busy_poll_us = BUSY_POLL_AUTO_US;
    config->divert.directions = DIRECTIONS_OUT;
    config->divert.families = FAMILIES_ALL;
    config->divert.table = DEFAULT_TABLE;
    config->divert.priority = DEFAULT_PRIORITY;
    config->divert.divert_priority = DEFAULT_DIVERT_PRIORITY;
    config->flows = flow_limits_default();
    return config;
}

/* A copy of COUNT items of SIZE bytes; NULL for none. FAILED is set when there is no memory. */
static void *copy_array(const void *items, size_t count, size_t size, bool *failed)
{
    void *copy;

    if (count == 0)
        return NULL;
    copy = reallocarray(NULL, count, size);
    if (copy == NULL)
        *failed = true;
    else
        memcpy(copy, items, count * size);
    return copy;
}

static char *copy_text(const char *text, bool *failed)
{
    return text == NULL ? NULL : copy_array(text, strlen(text) + 1, 1, failed);
}

struct config *config_copy(const struct config *config)
{
    struct config *copy = calloc(1, sizeof(*copy));
    struct config_divert *divert;
    bool failed = false;

    if (copy == NULL)
        return NULL;
    *copy = *config;
    divert = &copy->divert;
    copy->main.control_path = copy_text(config->main.control_path, &failed);
    copy->tun.addresses = copy_array(config->tun.addresses, config->tun.address_count,
                                     sizeof(*config->tun.addresses), &failed);
    divert->interfaces = copy_array(divert->interfaces, divert->interface_count,
                                    sizeof(*divert->interfaces), &failed);
    divert->excludes =
        copy_array(divert->excludes, divert->exclude_count, sizeof(*divert->excludes), &failed);
    divert->exclude_uids = copy_array(divert->exclude_uids, divert->exclude_uid_count,
                                      sizeof(*divert->exclude_uids), &failed);
    divert->exclude_ports = copy_array(divert->exclude_ports, divert->exclude_port_count,
                                       sizeof(*divert->exclude_ports), &failed);
    if (failed) {
        config_free(copy);
        return NULL;
    }
    return copy;
}

bool config_diverts_device(const struct config_divert *divert, const char *name)
{
    for (size_t i = 0; i < divert->interface_count; i++) {
        if (strcmp(divert->interfaces[i], name) == 0)
            return true;
    }
    return divert->interface_count == 0;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    free(config->main.control_path);
    free(config->tun.addresses);
    free(config->divert.interfaces);
    free(config->divert.excludes);
    free(config->divert.exclude_uids);
    free(config->divert.exclude_ports);
    free(config);
}

void config_cleanup(struct config **config)
{
    config_free(*config);
}

static bool same_array(const void *a, size_t a_count, const void *b, size_t b_count, size_t size)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * size) == 0);
}

/*
 * Arrays by what is in them, and then all the rest by its bytes: of what is new and forgotten here
 * a number differs where it should, and a pointer always.
 */
bool config_same_diversion(const struct config *a, const struct config *b)
{
    struct config_tun tuns[2];
    struct config_divert diverts[2];

    if (!same_array(a->tun.addresses, a->tun.address_count, b->tun.addresses, b->tun.address_count,
                    sizeof(*a->tun.addresses)) ||
        !same_array(a->divert.interfaces, a->divert.interface_count, b->divert.interfaces,
                    b->divert.interface_count, sizeof(*a->divert.interfaces)) ||
        !same_array(a->divert.excludes, a->divert.exclude_count, b->divert.excludes,
                    b->divert.exclude_count, sizeof(*a->divert.excludes)) ||
        !same_array(a->divert.exclude_uids, a->divert.exclude_uid_count, b->divert.exclude_uids,
                    b->divert.exclude_uid_count, sizeof(*a->divert.exclude_uids)) ||
        !same_array(a->divert.exclude_ports, a->divert.exclude_port_count, b->divert.exclude_ports,
                    b->divert.exclude_port_count, sizeof(*a->divert.exclude_ports)))
        return false;
    memcpy(&tuns[0], &a->tun, sizeof(tuns[0])); /* with the bytes between, which are zero */
    memcpy(&tuns[1], &b->tun, sizeof(tuns[1]));
    memcpy(&diverts[0], &a->divert, sizeof(diverts[0]));
    memcpy(&diverts[1], &b->divert, sizeof(diverts[1]));
    for (int i = 0; i < 2; i++) {
        tuns[i].addresses = NULL;
        diverts[i].interfaces = NULL;
        diverts[i].excludes = NULL;
        diverts[i].exclude_uids = NULL;
        diverts[i].exclude_ports = NULL;
    }
    return memcmp(&tuns[0], &tuns[1], sizeof(tuns[0])) == 0 &&
           memcmp(&diverts[0], &diverts[1], sizeof(diverts[0])) == 0;
}

const char *policy_name(enum policy policy)
{
    static const char *const names[POLICY_COUNT] = {
        [POLICY_ACCEPT] = "accept",
        [POLICY_DROP] = "drop",
    };

    assert(policy < POLICY_COUNT);
    return names[policy];
}

const char *malformed_policy_name(enum malformed_policy policy)
{
    static const char *const names[MALFORMED_COUNT] = {
        [MALFORMED_DROP] = "drop",
        [MALFORMED_PASS] = "pass",
    };

    assert(policy < MALFORMED_COUNT);
    return names[policy];
}

const char *direction_name(enum direction direction)
{
    static const char *const names[DIRECTION_COUNT] = {
        [DIRECTION_OUT] = "out",
        [DIRECTION_FORWARD] = "forward",
        [DIRECTION_IN] = "in",
    };

    assert(direction < DIRECTION_COUNT);
    return names[direction];
}

const char *mirror_mode_name(enum mirror_mode mode)
{
    static const char *const names[MIRROR_COUNT] = {
        [MIRROR_ALL] = "all",
        [MIRROR_DEFAULT] = "default",
    };

    assert(mode < MIRROR_COUNT);
    return names[mode];
}

const char *conntrack_mode_name(enum conntrack_mode mode)
{
    static const char *const names[CONNTRACK_COUNT] = {
        [CONNTRACK_AUTO] = "auto",
        [CONNTRACK_KEEP] = "keep",
    };

    assert(mode < CONNTRACK_COUNT);
    return names[mode];
}

const char *foreign_netfilter_name(enum foreign_netfilter policy)
{
    static const char *const names[FOREIGN_NETFILTER_COUNT] = {
        [FOREIGN_NETFILTER_WARN] = "warn",
        [FOREIGN_NETFILTER_REFUSE] = "refuse",
    };

    assert(policy < FOREIGN_NETFILTER_COUNT);
    return names[policy];
}

const char *on_exit_policy_name(enum on_exit_policy policy)
{
    static const char *const names[ON_EXIT_COUNT] = {
        [ON_EXIT_OPEN] = "open",
        [ON_EXIT_CLOSED] = "closed",
    };

    assert(policy < ON_EXIT_COUNT);
    return names[policy];
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {
        [LEVEL_ERROR] = "error", [LEVEL_WARNING] = "warning", [LEVEL_NOTICE] = "notice",
        [LEVEL_INFO] = "info",   [LEVEL_DEBUG] = "debug",
    };

    assert(level >= LEVEL_ERROR && level <= LEVEL_DEBUG);
    return names[level];
}
