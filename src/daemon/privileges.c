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
    capng_clear(CAPNG_SELECT_BOTH);
    if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) < 0)
        return -EPERM;
    /* libcap-ng before 0.8 knows no ambient set. */
    if (capng_apply(sets) < 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -EPERM;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -EPERM : 0;
}
