/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asked, as fields and in words. */
#include "requester.h"

#include <stdio.h>

void requester_add_fields(const struct requester *requester, struct log_fields *fields)
{
    if (!requester->is_known)
        return;
    log_fields_add(fields, "IPMODD_CLIENT_UID", "%u", (unsigned)requester->peer.uid);
    log_fields_add(fields, "IPMODD_CLIENT_PID", "%d", (int)requester->peer.pid);
}

const char *requester_text(const struct requester *requester, char text[static REQUESTER_TEXT])
{
    text[0] = '\0';
    if (requester->is_known)
        snprintf(text, REQUESTER_TEXT, ", asked for by user %u (process %d)",
                 (unsigned)requester->peer.uid, (int)requester->peer.pid);
    return text;
}
