/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receive packet steering of the tun device: on which processors the kernel goes on with what is
 * written to it (Documentation/networking/scaling.rst).
 *
 * Without it write(2) runs the whole way of a packet, to the next device or to the socket, before
 * it returns. With it the packet waits in a queue of the processor that its flow's hash names, and
 * the thread goes on. All packets of a flow go to one processor, so their order stays.
 *
 * Netlink has no message for it: there is a file in /sys for each queue of the device. So it needs
 * more than CAP_NET_ADMIN, which the kernel asks for with the write itself (over the host's own
 * user namespace): the file belongs to root, /sys may be read-only or that of another network
 * namespace, and under systemd a rule of udev gives the file to the service's group, some time
 * after the device has come. Hence a file that may not be opened is tried again for a while.
 *
 * Packets flow without it as well: nothing here is a failure of the diversion, but a remark. It is
 * set when a device is made and when a configuration is loaded; what somebody writes there
 * meanwhile is left alone, and taken back is only what still is as it was set here. It vanishes
 * with the device.
 */
#ifndef IPMODD_KERNEL_RPS_H
#define IPMODD_KERNEL_RPS_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/remark.h"
#include "kernel/fault.h"
#include "kernel/tun.h"

/* Zeroed at first. */
struct rps {
    uint32_t ifindex;       /* of the device that /sys was seen to show */
    struct cpu_list cpus;   /* as its queues had them then; none = nothing was set */
    struct remarks remarks; /* what keeps packets from being steered as configured */
    uint64_t due_ns;        /* when rps_work() has something to do; 0 = never */
    unsigned tries;         /* that failed since rps_begin() */
};

/* A device was made or a configuration loaded: rps_work() has something to do now. */
void rps_begin(struct rps *rps, uint64_t now_ns);

/*
 * Makes the queues of TUN as CONFIG says if that is due. 1 when `remarks` are others than before, 0
 * if not, or -ENOMEM.
 */
int rps_work(struct rps *rps, const struct config_tun *config, const struct tun *tun,
             uint64_t now_ns);

/* The processors of CONFIG that this machine has running. 0 or -errno. */
int rps_wanted(const struct config_tun *config, struct cpu_list *ret_cpus);

/*
 * Those that queue number QUEUE of the device with NAME and IFINDEX steers to. 0; -ENODEV when /sys
 * does not show that device; -ENOENT when the kernel has no steering; or another -errno.
 */
int rps_read(const char *name, uint32_t ifindex, unsigned queue, struct cpu_list *ret_cpus);

/* Where that stands: "/sys/class/net/tun0/queues/rx-0/rps_cpus". */
enum { RPS_PATH = 80 };
const char *rps_path(const char *name, unsigned queue, char buffer[static RPS_PATH]);

void rps_clear(struct rps *rps);

#endif
