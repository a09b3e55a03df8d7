/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the rules of others, table by table, and has them judged. */
#include "netfilter_look.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int netfilter_remark_refusal(struct remarks *remarks, const char *text)
{
    return remarks_add(remarks, REMARK_UNSEEN,
                       "netfilter: the rules of others could not be looked at: %.*s",
                       (int)strcspn(text, "\n"), text);
}

/* iptables-legacy keeps its rules where libnftables does not see them. */
static int remark_legacy(struct remarks *remarks, const char *path, const char *tool)
{
    CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
    char names[128] = "";
    size_t used;

    if (file == NULL)
        return 0;
    used = fread(names, 1, sizeof(names) - 1, file);
    names[used] = '\0';
    for (char *c = names; *c != '\0'; c++)
        *c = *c == '\n' ? ' ' : *c;
    if (used == 0)
        return 0;
    return remarks_add(remarks, REMARK_LEGACY,
                       "netfilter: %s has tables whose rules cannot be seen: %s" REMARK_HELP
                       "look at `%s-save` for rules on output interface or mark, and for a FORWARD "
                       "chain that drops",
                       tool, names, tool);
}

/* The names of its tables are for root's eyes; modules are for everybody's, but of all namespaces.
 */
static int remark_legacy_modules(struct remarks *remarks)
{
    CLEANUP(cleanup_file) FILE *file = fopen("/proc/modules", "re");
    char line[512];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "iptable_", 8) == 0 || strncmp(line, "ip6table_", 9) == 0)
            return remarks_add(remarks, REMARK_LEGACY,
                               "netfilter: module %.*s is loaded, so there may be rules of "
                               "iptables-legacy, which cannot be seen" REMARK_HELP "look at "
                               "`iptables-legacy-save`",
                               (int)strcspn(line, " "), line);
    }
    return 0;
}

static int note_legacy(struct remarks *remarks)
{
    int r;

    if (access("/proc/self/net/ip_tables_names", R_OK) < 0 && errno == EACCES)
        return remark_legacy_modules(remarks);
    r = remark_legacy(remarks, "/proc/self/net/ip_tables_names", "iptables-legacy");
    return r < 0 ? r
                 : remark_legacy(remarks, "/proc/self/net/ip6_tables_names", "ip6tables-legacy");
}

/* The chain that was asked about last, in words, and the rule that was given of it. */
struct words_source {
    struct nft_ctx *nft;
    char command[512];
    char *chain; /* owned, NULL = not known; so is the rule */
    char *rule;
};

static void words_source_clear(struct words_source *source)
{
    free(source->chain);
    free(source->rule);
    source->chain = source->rule = NULL;
    source->command[0] = '\0';
}

/* Copies the rule with HANDLE out of TEXT; NULL if it is not there. */
static char *copy_rule(const char *text, int64_t handle)
{
    char mark[40];
    const char *end;
    const char *start;

    snprintf(mark, sizeof(mark), " # handle %" PRId64 "\n", handle);
    end = strstr(text, mark);
    start = end != NULL ? memrchr(text, '\n', (size_t)(end - text)) : NULL;
    if (start == NULL)
        return NULL;
    start += 1 + strspn(start + 1, "\t ");
    return strndup(start, (size_t)(end - start));
}

static const char *find_words(void *context, const char *family, const char *table,
                              const char *chain, int64_t handle)
{
    struct words_source *source = context;
    char command[sizeof(source->command)];

    if ((size_t)snprintf(command, sizeof(command), "list chain %s %s %s", family, table, chain) >=
        sizeof(command))
        return NULL;
    if (strcmp(command, source->command) != 0) {
        words_source_clear(source);
        strcpy(source->command, command);
        nft_ctx_output_set_flags(source->nft, NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_STATELESS);
        if (nft_run_cmd_from_buffer(source->nft, command) == 0)
            source->chain = strdup(nft_ctx_get_output_buffer(source->nft));
    }
    free(source->rule);
    source->rule = source->chain != NULL ? copy_rule(source->chain, handle) : NULL;
    return source->rule;
}

/* Copies what COMMAND says; NULL, with a remark, when it fails. */
static char *ask_nft(struct nft_ctx *nft, const char *command, unsigned flags,
                     struct netfilter_findings *findings)
{
    nft_ctx_output_set_flags(nft, flags);
    if (nft_run_cmd_from_buffer(nft, command) == 0)
        return strdup(nft_ctx_get_output_buffer(nft));
    netfilter_remark_refusal(&findings->remarks, nft_ctx_get_error_buffer(nft));
    return NULL;
}

/* TABLE is "FAMILY NAME". Elements of named sets say nothing here, and there can be millions. */
static int judge_table(struct nft_ctx *nft, const char *table, const struct config *config,
                       struct netfilter_findings *findings)
{
    struct words_source source = {.nft = nft};
    const struct netfilter_words words = {.find = find_words, .context = &source};
    char command[256];
    char *rules;
    int r;

    snprintf(command, sizeof(command), "list table %s", table);
    rules = ask_nft(nft, command, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE, findings);
    if (rules == NULL)
        return 0;
    r = netfilter_judge(rules, config, &words, findings);
    words_source_clear(&source);
    free(rules);
    return r == -EBADMSG ? netfilter_remark_refusal(&findings->remarks, command) : r;
}

/*
 * Table by table, and none of ours: libnftables 1.0.6 writes broken JSON for one that has the flag
 * `owner`, which would take the others with it.
 */
static int judge_tables(struct nft_ctx *nft, const struct config *config,
                        struct netfilter_findings *findings)
{
    char *tables = ask_nft(nft, "list tables", 0, findings);
    char *rest = tables;
    char *line;
    int r = 0;

    while (r == 0 && rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
        if (strncmp(line, "table ", 6) == 0 && strstr(line, " ipmodd-") == NULL)
            r = judge_table(nft, line + 6, config, findings);
    }
    free(tables);
    return r;
}

/* libnftables writes a line of its own to standard error where the kernel has none of it. */
static bool has_nftables(void)
{
    int fd CLEANUP(cleanup_fd) = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

    return fd >= 0 || errno != EPROTONOSUPPORT;
}

int netfilter_look(const struct config *config, struct netfilter_findings *findings)
{
    struct nft_ctx *nft;
    int r;

    if (!has_nftables())
        return note_legacy(&findings->remarks);
    nft = nft_ctx_new(NFT_CTX_DEFAULT);
    if (nft == NULL)
        return -ENOMEM;
    if (nft_ctx_buffer_output(nft) != 0 || nft_ctx_buffer_error(nft) != 0)
        r = -ENOMEM;
    else
        r = judge_tables(nft, config, findings);
    nft_ctx_free(nft);
    return r < 0 ? r : note_legacy(&findings->remarks);
}
