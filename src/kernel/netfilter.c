/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a look at the rules of others found: made, added to, freed. */
#include "kernel/netfilter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void netfilter_findings_clear(struct netfilter_findings *findings)
{
    remarks_clear(&findings->remarks);
    free(findings->recipe);
    *findings = (struct netfilter_findings){.recipe = NULL};
}

int netfilter_recipe_add(struct netfilter_findings *findings, const char *line)
{
    char(*recipe)[NETFILTER_LINE];

    for (size_t i = 0; i < findings->recipe_count; i++) {
        if (strcmp(findings->recipe[i], line) == 0)
            return 0;
    }
    if (findings->recipe_count == NETFILTER_RECIPE_MAX || strlen(line) >= NETFILTER_LINE)
        return -E2BIG;
    recipe = reallocarray(findings->recipe, findings->recipe_count + 1, sizeof(*recipe));
    if (recipe == NULL)
        return -ENOMEM;
    findings->recipe = recipe;
    snprintf(recipe[findings->recipe_count++], NETFILTER_LINE, "%s", line);
    return 0;
}
