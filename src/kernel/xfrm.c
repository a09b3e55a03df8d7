/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the kernel how many IPsec policies it has. */
#include "kernel/xfrm.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>
#include <sys/socket.h>

/* The request: all that is asked for is in the answer in any case. */
struct question {
    struct nlmsghdr header;
    uint32_t flags;
};

static unsigned count_in(struct nlmsghdr *answer, size_t length)
{
    const struct xfrmu_spdinfo *info;
    struct nlattr *attr;

    if (!nlmsg_ok(answer, (int)length) || answer->nlmsg_type != XFRM_MSG_NEWSPDINFO)
        return 0;
    attr = nlmsg_find_attr(answer, sizeof(uint32_t), XFRMA_SPD_INFO);
    if (attr == NULL || nla_len(attr) < (int)sizeof(*info))
        return 0;
    info = nla_data(attr);
    return info->incnt + info->outcnt + info->fwdcnt;
}

int xfrm_policy_count(unsigned *ret_count)
{
    int CLEANUP(cleanup_fd) fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);
    const struct question question = {
        .header = {.nlmsg_len = sizeof(question),
                   .nlmsg_type = XFRM_MSG_GETSPDINFO,
                   .nlmsg_flags = NLM_F_REQUEST},
        .flags = UINT32_MAX,
    };
    union {
        struct nlmsghdr header;
        char bytes[4096];
    } answer;
    ssize_t length;

    *ret_count = 0;
    if (fd < 0)
        return errno == EPROTONOSUPPORT ? 0 : -errno;
    if (send(fd, &question, sizeof(question), 0) < 0)
        return errno == ECONNREFUSED ? 0 : -errno;
    /* The kernel has answered before send() returns. */
    length = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
    if (length < 0)
        return -errno;
    *ret_count = count_in(&answer.header, (size_t)length);
    return 0;
}
