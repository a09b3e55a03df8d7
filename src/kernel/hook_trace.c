/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of chains that log, and the log group that they log to. */
#include "ipmodd/kernel/hook_trace.h"

#include "ipmodd/base/text_stream.h"
#include "kernel/fault.h"
#include "kernel/netlink.h"

#include <errno.h>
#include <netinet/in.h>
#include <netlink/netfilter/log.h>
#include <netlink/netfilter/log_msg.h>
#include <netlink/netfilter/nfnl.h>
#include <nftables/libnftables.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

/* Groups that are tried before somebody else's logging is taken for the reason. */
enum { GROUP_TRIES = 8 };

struct hook_trace {
    struct nft_ctx *nft; /* its socket owns the table */
    struct nl_sock *log;
    uint16_t group;
    struct hook_sight *sight; /* where the message that is being read goes */
    bool has_sight;
};

static int explain(char *why, int error, const char *what)
{
    snprintf(why, HOOK_TRACE_WHY, "%s: %s", what, strerror(-error));
    return error;
}

static void name_device(uint32_t ifindex, char name[static IFNAMSIZ])
{
    if (ifindex == 0 || if_indextoname(ifindex, name) == NULL)
        name[0] = '\0';
}

static int take_message(struct nl_msg *message, void *context)
{
    struct hook_trace *trace = context;
    struct hook_sight *sight = trace->sight;
    struct nfnl_log_msg *seen = NULL;
    const char *prefix;
    const void *payload;
    int length = 0;

    if (nfnlmsg_log_msg_parse(nlmsg_hdr(message), &seen) < 0)
        return NL_SKIP;
    prefix = nfnl_log_msg_get_prefix(seen);
    payload = nfnl_log_msg_get_payload(seen, &length);
    sight->point = prefix != NULL ? strtoul(prefix, NULL, 10) : hook_point_count;
    if (sight->point < hook_point_count && payload != NULL && length > 0) {
        sight->length = MIN_OF((size_t)length, sizeof(sight->bytes));
        memcpy(sight->bytes, payload, sight->length);
        sight->mark = nfnl_log_msg_get_mark(seen);
        name_device(nfnl_log_msg_get_indev(seen), sight->in);
        name_device(nfnl_log_msg_get_outdev(seen), sight->out);
        trace->has_sight = true;
    }
    nfnl_log_msg_put(seen);
    return NL_OK;
}

static int create_group(struct hook_trace *trace)
{
    struct nfnl_log *log = nfnl_log_alloc();
    int r;

    if (log == NULL)
        return -ENOMEM;
    nfnl_log_set_group(log, trace->group);
    nfnl_log_set_copy_mode(log, NFNL_LOG_COPY_PACKET);
    nfnl_log_set_copy_range(log, HOOK_SIGHT_BYTES);
    nfnl_log_set_queue_threshold(log, 1); /* told at once */
    r = netlink_error(nfnl_log_create(trace->log, log));
    nfnl_log_put(log);
    return r;
}

/* A group that nobody listens to. */
static int find_group(struct hook_trace *trace)
{
    int r = -EBUSY;

    for (int i = 0; i < GROUP_TRIES && r < 0; i++) {
        if (getrandom(&trace->group, sizeof(trace->group), 0) != sizeof(trace->group))
            return -errno;
        r = create_group(trace);
    }
    return r;
}

static int open_log(struct hook_trace *trace)
{
    int r;

    trace->log = nl_socket_alloc();
    if (trace->log == NULL)
        return -ENOMEM;
    r = netlink_error(nfnl_connect(trace->log));
    if (r == 0)
        r = find_group(trace);
    if (r < 0)
        return r;
    /* Events, which answer nothing that was sent. */
    nl_socket_disable_seq_check(trace->log);
    nl_socket_modify_cb(trace->log, NL_CB_VALID, NL_CB_CUSTOM, take_message, trace);
    return netlink_error(nl_socket_set_nonblocking(trace->log));
}

/* The cookie's bits of the transport header; see the header file. */
static unsigned cookie_offset(uint8_t proto)
{
    return proto == IPPROTO_TCP ? 32 : 64;
}

/* The commands that make the table, or NULL without memory. */
static char *write_script(const struct hook_trace *trace, uint8_t proto, uint32_t cookie)
{
    static const char *const words[] = {"prerouting", "input", "forward", "output", "postrouting"};
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    fprintf(out, "add table inet ipmodd_path_%u { flags owner; }\n", trace->group);
    for (size_t i = 0; i < hook_point_count; i++) {
        fprintf(out,
                "add chain inet ipmodd_path_%u point%zu { type filter hook %s priority %d; }\n",
                trace->group, i, words[hook_points[i].hook], hook_points[i].priority);
        fprintf(out,
                "add rule inet ipmodd_path_%u point%zu meta l4proto %u @th,%u,32 0x%08x log prefix "
                "\"%zu\" group %u snaplen %d\n",
                trace->group, i, proto, cookie_offset(proto), cookie, i, trace->group,
                HOOK_SIGHT_BYTES);
    }
    return text_stream_take(&stream);
}

static int make_table(struct hook_trace *trace, uint8_t proto, uint32_t cookie,
                      char why[static HOOK_TRACE_WHY])
{
    char *script CLEANUP(cleanup_free) = write_script(trace, proto, cookie);
    const char *answer;

    trace->nft = nft_ctx_new(NFT_CTX_DEFAULT);
    if (script == NULL || trace->nft == NULL || nft_ctx_buffer_error(trace->nft) != 0 ||
        nft_ctx_buffer_output(trace->nft) != 0)
        return explain(why, -ENOMEM, "making the nft table");
    if (nft_run_cmd_from_buffer(trace->nft, script) == 0)
        return 0;
    answer = nft_ctx_get_error_buffer(trace->nft);
    snprintf(why, HOOK_TRACE_WHY, "making the nft table: %.*s", (int)strcspn(answer, "\n"), answer);
    return -EOPNOTSUPP;
}

int hook_trace_open(uint8_t proto, uint32_t cookie, struct hook_trace **ret_trace,
                    char why[static HOOK_TRACE_WHY])
{
    struct hook_trace *trace = calloc(1, sizeof(*trace));
    int r;

    if (trace == NULL)
        return explain(why, -ENOMEM, "tracing");
    r = open_log(trace);
    if (r < 0)
        explain(why, r, "listening to a log group of netfilter");
    else
        r = make_table(trace, proto, cookie, why);
    if (r < 0) {
        hook_trace_close(trace);
        return r;
    }
    *ret_trace = trace;
    return 0;
}

int hook_trace_next(struct hook_trace *trace, int timeout_ms, struct hook_sight *ret_sight)
{
    struct pollfd wait = {.fd = nl_socket_get_fd(trace->log), .events = POLLIN};
    int r = poll(&wait, 1, timeout_ms);

    if (r <= 0)
        return r < 0 && errno != EINTR ? -errno : 0;
    trace->sight = ret_sight;
    trace->has_sight = false;
    r = netlink_error(nl_recvmsgs_default(trace->log));
    if (r < 0 && r != -EAGAIN)
        return r;
    return trace->has_sight;
}

void hook_trace_close(struct hook_trace *trace)
{
    if (trace == NULL)
        return;
    if (trace->nft != NULL)
        nft_ctx_free(trace->nft);
    nl_socket_free(trace->log);
    free(trace);
}
