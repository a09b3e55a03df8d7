/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and takes back the own nft table. */
#include "kernel/connections.h"

#include "kernel/connections_text.h"

#include "ipmodd/base/text_stream.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

/* The commands that make the table, or NULL without memory. */
static char *write_script(const struct config *config, const struct netfilter_findings *findings)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    fprintf(out, "add table inet " CONNECTIONS_TABLE " { flags owner; }\n", config->tun.name);
    connections_rules(config, findings, "", "", out);
    return text_stream_take(&stream);
}

static int run(struct nft_ctx *nft, const char *script, struct fault *fault)
{
    const char *answer;

    if (nft_ctx_buffer_error(nft) != 0 || nft_ctx_buffer_output(nft) != 0)
        return fault_set(fault, -ENOMEM, "making the nft table");
    if (nft_run_cmd_from_buffer(nft, script) == 0)
        return 0;
    answer = nft_ctx_get_error_buffer(nft);
    return fault_explain(fault, -EOPNOTSUPP, "making the nft table: %.*s",
                         (int)strcspn(answer, "\n"), answer);
}

int connections_set(struct connections *connections, const struct config *config,
                    const struct netfilter_findings *findings, struct fault *fault)
{
    struct connections fresh = {.nft = NULL};
    int r;

    if (findings->recipe_count == 0) {
        connections_close(connections);
        return 0;
    }
    fresh.script = write_script(config, findings);
    if (fresh.script == NULL)
        return fault_set(fault, -ENOMEM, "making the nft table");
    if (connections->script != NULL && strcmp(connections->script, fresh.script) == 0) {
        free(fresh.script);
        return 0;
    }
    connections_close(connections);
    fresh.nft = nft_ctx_new(NFT_CTX_DEFAULT);
    r = fresh.nft != NULL ? run(fresh.nft, fresh.script, fault) : -ENOMEM;
    if (r < 0)
        connections_close(&fresh);
    *connections = fresh;
    return r;
}

void connections_close(struct connections *connections)
{
    if (connections->nft != NULL)
        nft_ctx_free(connections->nft);
    free(connections->script);
    *connections = (struct connections){.nft = NULL};
}
