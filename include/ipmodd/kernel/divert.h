/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Divert: everything that ipmodd asks of Linux so that packets come to tun0 and go on from there.
 *
 * From the configuration and the main table one list of wanted objects is computed (wanted.h); one
 * function makes the kernel equal to it. That function runs at start, after every netlink event
 * that could matter, at reload and at exit (wanted = nothing). Only our own objects are ever
 * touched.
 *
 * Driven from outside: the caller polls divert_monitor_fd() and calls divert_dispatch() when it is
 * readable, and divert_tick() when divert_timeout_ms() has passed. Nothing here blocks longer than
 * one netlink exchange with the kernel.
 *
 * Errors are -errno; the text of the step that failed (for a log line or stderr) is in
 * divert_error_text() until the next call.
 */
#ifndef IPMODD_KERNEL_DIVERT_H
#define IPMODD_KERNEL_DIVERT_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/host_view.h"
#include "ipmodd/base/offload.h"
#include "ipmodd/base/remark.h"

#include <stdio.h>

struct divert;

/*
 * The protocol number of every rule, route and address of ours (rtnetlink(7); iproute2 shows it as
 * a number or as the name that rt_protos gives it). Nobody else is known to use it.
 */
enum { DIVERT_PROTOCOL = 213 };

/* How things stand after a dispatch or tick. */
struct divert_news {
    bool host_view_changed; /* divert_host_view() is a new object */
    bool repaired;          /* something of ours was missing or foreign and was made right */
    bool tun_lost;          /* tun0 was deleted; divert_has_tun() tells whether it is back */
    bool loop_found;        /* the kernel would route a packet from tun0 to tun0 again; prefixes
                               that main sends to tun0 are in the host view, to be dropped */
    bool remarks_changed;   /* a look that a reload asked for brought something: divert_remarks() is
                               anew */
    bool foreign;           /* somebody else's route is in our table; it stays */
    uint32_t guards_moved;  /* the guards stand at this priority now, because of somebody else's
                               rule in front of them, or where they belong again; 0 = no move */
    bool incomplete;        /* something could not be made; divert_error_text() says what. It is
                               tried again with growing delays */
};

/*
 * Takes the lock, checks that the link name and table are free, creates the tun device, and makes
 * the kernel state. On failure everything is undone. -EPERM (no capability), -ENXIO (no
 * /dev/net/tun), -EBUSY (an instance with this name, table or divert priority is running), -EEXIST
 * (link, table or priority of the guards is somebody else's), -ELOOP (what comes out of tun0 would
 * be routed into it), -ECANCELED (foreign-netfilter = refuse, and there is something to warn
 * about), or another -errno. Rules of others with the divert priority are no obstacle.
 */
int divert_start(const struct config *config, struct divert **ret_divert);

/* The text of the last failure of DIVERT, or with NULL of the last failed divert_start(),
 * divert_stop() or divert_cleanup_host(). */
const char *divert_error_text(const struct divert *divert);

/*
 * Of queue number QUEUE. Non-blocking, IFF_NO_PI, with a virtio-net header of 10 bytes in
 * little-endian order; owned by DIVERT and the same for its whole life. A packet is written to the
 * queue that it was read from.
 */
int divert_tun_fd(const struct divert *divert, unsigned queue);

/* Whether super-packets of CLASS come from the device and are taken by it. */
bool divert_has_offload(const struct divert *divert, enum offload_class class);

/*
 * The device refused super-packets of CLASS: none will come any more. 1, 0 if none came already, or
 * -errno.
 */
int divert_give_up_offload(struct divert *divert, enum offload_class class);

/* Where the kernel goes on with packets, by our doing; none = where they are written. Borrowed. */
const struct cpu_list *divert_rps(const struct divert *divert);

int divert_monitor_fd(const struct divert *divert);

/* Reads what the monitor has and makes the kernel state right again where needed. */
int divert_dispatch(struct divert *divert, struct divert_news *ret_news);

/* Milliseconds until divert_tick() has something to do; -1: nothing. */
int divert_timeout_ms(const struct divert *divert);
int divert_tick(struct divert *divert, struct divert_news *ret_news);

/*
 * False from the moment that somebody is seen to have deleted the device until it is back, on the
 * same descriptors; whatever call it is that makes it again.
 */
bool divert_has_tun(const struct divert *divert);

/* The packet path found a tun descriptor dead (EBADFD): have divert_tick() recreate the device. */
void divert_tun_failed(struct divert *divert);

/*
 * New [divert] settings; [tun] name must be the same. Difference only, no moment without the rules
 * that both have. On failure the old state is restored and -errno returned. With the settings that
 * are in force nothing is asked of the kernel now: divert_tick() looks at everything soon after,
 * also at what the monitor does not tell of.
 */
int divert_reload(struct divert *divert, const struct config *config);

/* Borrowed, valid until the next call that is not const: who needs it longer takes a reference. */
const struct host_view *divert_host_view(const struct divert *divert);

/*
 * What others have on this host that matters to diverted packets, as the last start or reload found
 * it. Borrowed; valid until the next reload or remarks_changed.
 */
const struct remarks *divert_remarks(const struct divert *divert);

/*
 * Dropped in silence by the full queue of the tun device since it exists; as of the last time that
 * the kernel told.
 */
uint64_t divert_tun_tx_dropped(struct divert *divert);

/*
 * First half of a stop: no new packet is diverted from here on. What waits in tun0's queue can
 * still be read and written back; then call divert_stop(). 0 or -errno.
 */
int divert_withdraw(struct divert *divert);

/* Undoes everything and frees; NULL is allowed. 0 or the first -errno (it goes on after one). */
int divert_stop(struct divert *divert);

/* The wanted list of this host with CONFIG, as `ip` and `sysctl` commands; changes nothing. */
int divert_print_plan(const struct config *config, FILE *out);

/*
 * Sweeps what a killed process left: rules, routes, settings from the state file. -EBUSY while an
 * instance runs. With on-exit = closed the guard that keeps traffic in stays in force.
 */
int divert_cleanup_host(const struct config *config);

#endif
