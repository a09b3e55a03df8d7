/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps CAP_NET_ADMIN and gives everything else up. */
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>

int privileges_give_up(void)
{
    capng_select_t sets = CAPNG_SELECT_CAPS;

    if (capng_get_caps_process() < 0)
        return -EPERM;
    /* Only who holds CAP_SETPCAP can narrow the bounding set; a unit has it narrow already. */
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1)
        sets = CAPNG_SELECT_BOTH;
    capng_clear(CAPNG_SELECT_ALL);
    if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) < 0)
        return -EPERM;
    if (capng_apply(sets) < 0 || capng_apply(CAPNG_SELECT_AMBIENT) < 0)
        return -EPERM;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -EPERM : 0;
}
