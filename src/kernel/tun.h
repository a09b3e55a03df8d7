/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tun device: made, configured, made again on the same descriptors when somebody deleted it.
 *
 * It has a descriptor for each of its queues. The kernel spreads flows over the queues, by a hash
 * of addresses and ports that is the same for both directions, and remembers on which queue a flow
 * was last written: who reads a packet from a queue writes it back to the same one. It belongs to
 * the user of this process, or everybody could have a queue of it.
 *
 * Each packet of it has a virtio-net header in front, little-endian and of 10 bytes. What the
 * kernel may leave to be done (super-packets, partial checksums) is a set of offload classes, each
 * tried once by writing a super-packet of it while the device is down: a kernel that knows the
 * class says that the device is down, another that the packet is invalid.
 *
 * It vanishes with its descriptors, and everything that hangs on it with it. It is kept quiet: no
 * link-local address of its own, no router solicitations, no membership in multicast groups, so
 * that what is read from it is what was diverted.
 */
#ifndef IPMODD_KERNEL_TUN_H
#define IPMODD_KERNEL_TUN_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/offload.h"
#include "kernel/device.h"
#include "kernel/fault.h"
#include "kernel/netlink.h"

struct tun {
    int fds[QUEUES_MAX];
    unsigned queues;   /* descriptors that there are */
    unsigned attached; /* how many of them, from the first on, are queues of the device */
    uint32_t made;     /* the ifindex that the first of them made */
    char name[IFNAMSIZ];
    uint32_t ifindex;       /* 0 = there is none right now */
    unsigned offloads;      /* 1u << enum offload_class of those in use */
    bool partial_checksums; /* offloads are wanted at all */
};

#define TUN_INIT ((struct tun){.queues = 0})

/* -EPERM with FAULT set if this process may not change the network. */
int tun_check_permission(struct fault *fault);

/*
 * Opens /dev/net/tun and makes the device of CONFIG, with all offloads that the kernel has or with
 * none. -EPERM, -ENOENT, -ENODEV, -EEXIST (a link of that name is there), or another -errno, with
 * FAULT set.
 */
int tun_open(struct tun *tun, const struct config_tun *config, struct fault *fault);

/*
 * Deletes the device that somebody gave another name: rules and settings name the one that it
 * should have, and its packets would pass by the guards. -errno with FAULT set.
 */
int tun_discard(const struct tun *tun, struct netlink *netlink, struct fault *fault);

/* The device again on the same descriptors, after it was deleted. */
int tun_recreate(struct tun *tun, struct fault *fault);

/*
 * Has the device belong to GROUP as well: who is not of it, or not its owner, must be allowed to
 * administrate the network to have a queue. 0 or -errno.
 */
int tun_set_group(const struct tun *tun, gid_t group);

/* Super-packets of CLASS come no more. 1 if they did before, 0 if not, or -errno with FAULT set. */
int tun_give_up_offload(struct tun *tun, enum offload_class class, struct fault *fault);

/* Settings under net.ipv6.conf that keep it quiet, in the order in which they work. */
enum { TUN_QUIET_COUNT = 6 };
struct tun_quiet {
    const char *name;
    int32_t value;
};
extern const struct tun_quiet tun_quiet[TUN_QUIET_COUNT];

/*
 * Packets that a queue of the device holds; the kernel drops what finds it full. A thread that
 * computes can keep a processor from ours until the scheduler's next tick or two, 4 ms each at 250
 * a second: this many wait for that long at 100,000 packets a second, the kernel's own 500 do not.
 */
enum { TUN_QUEUE_PACKETS = 1000 };

/* What the device should be like. */
struct tun_settings {
    uint32_t mtu;
    uint32_t group; /* of devices */
    int32_t rp_filter;
    bool has_ipv6; /* the host has IPv6 at all */
};

/*
 * Makes the device, as DEVICE shows it now, equal to SETTINGS and sets it up; nothing is sent when
 * it is so already. The length of its queue is set with that, and another one is left alone later
 * unless it is 0, which lets nothing pass.
 * 1 if something was changed, 0 if not, or -errno with FAULT set.
 */
int tun_configure(const struct tun *tun, const struct device *device,
                  const struct tun_settings *settings, struct netlink *netlink,
                  struct fault *fault);

/* Closes the descriptors; the device vanishes. */
void tun_close(struct tun *tun);

#endif
