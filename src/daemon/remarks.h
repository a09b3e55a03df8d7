/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others have on this host that matters to diverted packets, as entries of the log. */
#ifndef IPMODD_DAEMON_REMARKS_H
#define IPMODD_DAEMON_REMARKS_H

#include "ipmodd/base/remark.h"

/* One entry for each remark that is not in TOLD, whose memory becomes that of what was told now. */
void remarks_tell(const struct remarks *remarks, struct remarks *told);

#endif
