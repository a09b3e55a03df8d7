/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes remarks about the host to the log, each once until it is gone and comes back. */
#include "remarks.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/log/log.h"

#include <assert.h>

/* A policy rule in front is as its owner wants it; the others may need somebody's hand. */
static const struct {
    enum log_id id;
    enum log_level level;
} entries[] = {
    [REMARK_FORWARD] = {LOG_ID_FOREIGN_NETFILTER, LEVEL_WARNING},
    [REMARK_OUTPUT] = {LOG_ID_FOREIGN_NETFILTER, LEVEL_WARNING},
    [REMARK_NAT] = {LOG_ID_FOREIGN_NETFILTER, LEVEL_WARNING},
    [REMARK_UNSEEN] = {LOG_ID_NETFILTER_UNSEEN, LEVEL_WARNING},
    [REMARK_LEGACY] = {LOG_ID_NETFILTER_UNSEEN, LEVEL_WARNING},
    [REMARK_CONNTRACK] = {LOG_ID_CONNTRACK, LEVEL_WARNING},
    [REMARK_XFRM] = {LOG_ID_XFRM, LEVEL_WARNING},
    [REMARK_RULES] = {LOG_ID_FOREIGN_RULES, LEVEL_NOTICE},
    [REMARK_INTERFACES] = {LOG_ID_INTERFACES, LEVEL_NOTICE},
    [REMARK_FORWARDING] = {LOG_ID_FORWARDING, LEVEL_NOTICE},
};
static_assert(ARRAY_SIZE(entries) == REMARK_KIND_COUNT, "an entry for each kind of remark");

void remarks_tell(const struct remarks *remarks, struct remarks *told)
{
    struct remarks now = {.items = NULL};

    for (size_t i = 0; i < remarks->count; i++) {
        const struct remark *remark = &remarks->items[i];

        if (!remarks_have(told, remark))
            log_write(entries[remark->kind].level, entries[remark->kind].id, NULL, 0, "%s",
                      remark->text);
        remarks_add(&now, remark->kind, "%s", remark->text);
    }
    if (remarks->left_out > 0 && remarks->left_out != told->left_out)
        log_notice(LOG_ID_NONE, "and %zu more remarks of this kind", remarks->left_out);
    now.left_out = remarks->left_out;
    remarks_clear(told);
    *told = now;
}
