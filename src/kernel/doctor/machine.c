/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a start needs: the capability, the tun device, names and numbers that nobody else has. */
#include "kernel/doctor/examination.h"

#include "kernel/apply.h"
#include "kernel/inbound.h"
#include "kernel/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int check_capability(struct examination *examination)
{
    struct fault fault = {.text = ""};

    if (examination->diverts || tun_check_permission(&fault) == 0)
        return 0;
    if (geteuid() != 0 && prctl(PR_CAPBSET_READ, CAP_NET_ADMIN) == 1)
        return examination_add(examination, FINDING_UNKNOWN, "sudo ipmodctl doctor",
                               "whether root has CAP_NET_ADMIN here is root's to see");
    return examination_add(examination, FINDING_ERROR,
                           "systemd: AmbientCapabilities=CAP_NET_ADMIN; docker: run "
                           "--cap-add=NET_ADMIN --device=/dev/net/tun",
                           "CAP_NET_ADMIN is missing, so neither device nor rules can be made");
}

int check_tun_device(struct examination *examination)
{
    int fd CLEANUP(cleanup_fd) = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (fd >= 0 || (examination->diverts && errno == EACCES))
        return 0;
    if (errno == EACCES && geteuid() != 0)
        return examination_add(examination, FINDING_UNKNOWN, "sudo ipmodctl doctor",
                               "/dev/net/tun is not for this user to open");
    if (errno == EACCES || errno == EPERM)
        return examination_add(examination, FINDING_ERROR, "docker: run --device=/dev/net/tun",
                               "/dev/net/tun may not be opened, not even by root");
    return examination_add(examination, FINDING_ERROR,
                           errno == ENOENT ? "modprobe tun && test -e /dev/net/tun || { mkdir -p "
                                             "/dev/net && mknod -m 666 /dev/net/tun c 10 200; }"
                                           : "modprobe tun",
                           "/dev/net/tun cannot be opened: %s", strerror(errno));
}

int check_tun_name(struct examination *examination)
{
    const char *name = examination->config->tun.name;
    char mend[MEND_TEXT];

    if (examination->tun == NULL || examination->diverts)
        return 0;
    snprintf(mend, sizeof(mend), "ip link delete %s, or choose another [tun] name", name);
    return examination_add(examination, FINDING_ERROR, mend,
                           "there is a device named %s already, which is not ipmodd's", name);
}

struct strangers {
    uint32_t table;
    unsigned count;
    char first[ROUTE_KEY_TEXT];
};

static void forget_strangers(void *context)
{
    struct strangers *strangers = context;

    strangers->count = 0;
}

static int note_stranger(void *context, const struct nlmsghdr *message)
{
    struct route *route CLEANUP(route_cleanup) = NULL;
    struct strangers *strangers = context;
    uint32_t table;
    int r = route_parse(message, &route, &table);

    if (r <= 0)
        return r;
    if (table != strangers->table || route->protocol == DIVERT_PROTOCOL)
        return 0;
    if (strangers->count++ == 0)
        route_key_format(&route->key, strangers->first);
    return 0;
}

static int look_at_table(struct examination *examination, uint32_t number)
{
    struct strangers strangers = {.table = number};
    int r = 0;

    for (enum ip_family family = 0; family < FAMILY_COUNT && r == 0; family++) {
        if ((examination->snapshot.families & 1u << family) != 0)
            r = netlink_dump(examination->netlink, route_message_dump(family, number),
                             note_stranger, forget_strangers, &strangers);
        if (r == -ENOENT)
            r = 0; /* there never was a route in it */
    }
    if (r < 0 || strangers.count == 0)
        return r;
    return examination_add(examination, FINDING_ERROR,
                           "[divert] table = a number that `ip route show table N` has nothing for",
                           "table %u has routes of somebody else, such as %s", number,
                           strangers.first);
}

int check_table_free(struct examination *examination)
{
    const struct config *config = examination->config;
    int r = look_at_table(examination, config->divert.table);

    if (r < 0 || (config->divert.directions & DIRECTIONS_IN) == 0)
        return r;
    return look_at_table(examination, inbound_table(config));
}

/* While a daemon runs its guards have moved away from a rule that came later. */
int check_priorities_free(struct examination *examination)
{
    const struct config_divert *divert = &examination->config->divert;
    char mend[MEND_TEXT];

    for (uint32_t i = 0; i < 2 * FAMILY_COUNT; i++) {
        enum ip_family family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        uint32_t priority = divert->priority + i / 2;
        int r = 0;

        if ((examination->snapshot.families & 1u << family) != 0)
            r = apply_priority_taken(examination->netlink, family, priority);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        snprintf(mend, sizeof(mend), "[divert] priority = N, with N and N + 1 free in `ip %s rule`",
                 family == FAMILY_IPV4 ? "-4" : "-6");
        r = examination_add(examination, FINDING_ERROR, mend,
                            "there is an %s rule of somebody else with priority %u: ipmodd would "
                            "not start",
                            ip_family_name(family), priority);
        if (r < 0)
            return r;
    }
    return 0;
}
