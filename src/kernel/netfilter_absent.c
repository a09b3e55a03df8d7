/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Built without libnftables: says that nobody looked at the rules of others. */
#include "kernel/connections.h"
#include "kernel/netfilter.h"

#include <errno.h>

int netfilter_ask(struct netfilter_question *question, const struct config *config)
{
    (void)config;
    *question = NETFILTER_QUESTION_INIT;
    return 0;
}

int netfilter_answer(struct netfilter_question *question, int timeout_ms,
                     struct netfilter_findings *ret_findings)
{
    struct netfilter_findings findings = {.recipe = NULL};

    (void)question;
    (void)timeout_ms;
    if (remarks_add(&findings.remarks, REMARK_UNSEEN,
                    "netfilter: the rules of others are not looked at, this ipmodd was built "
                    "without libnftables") < 0)
        return -ENOMEM;
    *ret_findings = findings;
    return 1;
}

void netfilter_drop(struct netfilter_question *question)
{
    *question = NETFILTER_QUESTION_INIT;
}

/* Without findings there is never a recipe. */
int connections_set(struct connections *connections, const struct config *config,
                    const struct netfilter_findings *findings, struct fault *fault)
{
    (void)connections;
    (void)config;
    return findings->recipe_count == 0
               ? 0
               : fault_explain(fault, -EOPNOTSUPP, "built without libnftables");
}

void connections_close(struct connections *connections)
{
    (void)connections;
}
