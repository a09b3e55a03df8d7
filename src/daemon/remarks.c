/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes remarks about the host to the log, each once until it is gone and comes back. */
#include "remarks.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"

#include <assert.h>

/* A policy rule in front is as its owner wants it; the others may need somebody's hand. */
static const struct {
    enum log_id id;
    enum log_level level;
    const char *name;
} entries[] = {
    [REMARK_FORWARD] = {LOG_ID_FOREIGN_NETFILTER, LEVEL_WARNING, "forward"},
    [REMARK_OUTPUT] = {LOG_ID_FOREIGN_NETFILTER, LEVEL_WARNING, "output"},
    [REMARK_NAT] = {LOG_ID_FOREIGN_NETFILTER, LEVEL_WARNING, "nat"},
    [REMARK_UNSEEN] = {LOG_ID_NETFILTER_UNSEEN, LEVEL_WARNING, "unseen"},
    [REMARK_LEGACY] = {LOG_ID_NETFILTER_UNSEEN, LEVEL_WARNING, "legacy"},
    [REMARK_CONNTRACK] = {LOG_ID_CONNTRACK, LEVEL_WARNING, "conntrack"},
    [REMARK_XFRM] = {LOG_ID_XFRM, LEVEL_WARNING, "xfrm"},
    [REMARK_RULES] = {LOG_ID_FOREIGN_RULES, LEVEL_NOTICE, "rules"},
    [REMARK_INTERFACES] = {LOG_ID_INTERFACES, LEVEL_NOTICE, "interfaces"},
    [REMARK_FORWARDING] = {LOG_ID_FORWARDING, LEVEL_NOTICE, "forwarding"},
    [REMARK_RPS] = {LOG_ID_RPS, LEVEL_WARNING, "rps"},
};
static_assert(ARRAY_SIZE(entries) == REMARK_KIND_COUNT, "an entry for each kind of remark");

static void tell(const struct remark *remark)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_REMARK", "%s", entries[remark->kind].name);
    log_write(entries[remark->kind].level, entries[remark->kind].id, &fields, "%s", remark->text);
}

static void tell_left_out(size_t count)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_LEFT_OUT", "%zu", count);
    log_write(LEVEL_NOTICE, LOG_ID_REMARKS_LEFT_OUT, &fields,
              "and %zu more remarks about this host, which `ipmodctl doctor` looks at too", count);
}

void remarks_tell(const struct remarks *remarks, struct remarks *told)
{
    struct remarks now = {.items = NULL};

    for (size_t i = 0; i < remarks->count; i++) {
        const struct remark *remark = &remarks->items[i];

        if (!remarks_have(told, remark))
            tell(remark);
        remarks_add(&now, remark->kind, "%s", remark->text);
    }
    if (remarks->left_out > 0 && remarks->left_out != told->left_out)
        tell_left_out(remarks->left_out);
    now.left_out = remarks->left_out;
    remarks_clear(told);
    *told = now;
}
