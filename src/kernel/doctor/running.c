/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a running daemon tells of its work. */
#include "kernel/doctor/examination.h"

#include "kernel/rps.h"

#include <inttypes.h>
#include <stdio.h>

/* A class that the kernel never had is no news to anybody; one that it refused on the way is. */
int check_offload(struct examination *examination)
{
    const struct doctor_daemon *daemon = examination->daemon;
    int r = 0;

    if (!daemon->answers)
        return 0;
    if (!examination->config->tun.offload)
        return examination_add(examination, FINDING_NOTE, "[tun] offload = auto",
                               "super-packets are switched off: a fraction of the throughput");
    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT && r == 0; i++) {
        if (daemon->offload_refused[i] > 0)
            r = examination_add(examination, FINDING_WARNING, "systemctl restart ipmodd",
                                "the kernel refused %" PRIu64 " super-packets of class %s: they "
                                "were cut up and sent%s",
                                daemon->offload_refused[i], offload_class_name(i),
                                (daemon->offload & 1u << i) != 0 ? ""
                                                                 : ", and none are used since");
        else if ((daemon->offload & 1u << i) == 0)
            r = examination_add(examination, FINDING_NOTE, NULL,
                                "this kernel has no super-packets of class %s: such packets come "
                                "one by one",
                                offload_class_name(i));
    }
    return r;
}

int check_ttl(struct examination *examination)
{
    uint64_t count = examination->daemon->ttl_255;

    if (count == 0)
        return 0;
    return examination_add(examination, FINDING_WARNING,
                           "[divert] exclude = the addresses of those neighbours",
                           "%" PRIu64 " packets were sent with TTL or hop limit 255 and left with "
                           "254: neighbours that ask for 255 (RFC 5082, BFD) drop them",
                           count);
}

int check_queue(struct examination *examination)
{
    unsigned queues = examination->config->tun.queues;
    uint64_t count = examination->daemon->queue_dropped;
    char mend[MEND_TEXT];

    if (count == 0)
        return 0;
    snprintf(mend, sizeof(mend), "[tun] queues = %u", MIN_OF(2 * queues, (unsigned)QUEUES_MAX));
    return examination_add(examination, FINDING_WARNING, mend,
                           "%" PRIu64 " packets found the queue of the tun device full and were "
                           "lost",
                           count);
}

/* What the daemon set is told by it; what is there now may be somebody else's doing. */
int check_rps(struct examination *examination)
{
    const struct config_tun *tun = &examination->config->tun;
    struct cpu_list wanted, there;
    char path[RPS_PATH];
    int r;

    if (!examination->diverts || examination->tun == NULL ||
        (!tun->rps_all && cpu_list_is_empty(&tun->rps)))
        return 0;
    r = rps_wanted(tun, &wanted);
    for (unsigned i = 0; i < tun->queues && r == 0; i++) {
        r = rps_read(tun->name, examination->tun->ifindex, i, &there);
        if (r == 0 && (cpu_list_is_empty(&there) || cpu_list_is_empty(&wanted)))
            return examination_add(examination, FINDING_WARNING,
                                   "ipmodctl reload; journalctl -u ipmodd -g rps",
                                   "%s is not set: the kernel goes on with packets where they are "
                                   "written",
                                   rps_path(tun->name, i, path));
    }
    return r < 0 ? fault_set(&examination->fault, r, "%s", rps_path(tun->name, 0, path)) : r;
}
