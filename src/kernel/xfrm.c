/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the kernel how many IPsec policies it has. */
#include "kernel/xfrm.h"

#include "ipmodd/base/macro.h"

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

unsigned xfrm_policy_count(void)
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

    if (fd < 0 || send(fd, &question, sizeof(question), 0) != (ssize_t)sizeof(question))
        return 0;
    /* The kernel has answered before send() returns. */
    length = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
    return length > 0 ? count_in(&answer.header, (size_t)length) : 0;
}
