/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that help against what netfilter does to diverted packets. */
#include "netfilter_judge.h"

#include <inttypes.h>
#include <string.h>

/* Where the names behind "oif" or "oifname" end. */
static const char *end_of_names(const char *names)
{
    const char *end = names[0] == '{' ? strchr(names, '}') : strchr(names + 1, '"');

    return end != NULL ? end + 1 : NULL;
}

/* RULE, in words, for TUN in place of the devices that it names; false if that cannot be said. */
static bool rename_device(const char *rule, const char *which, const char *tun, char *text,
                          size_t size)
{
    const char *key = strstr(rule, which);
    const char *names = key != NULL ? strchr(key, ' ') : NULL;
    const char *rest =
        names != NULL && (names[1] == '"' || names[1] == '{') ? end_of_names(names + 1) : NULL;

    /* What iptables has and nft does not know cannot be given to nft. */
    if (rest == NULL || strstr(rule, "xt ") != NULL || strchr(rule, '\'') != NULL)
        return false;
    return (size_t)snprintf(text, size, "%.*s%sname \"%s\"%s", (int)(key - rule), rule, which, tun,
                            rest) < size;
}

void advise_same_for(const struct judge *judge, const struct found *found, const char *which,
                     char line[static ADVICE_LINE])
{
    const struct model_chain *chain = found->chain;
    const char *tun = judge->config->tun.name;
    const char *rule = judge->words->find(judge->words->context, chain->family, chain->table,
                                          chain->name, found->rule->handle);
    char text[ADVICE_LINE - 128];

    if (rule != NULL && rename_device(rule, which, tun, text, sizeof(text)))
        snprintf(line, ADVICE_LINE, "nft 'add rule %s %s %s handle %" PRId64 " %s'", chain->family,
                 chain->table, chain->name, found->rule->handle, text);
    else
        snprintf(line, ADVICE_LINE,
                 "the same rule for %s, next to handle %" PRId64 " in `nft -a list chain %s %s %s`",
                 tun, found->rule->handle, chain->family, chain->table, chain->name);
}

static bool is_iptables(const struct model_chain *chain)
{
    return strcmp(chain->family, "inet") != 0 &&
           strspn(chain->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(chain->name);
}

static const char *iptables_tool(const struct model_chain *chain)
{
    return strcmp(chain->family, "ip6") == 0 ? "ip6tables" : "iptables";
}

void advise_forward(const struct judge *judge, const struct model_chain *base, bool output,
                    char line[static NETFILTER_LINE])
{
    const char *tun = judge->config->tun.name;

    if (model_find(judge->model, base, "ufw-before-forward") != NULL ||
        model_find(judge->model, base, "ufw6-before-forward") != NULL)
        snprintf(line, NETFILTER_LINE, "ufw route allow %s on %s", output ? "out" : "in", tun);
    else if (strcmp(base->table, "firewalld") == 0)
        snprintf(line, NETFILTER_LINE, "firewall-cmd --zone=trusted --add-interface=%s", tun);
    else if (is_iptables(base))
        snprintf(line, NETFILTER_LINE, "%s -t %s -I %s -%c %s -j ACCEPT", iptables_tool(base),
                 base->table,
                 model_find(judge->model, base, "DOCKER-USER") != NULL ? "DOCKER-USER" : base->name,
                 output ? 'o' : 'i', tun);
    else
        snprintf(line, NETFILTER_LINE, "nft insert rule %s %s %s %cifname \"%s\" accept",
                 base->family, base->table, base->name, output ? 'o' : 'i', tun);
}
