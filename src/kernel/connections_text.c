/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The own nft table in words of nft(8). */
#include "kernel/connections_text.h"

#include <string.h>

static void print_rule(const struct config *config, const char *prefix, const char *rule,
                       const char *suffix, FILE *out)
{
    fprintf(out, "%sadd rule inet " CONNECTIONS_TABLE " prerouting %s%s\n", prefix,
            config->tun.name, rule, suffix);
}

/* What is not to be tracked comes first: a zone would not end the look-up. */
static void print_recipe(const struct config *config, const struct netfilter_findings *findings,
                         bool notracks, const char *prefix, const char *suffix, FILE *out)
{
    for (size_t i = 0; i < findings->recipe_count; i++) {
        if ((strstr(findings->recipe[i], "notrack") != NULL) == notracks)
            print_rule(config, prefix, findings->recipe[i], suffix, out);
    }
}

void connections_rules(const struct config *config, const struct netfilter_findings *findings,
                       const char *prefix, const char *suffix, FILE *out)
{
    const char *tun = config->tun.name;

    fprintf(out,
            "%sadd chain inet " CONNECTIONS_TABLE
            " prerouting { type filter hook prerouting priority raw - 10; }%s\n",
            prefix, tun, suffix);
    fprintf(out, "%sadd rule inet " CONNECTIONS_TABLE " prerouting iifname != \"%s\" accept%s\n",
            prefix, tun, tun, suffix);
    print_rule(config, prefix, "fib daddr type local accept", suffix, out);
    print_rule(config, prefix, "fib saddr type local notrack accept", suffix, out);
    print_recipe(config, findings, true, prefix, suffix, out);
    print_recipe(config, findings, false, prefix, suffix, out);
}

void connections_print(const struct config *config, const struct netfilter_findings *findings,
                       FILE *out)
{
    if (findings->recipe_count == 0)
        return;
    fprintf(out, "nft 'add table inet " CONNECTIONS_TABLE "'\n", config->tun.name);
    connections_rules(config, findings, "nft '", "'", out);
}
