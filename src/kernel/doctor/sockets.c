/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that are bound to a device: their packets leave by it whatever the policy rules say, so
 * they are never diverted. The kernel tells of them by sock_diag(7).
 *
 * DHCP clients and servers bind for a reason and mean no packet that anybody would want to modify;
 * link-local IPv6 addresses belong to a device and are excluded in any case. Sockets that name a
 * device with each packet (IP_PKTINFO, IP_UNICAST_IF) are not to be seen from outside;
 * systemd-resolved is the one that nearly everybody has.
 */
#include "kernel/doctor/examination.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAMED_MAX = 4 };

/* What a dump of one kind of sockets found. */
struct bound {
    const struct examination *examination;
    const char *proto;
    unsigned *count;
    char *text; /* the first few, in words */
    size_t size, used;
};

struct question {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
};

static bool is_dhcp(const struct inet_diag_sockid *id)
{
    static const uint16_t ports[] = {67, 68, 546, 547};

    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        if (ntohs(id->idiag_sport) == ports[i])
            return true;
    }
    return false;
}

static bool is_link_local(const struct inet_diag_msg *message)
{
    const struct inet_diag_sockid *id = &message->id;

    return message->idiag_family == AF_INET6 &&
           (IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)id->idiag_src) ||
            IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)id->idiag_dst));
}

static void note(struct bound *bound, const struct inet_diag_msg *message)
{
    const struct device *tun = bound->examination->tun;
    const struct inet_diag_sockid *id = &message->id;
    char address[INET6_ADDRSTRLEN], device[IF_NAMESIZE];
    int length;

    if (id->idiag_if == 0 || (tun != NULL && id->idiag_if == tun->ifindex) ||
        is_link_local(message) || (strcmp(bound->proto, "udp") == 0 && is_dhcp(id)) ||
        if_indextoname(id->idiag_if, device) == NULL || strcmp(device, "lo") == 0)
        return;
    if ((*bound->count)++ >= NAMED_MAX)
        return;
    inet_ntop(message->idiag_family, id->idiag_src, address, sizeof(address));
    length = snprintf(bound->text + bound->used, bound->size - bound->used,
                      "%s%s %s port %u of user %u to %s", bound->used > 0 ? ", " : "", bound->proto,
                      address, ntohs(id->idiag_sport), message->idiag_uid, device);
    if (length > 0)
        bound->used = MIN_OF(bound->used + (size_t)length, bound->size - 1);
}

/* 1 at the end of the dump, 0 if more is to come, or -errno. */
static int take(struct bound *bound, struct nlmsghdr *message, int length)
{
    for (; nlmsg_ok(message, length); message = nlmsg_next(message, &length)) {
        if (message->nlmsg_type == NLMSG_DONE)
            return netlink_done_error(message) < 0 ? netlink_done_error(message) : 1;
        if (message->nlmsg_type == NLMSG_ERROR)
            return ((const struct nlmsgerr *)nlmsg_data(message))->error;
        if (nlmsg_datalen(message) >= (int)sizeof(struct inet_diag_msg))
            note(bound, nlmsg_data(message));
    }
    return 0;
}

static int dump(int fd, struct bound *bound, uint8_t family, uint8_t protocol)
{
    const struct question question = {
        .header = {.nlmsg_len = sizeof(question),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = family, .sdiag_protocol = protocol, .idiag_states = UINT32_MAX},
    };
    union {
        struct nlmsghdr header;
        char bytes[32768];
    } answer;
    int r = 0;

    if (send(fd, &question, sizeof(question), 0) != (ssize_t)sizeof(question))
        return -errno;
    while (r == 0) {
        ssize_t length = recv(fd, &answer, sizeof(answer), 0);

        if (length < 0)
            return -errno;
        r = take(bound, &answer.header, (int)length);
    }
    return r == -ENOENT ? 0 : MIN_OF(r, 0); /* a kernel without that protocol's module */
}

static int look_at_bound(struct examination *examination)
{
    static const struct {
        uint8_t protocol;
        const char *name;
    } kinds[] = {{IPPROTO_TCP, "tcp"}, {IPPROTO_UDP, "udp"}, {IPPROTO_RAW, "raw"}};
    int fd CLEANUP(cleanup_fd) = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    char text[MEND_TEXT] = "";
    unsigned count = 0;
    struct bound bound = {
        .examination = examination, .count = &count, .text = text, .size = sizeof(text)};
    int r = fd < 0 ? -errno : 0;

    for (size_t i = 0; i < FAMILY_COUNT * ARRAY_SIZE(kinds) && r == 0; i++) {
        enum ip_family family = (enum ip_family)(i % FAMILY_COUNT);

        bound.proto = kinds[i / FAMILY_COUNT].name;
        if ((examination->snapshot.families & 1u << family) != 0)
            r = dump(fd, &bound, (uint8_t)ip_family_to_af(family),
                     kinds[i / FAMILY_COUNT].protocol);
    }
    if (r < 0 || count == 0)
        return r;
    return examination_add(examination, FINDING_WARNING, "ss -tuwap | grep '%'",
                           "%u sockets are bound to a device and bypass the tun device: %s%s",
                           count, text, count > NAMED_MAX ? ", …" : "");
}

int check_sockets(struct examination *examination)
{
    int r = look_at_bound(examination);

    if (r == 0 && access("/run/systemd/resolve/netif", F_OK) == 0)
        r = examination_add(examination, FINDING_NOTE, NULL,
                            "systemd-resolved chooses the device of its questions itself "
                            "(IP_UNICAST_IF): they are not diverted");
    return r;
}
