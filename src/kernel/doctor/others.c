/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a start says about others on this host, as findings. */
#include "kernel/doctor/examination.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Those of KIND; the sentence without the help that stands at its end. */
static int take_remarks(struct examination *examination, enum remark_kind kind,
                        enum finding_level level)
{
    const struct remarks *remarks = &examination->inspect.remarks;
    int r = 0;

    for (size_t i = 0; i < remarks->count && r == 0; i++) {
        const char *text = remarks->items[i].text;
        const char *help = remark_help(&remarks->items[i]);
        size_t length = help != NULL ? (size_t)(help - text) - strlen(REMARK_HELP) : strlen(text);

        if (remarks->items[i].kind == kind)
            r = examination_add(examination, level, help, "%.*s", (int)length, text);
    }
    return r;
}

int check_forward_chains(struct examination *examination)
{
    return take_remarks(examination, REMARK_FORWARD, FINDING_ERROR);
}

int check_output_rules(struct examination *examination)
{
    return take_remarks(examination, REMARK_OUTPUT, FINDING_WARNING);
}

int check_nat(struct examination *examination)
{
    int r = take_remarks(examination, REMARK_NAT, FINDING_WARNING);

    return r < 0 ? r : take_remarks(examination, REMARK_CONNTRACK, FINDING_WARNING);
}

int check_netfilter_seen(struct examination *examination)
{
    const struct remarks *remarks = &examination->inspect.remarks;
    int r = take_remarks(examination, REMARK_UNSEEN, FINDING_UNKNOWN);

    if (r == 0 && remarks->left_out > 0)
        r = examination_add(examination, FINDING_WARNING, NULL,
                            "there is more to say about %zu rules: mend what is said first",
                            remarks->left_out);
    return r;
}

int check_policy_rules(struct examination *examination)
{
    return take_remarks(examination, REMARK_RULES, FINDING_NOTE);
}

int check_interfaces(struct examination *examination)
{
    return take_remarks(examination, REMARK_INTERFACES, FINDING_WARNING);
}

int check_xfrm(struct examination *examination)
{
    return take_remarks(examination, REMARK_XFRM, FINDING_WARNING);
}

int check_forwarding6(struct examination *examination)
{
    return take_remarks(examination, REMARK_FORWARDING, FINDING_NOTE);
}
