/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon tells of a probe, while it watches. */
#ifndef IPMODD_CTL_PATH_DAEMON_H
#define IPMODD_CTL_PATH_DAEMON_H

#include "connection.h"
#include "path_probe.h"

struct path_daemon {
    struct connection connection; /* its stream; closed: no daemon that tells */
    char device[16];              /* of the daemon; "" = not known */
    bool is_mute;                 /* one is there, and does not answer */
};

/* Has the daemon watch for PROBE, which is not sent yet; says nothing when there is none. */
void path_daemon_open(struct path_daemon *daemon, const struct options *options,
                      const struct probe *probe);

/* What it tells of PROBE, owned by the caller; NULL when nothing comes in time. */
json_t *path_daemon_find(struct path_daemon *daemon, const struct probe *probe);

void path_daemon_close(struct path_daemon *daemon);

#endif
