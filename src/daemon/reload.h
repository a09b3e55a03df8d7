/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reload: a new configuration in place of the one in force, or nothing changed at all.
 *
 * The new one is loaded beside the old by a thread of its own (loader.h), so packets of before meet
 * the old rules, packets of after the new, and none neither. [divert], rules and log-level change
 * live; [tun] does not, because the device would have to go and come back. A request that comes
 * while another is under way is answered by loading once more after it: what it was made for may
 * have been written too late for the first. The service manager gets READY=1 in every case, when
 * nothing is under way any more; log and status say how it ended.
 */
#ifndef IPMODD_DAEMON_RELOAD_H
#define IPMODD_DAEMON_RELOAD_H

#include "engine.h"

struct reload {
    struct engine *engine;
    bool again; /* requested once more while one is under way */
    /* Is told of the end of each reload that was requested: why nothing changed, or NULL. */
    void (*finished)(void *context, const char *refusal);
    void *finished_context;
};

/* Begins to load, or notes that it has to be done again. 0, or -errno when it cannot begin. */
int reload_request(struct reload *reload);

/*
 * The loader is done (its done_fd): what it brought is put in force or refused. 0, or -errno of
 * what was refused; whoever had to know has been told.
 */
int reload_finish(struct reload *reload);

#endif
