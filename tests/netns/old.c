/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hides from ipmodd what older kernels lack; linked into ipmodd for tests.
 *
 * The linker's --wrap leads the calls of the program here, so what is installed has no hook at all.
 * IPMODD_HIDE is a list of names of features with commas between them, or a version: all that came
 * later than that version is hidden. What a call then answers is what an older kernel answers
 * (tests/vm runs the same tests under real ones).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Since Linux 6.2 (TUN_F_) and 5.18 (IFA_PROTO); headers may be older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum {
    ATTR_IFA_PROTO = 11,
    ATTR_UNKNOWN = 0x3ffe,
    MESSAGE_UNKNOWN = 0xfff0, /* the kernel answers EOPNOTSUPP */
    FLAGS_TSO = TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
    FLAGS_USO = TUN_F_USO4 | TUN_F_USO6,
};

enum feature {
    FEATURE_FORCE_FORWARDING,
    FEATURE_USO,
    FEATURE_ADDRESS_PROTOCOL,
    FEATURE_NFT_OWNER,
    FEATURE_NEXTHOP,
    FEATURE_TSO,
    FEATURE_COUNT,
};

static const struct {
    const char *name;
    int major, minor; /* the version that brought it */
} features[FEATURE_COUNT] = {
    [FEATURE_FORCE_FORWARDING] = {"force_forwarding", 6, 17},
    [FEATURE_USO] = {"uso", 6, 2},
    [FEATURE_ADDRESS_PROTOCOL] = {"address-protocol", 5, 18},
    [FEATURE_NFT_OWNER] = {"nft-owner", 5, 12},
    [FEATURE_NEXTHOP] = {"nexthop", 5, 3},
    [FEATURE_TSO] = {"tso", 0, 0}, /* by its name alone: every kernel of today has it */
};

static bool hidden[FEATURE_COUNT];

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
ssize_t __real_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
ssize_t __real_live_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_live_write(int fd, const void *bytes, size_t length);
ssize_t __real_live_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_live_writev(int fd, const struct iovec *parts, int count);
ssize_t __real_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
int __real_nl_sendto(struct nl_sock *socket, void *buffer, size_t size);
int __wrap_nl_sendto(struct nl_sock *socket, void *buffer, size_t size);
int __real_nl_socket_add_membership(struct nl_sock *socket, int group);
int __wrap_nl_socket_add_membership(struct nl_sock *socket, int group);

static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length) {
        if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *text = getenv("IPMODD_HIDE");
    int major = 0, minor = 0;
    bool is_version;

    if (text == NULL)
        return;
    is_version = sscanf(text, "%d.%d", &major, &minor) == 2;
    for (int i = 0; i < FEATURE_COUNT; i++) {
        bool is_later = features[i].major > major ||
                        (features[i].major == major && features[i].minor > minor);

        hidden[i] = is_version ? is_later : is_listed(text, features[i].name);
    }
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

int __wrap_open64(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if ((flags & O_CREAT) != 0) {
        va_list arguments;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (hidden[FEATURE_FORCE_FORWARDING] && strstr(path, "/force_forwarding") != NULL)
        return refuse(ENOENT);
    return __real_open64(path, flags, mode);
}

static int tun_fd = -1;

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    unsigned long argument;

    va_start(arguments, request);
    argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    if (request == TUNSETIFF)
        tun_fd = fd;
    if (request == TUNSETOFFLOAD && ((hidden[FEATURE_USO] && (argument & FLAGS_USO) != 0) ||
                                     (hidden[FEATURE_TSO] && (argument & FLAGS_TSO) != 0)))
        return refuse(EINVAL);
    return __real_ioctl(fd, request, argument);
}

static bool is_unknown_to_tun(int fd, const void *bytes)
{
    const struct virtio_net_hdr *header = bytes;

    if (fd != tun_fd)
        return false;
    switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return hidden[FEATURE_USO];
    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return hidden[FEATURE_TSO];
    default:
        return false;
    }
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size)
{
    return is_unknown_to_tun(fd, buffer) ? refuse(EINVAL) : __real_write(fd, buffer, size);
}

ssize_t __wrap_live_write(int fd, const void *bytes, size_t length)
{
    return is_unknown_to_tun(fd, bytes) ? refuse(EINVAL) : __real_live_write(fd, bytes, length);
}

ssize_t __wrap_live_writev(int fd, const struct iovec *parts, int count)
{
    return is_unknown_to_tun(fd, parts[0].iov_base) ? refuse(EINVAL)
                                                    : __real_live_writev(fd, parts, count);
}

/* An attribute with a number that nobody knows is passed over on both sides. */
static void hide_address_protocol(void *buffer, size_t size)
{
    int left = (int)size;

    for (struct nlmsghdr *header = buffer; nlmsg_ok(header, left);
         header = nlmsg_next(header, &left)) {
        struct nlattr *attr;

        if (header->nlmsg_type != RTM_NEWADDR && header->nlmsg_type != RTM_DELADDR)
            continue;
        attr = nlmsg_find_attr(header, sizeof(struct ifaddrmsg), ATTR_IFA_PROTO);
        if (attr != NULL)
            attr->nla_type = ATTR_UNKNOWN;
    }
}

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t length = __real_recv(fd, buffer, size, flags);

    if (hidden[FEATURE_ADDRESS_PROTOCOL] && length > 0 && (size_t)length <= size)
        hide_address_protocol(buffer, (size_t)length);
    return length;
}

int __wrap_nl_sendto(struct nl_sock *socket, void *buffer, size_t size)
{
    struct nlmsghdr *header = buffer;

    if (hidden[FEATURE_NEXTHOP] && header->nlmsg_type == RTM_GETNEXTHOP)
        header->nlmsg_type = MESSAGE_UNKNOWN;
    if (hidden[FEATURE_ADDRESS_PROTOCOL])
        hide_address_protocol(buffer, size);
    return __real_nl_sendto(socket, buffer, size);
}

int __wrap_nl_socket_add_membership(struct nl_sock *socket, int group)
{
    if (hidden[FEATURE_NEXTHOP] && group == RTNLGRP_NEXTHOP)
        return -NLE_INVAL;
    return __real_nl_socket_add_membership(socket, group);
}

#ifdef HAVE_NFTABLES
#include <nftables/libnftables.h>

static bool owner_refused;

int __real_nft_run_cmd_from_buffer(struct nft_ctx *nft, const char *script);
int __wrap_nft_run_cmd_from_buffer(struct nft_ctx *nft, const char *script);
const char *__real_nft_ctx_get_error_buffer(struct nft_ctx *nft);
const char *__wrap_nft_ctx_get_error_buffer(struct nft_ctx *nft);

int __wrap_nft_run_cmd_from_buffer(struct nft_ctx *nft, const char *script)
{
    owner_refused = hidden[FEATURE_NFT_OWNER] && strstr(script, "flags owner") != NULL;
    return owner_refused ? -1 : __real_nft_run_cmd_from_buffer(nft, script);
}

const char *__wrap_nft_ctx_get_error_buffer(struct nft_ctx *nft)
{
    return owner_refused ? "Error: Could not process rule: Invalid argument\n"
                         : __real_nft_ctx_get_error_buffer(nft);
}
#endif
