/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reload: another configuration in place of the one in force, or nothing changed at all.
 *
 * The new one is loaded beside the old by a thread of its own (loader.h), so packets of before meet
 * the old rules, packets of after the new, and none neither. [divert], rules and log-level change
 * live; [tun] does not, because the device would have to go and come back. A request that comes
 * while another is under way is answered by loading once more after it: what it was made for may
 * have been written too late for the first. The service manager gets READY=1 in every case, when
 * nothing is under way any more; log and status say how it ended.
 *
 * The way back (trial.h) is the same one with the configuration that was kept instead of the files.
 * Nothing but reload_confirm() ends a trial in favour of what is in force. A deadline that passes
 * while something is being loaded refuses that. A way back that the kernel refuses changes nothing
 * and is tried again as long as the trial lasts.
 */
#ifndef IPMODD_DAEMON_RELOAD_H
#define IPMODD_DAEMON_RELOAD_H

#include "engine.h"
#include "requester.h"
#include "trial.h"

struct reload {
    struct engine *engine;
    struct trial trial;
    unsigned trial_seconds; /* of the trial that begins with what is under way; 0: none does */
    uint64_t generation;    /* of the configuration in force; 1: that of the start */
    bool returning;         /* what is under way is the way back */
    bool unconfirmed;       /* and it is gone because the deadline has passed */
    struct requester by;    /* of what is under way, or was last */
    bool again;             /* requested once more while one is under way */
    struct requester again_by;
    bool overdue; /* the deadline passed while one is under way */
    /* What others do for it; each may be NULL. `prepare` gets ready what CONFIG asks for, or says
     * in TEXT why that cannot be: -errno. `settle` follows each that succeeded: whether CONFIG is
     * in force. `finished` is told of the end of each reload and way back: why nothing changed, or
     * NULL. `again` says then whether what was requested meanwhile comes next. */
    int (*prepare)(void *context, const struct config *config, char *text, size_t size);
    void (*settle)(void *context, bool in_force);
    void (*finished)(void *context, const char *refusal);
    void *context;
};

/* 0 or -errno. Close it also after a failure. */
int reload_open(struct reload *reload, struct engine *engine);

/* Says so when nobody has confirmed what was in force. */
void reload_close(struct reload *reload);

/* Begins to load for BY, or notes that it has to be done again. 0, or -errno when it cannot begin.
 */
int reload_request(struct reload *reload, const struct requester *by);

/*
 * The same, but what comes into force has to be confirmed within SECONDS, which are not 0.
 * -EBUSY while another one is under way.
 */
int reload_try(struct reload *reload, unsigned seconds, const struct requester *by);

/* Begins the way back. 0; -ENOENT when nothing is kept, -EBUSY; another -errno was told. */
int reload_return(struct reload *reload, const struct requester *by);

/* What is in force stays. 0; -ENOENT when there is nothing to confirm; -EBUSY when it is too late,
 * because the way back is under way. */
int reload_confirm(struct reload *reload, const struct requester *by);

/* The deadline has passed (the trial's deadline_fd): begins the way back. */
void reload_expire(struct reload *reload);

/*
 * The loader is done (its done_fd): what it brought is put in force or refused. 0, or -errno of
 * what was refused; whoever had to know has been told.
 */
int reload_finish(struct reload *reload);

#endif
