/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process may do once the diversion stands: CAP_NET_ADMIN and nothing else, for good.
 *
 * The uid stays as it is. Under systemd it is the service's own user. Started as root by hand it
 * stays 0, because a reload must read the same files as the start did and the state under /run
 * belongs to whoever made it; but uid 0 without capabilities passes no permission check that its
 * files' owner would not. Kernel settings under /proc/sys/net are open to CAP_NET_ADMIN.
 */
#ifndef IPMODD_DAEMON_PRIVILEGES_H
#define IPMODD_DAEMON_PRIVILEGES_H

/*
 * Gives up every other capability, in all sets, and the ability to gain any by executing a file.
 * 0, or -EPERM when the kernel would not.
 */
int privileges_give_up(void);

#endif
