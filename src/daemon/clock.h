/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks of the daemon. Its zone (zone.h) is read at the start and at each reload. */
#ifndef IPMODD_DAEMON_CLOCK_H
#define IPMODD_DAEMON_CLOCK_H

#include "ipmodd/base/clock.h"
#include "ipmodd/base/moment.h"
#include "ipmodd/base/zone.h"

/* The moment that it is. */
struct moment clock_read(struct zone *zone);

#endif
