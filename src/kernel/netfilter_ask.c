/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has a child process read the rules of netfilter, and hears what it found. */
#include "netfilter_look.h"

#include "ipmodd/base/clock.h"
#include "ipmodd/base/macro.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { ANSWER_MAX = REMARKS_MAX * REMARK_TEXT + NETFILTER_RECIPE_MAX * NETFILTER_LINE + 64 };

/* Lines of the answer begin with the kind of remark, or one of these; the end is a line too. */
enum {
    LINE_REMARK = 'a', /* plus the kind */
    LINE_RECIPE = 'R',
    LINE_LEFT_OUT = 'L',
    LINE_NAT = 'N', /* the families that have source NAT, as a number */
    LINE_END = '.',
};

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

/* The sanitizers of addresses and of threads map more than any limit allows. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const struct rlimit limit = {.rlim_cur = NETFILTER_MEMORY, .rlim_max = NETFILTER_MEMORY};

    setrlimit(RLIMIT_AS, &limit);
#endif
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
    if (out != NULL && netfilter_look(config, &findings) == 0) {
        write_answer(&findings, out);
        fflush(out);
    }
    _exit(0);
}

int netfilter_ask(struct netfilter_question *question, const struct config *config)
{
    int fds[2];
    int r;

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
    r = question->child > 0 ? 0 : -errno;
    close(fds[1]);
    question->fd = fds[0];
    question->deadline_ns = clock_monotonic_ns() + NETFILTER_TIME_MS * UINT64_C(1000000);
    if (r < 0) {
        question->child = 0;
        netfilter_drop(question);
    }
    return r;
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
        r = netfilter_remark_refusal(&findings->remarks, unfinished);
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
    uint64_t until = clock_monotonic_ns() + (uint64_t)timeout_ms * 1000000;
    struct netfilter_findings findings = {.recipe = NULL};
    bool is_late;
    int r;

    for (;;) {
        struct pollfd wait = {.fd = question->fd, .events = POLLIN};
        uint64_t now = clock_monotonic_ns();

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
