/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reload: a new configuration in place of the one in force, or nothing changed at all.
 *
 * The new one is loaded beside the old, so packets of before meet the old rules, packets of after
 * the new, and none neither. [divert], rules and log-level change live; [tun] does not, because the
 * device would have to go and come back. The service manager gets READY=1 in every case; log and
 * status say how it ended.
 */
#ifndef IPMODD_DAEMON_RELOAD_H
#define IPMODD_DAEMON_RELOAD_H

#include "engine.h"

/*
 * Between two batches only. 0, or -errno of what was refused; whoever had to know has been told.
 */
int reload_run(struct engine *engine);

#endif
