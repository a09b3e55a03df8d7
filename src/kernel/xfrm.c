/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the kernel how many IPsec policies it has. */
#include "kernel/xfrm.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
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

/* -ERROR where there was no room to ask; 0 where there is nobody to be asked, or not by us. */
static int no_answer(int error)
{
    bool is_want = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;

    return is_want ? -error : 0;
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
    if (fd < 0 || send(fd, &question, sizeof(question), 0) < 0)
        return no_answer(errno);
    /* The kernel has answered before send() returns. */
    length = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
    if (length < 0)
        return no_answer(errno);
    *ret_count = count_in(&answer.header, (size_t)length);
    return 0;
}
