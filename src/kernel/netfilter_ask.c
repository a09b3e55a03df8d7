/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has a child process read the rules of netfilter, and hears what it found. */
#include "kernel/netfilter.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum { ANSWER_MAX = REMARKS_MAX * REMARK_TEXT + NETFILTER_RECIPE_MAX * NETFILTER_LINE + 64 };

/* Lines of the answer begin with the kind of remark, or one of these; the end is a line too. */
enum {
    LINE_REMARK = 'a', /* plus the kind */
    LINE_RECIPE = 'R',
    LINE_LEFT_OUT = 'L',
    LINE_NAT = 'N', /* the families that have source NAT, as a number */
    LINE_END = '.',
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* What of the parent a child must not touch or keep alive: handlers, tun, locks. */
static void become_a_child(int fd)
{
    static const int signals[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        signal(signals[i], SIG_DFL);
    dup2(fd, STDERR_FILENO + 1);
    close_range(STDERR_FILENO + 2, ~0U, 0);
}

/* The address sanitizer maps more than any limit allows. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__)
    const struct rlimit limit = {.rlim_cur = NETFILTER_MEMORY, .rlim_max = NETFILTER_MEMORY};

    setrlimit(RLIMIT_AS, &limit);
#endif
}

/* First line of TEXT, for a sentence. */
static int remark_refusal(struct remarks *remarks, const char *text)
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
    remark_refusal(&findings->remarks, nft_ctx_get_error_buffer(nft));
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
    return r == -EBADMSG ? remark_refusal(&findings->remarks, command) : r;
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

static int look(const struct config *config, struct netfilter_findings *findings)
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

static void write_line(FILE *out, int kind, const char *text)
{
    fputc(kind, out);
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    fputc('\n', out);
}

static void write_answer(const struct netfilter_findings *findings, FILE *out)
{
    char number[32];

    for (size_t i = 0; i < findings->remarks.count; i++)
        write_line(out, LINE_REMARK + (int)findings->remarks.items[i].kind,
                   findings->remarks.items[i].text);
    for (size_t i = 0; i < findings->recipe_count; i++)
        write_line(out, LINE_RECIPE, findings->recipe[i]);
    snprintf(number, sizeof(number), "%u", findings->nat_families);
    write_line(out, LINE_NAT, number);
    snprintf(number, sizeof(number), "%zu", findings->remarks.left_out);
    write_line(out, LINE_LEFT_OUT, number);
    write_line(out, LINE_END, "");
}

static _Noreturn void child(const struct config *config, int fd)
{
    struct netfilter_findings findings = {.recipe = NULL};
    FILE *out;

    become_a_child(fd);
    limit_memory();
    out = fdopen(STDERR_FILENO + 1, "w");
    if (out != NULL && look(config, &findings) == 0) {
        write_answer(&findings, out);
        fflush(out);
    }
    _exit(0);
}

int netfilter_ask(struct netfilter_question *question, const struct config *config)
{
    int fds[2];

    netfilter_drop(question);
    question->answer = malloc(ANSWER_MAX + 1);
    if (question->answer == NULL)
        return -ENOMEM;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    fcntl(fds[1], F_SETFL, 0); /* the child waits until it is heard */
    question->child = fork();
    if (question->child == 0)
        child(config, fds[1]);
    close(fds[1]);
    question->fd = fds[0];
    question->deadline_ns = now_ns() + NETFILTER_TIME_MS * UINT64_C(1000000);
    if (question->child > 0)
        return 0;
    question->child = 0;
    netfilter_drop(question);
    return -EAGAIN;
}

void netfilter_drop(struct netfilter_question *question)
{
    if (question->child > 0) {
        kill(question->child, SIGKILL);
        while (waitpid(question->child, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    cleanup_fd(&question->fd);
    free(question->answer);
    *question = NETFILTER_QUESTION_INIT;
}

static int hear_line(char *line, struct netfilter_findings *findings)
{
    if (line[0] == LINE_RECIPE)
        return netfilter_recipe_add(findings, line + 1);
    if (line[0] >= LINE_REMARK && line[0] < LINE_REMARK + (int)REMARK_KIND_COUNT)
        return remarks_add(&findings->remarks, (enum remark_kind)(line[0] - LINE_REMARK), "%s",
                           line + 1);
    if (line[0] == LINE_NAT)
        findings->nat_families = (unsigned)strtoul(line + 1, NULL, 10);
    if (line[0] == LINE_LEFT_OUT)
        findings->remarks.left_out = strtoul(line + 1, NULL, 10);
    return 0;
}

/* The answer is all there: what it says, or that it says too little. */
static int hear(struct netfilter_question *question, const char *unfinished,
                struct netfilter_findings *findings)
{
    bool is_whole = false;
    char *rest = question->answer;
    char *line;
    int r = 0;

    question->answer[question->used] = '\0';
    while (r == 0 && (line = strsep(&rest, "\n")) != NULL) {
        is_whole |= line[0] == LINE_END;
        r = hear_line(line, findings);
    }
    if (r == 0 && !is_whole)
        r = remark_refusal(&findings->remarks, unfinished);
    return r;
}

/* 1 at the end of the answer, 0 if more may come. */
static int read_more(struct netfilter_question *question)
{
    ssize_t count;

    for (;;) {
        count = read(question->fd, question->answer + question->used, ANSWER_MAX - question->used);
        if (count > 0)
            question->used += (size_t)count;
        else if (count == 0 || (errno != EINTR && errno != EAGAIN))
            return 1;
        else if (errno == EAGAIN)
            return 0;
    }
}

int netfilter_answer(struct netfilter_question *question, int timeout_ms,
                     struct netfilter_findings *ret_findings)
{
    uint64_t until = now_ns() + (uint64_t)timeout_ms * 1000000;
    struct netfilter_findings findings = {.recipe = NULL};
    bool is_late;
    int r;

    for (;;) {
        struct pollfd wait = {.fd = question->fd, .events = POLLIN};
        uint64_t now = now_ns();

        is_late = now >= question->deadline_ns;
        if (read_more(question) == 1 || is_late)
            break;
        if (now >= until)
            return 0;
        poll(&wait, 1, (int)((MIN_OF(until, question->deadline_ns) - now) / 1000000 + 1));
    }
    r = hear(question, is_late ? "there are too many of them" : "the look at them ended early",
             &findings);
    netfilter_drop(question);
    if (r < 0) {
        netfilter_findings_clear(&findings);
        return r;
    }
    *ret_findings = findings;
    return 1;
}
