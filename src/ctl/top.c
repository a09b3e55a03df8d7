/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipmodctl top`: rates, rules, flows and drops, live on a full screen. */
#include "connection.h"
#include "ipmodd/base/clock.h"
#include "ipmodd/base/macro.h"
#include "top_screen.h"
#include "view.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum { FLOW_PARTS = 8 }; /* of 512 flows; more would take longer than they are worth */

static const struct option long_options[] = {
    {"delay", required_argument, NULL, 'd'},
    {NULL, 0, NULL, 0},
};

struct top {
    struct connection connection;
    struct top_state state;
    json_t *status, *before;
    struct top_table old; /* of the same view */
    double asked;         /* when */
    double delay;
    enum top_view asked_view;
};

static void top_clear(struct top *top)
{
    top_table_clear(&top->state.table);
    top_table_clear(&top->old);
    json_decref(TAKE_PTR(top->status));
    json_decref(TAKE_PTR(top->before));
    connection_close(&top->connection);
}

static enum exit_code ask(struct top *top, const char *const *words, size_t count,
                          json_t **ret_document)
{
    enum exit_code code = connection_send(&top->connection, words, count);

    return code == EXIT_CODE_OK ? connection_receive(&top->connection, ret_document) : code;
}

static enum exit_code ask_rules(struct top *top)
{
    static const char *const request[] = {"rules"};
    json_t *document;
    enum exit_code code = ask(top, request, ARRAY_SIZE(request), &document);

    if (code != EXIT_CODE_OK)
        return code;
    top_table_add_rules(&top->state.table, document);
    json_decref(document);
    return code;
}

static enum exit_code ask_flows(struct top *top)
{
    char queue[24] = "0", entry[24] = "0";
    const char *const request[] = {"flows", queue, entry};

    top->state.is_cut = true;
    for (unsigned part = 0; part < FLOW_PARTS && top->state.is_cut; part++) {
        json_t *document;
        const json_t *next;
        enum exit_code code = ask(top, request, ARRAY_SIZE(request), &document);

        if (code != EXIT_CODE_OK)
            return code;
        top_table_add_flows(&top->state.table, document);
        next = json_object_get(document, "next");
        top->state.is_cut = next != NULL;
        snprintf(queue, sizeof(queue), "%lld", view_integer(next, "queue"));
        snprintf(entry, sizeof(entry), "%lld", view_integer(next, "entry"));
        json_decref(document);
    }
    return EXIT_CODE_OK;
}

static enum exit_code ask_view(struct top *top)
{
    top->state.is_cut = false;
    switch (top->state.view) {
    case TOP_RULES:
        return ask_rules(top);
    case TOP_FLOWS:
        return ask_flows(top);
    case TOP_DROPS:
    case TOP_VIEW_COUNT:
        break;
    }
    top_table_add_drops(&top->state.table, top->status);
    return EXIT_CODE_OK;
}

static enum exit_code ask_status(struct top *top)
{
    static const char *const request[] = {"status"};
    json_t *document;
    enum exit_code code = ask(top, request, ARRAY_SIZE(request), &document);

    if (code != EXIT_CODE_OK)
        return code;
    json_decref(top->before);
    top->before = top->status;
    top->status = document;
    top->state.status = top->status;
    top->state.before = top->before;
    return code;
}

/* A table of another view begins without rates. */
static enum exit_code refresh_state(struct top *top)
{
    double now = clock_monotonic_seconds();
    bool is_same = top->status != NULL && top->asked_view == top->state.view;
    enum exit_code code = ask_status(top);

    if (code != EXIT_CODE_OK)
        return code;
    top_table_clear(&top->old);
    top->old = top->state.table;
    top->state.table = (struct top_table){.count = 0};
    top->state.seconds = now - top->asked;
    code = ask_view(top);
    if (is_same)
        top_table_compare(&top->state.table, &top->old, top->state.seconds);
    top_table_sort(&top->state.table, top->state.order);
    top->state.first = MIN_OF(top->state.first, top->state.table.count);
    top->asked = now;
    top->asked_view = top->state.view;
    return code;
}

static enum exit_code show(struct top *top)
{
    enum top_deed deed = TOP_ASK;
    enum exit_code code = EXIT_CODE_OK;

    while (deed != TOP_QUIT && code == EXIT_CODE_OK) {
        double left;

        if (deed == TOP_ASK || deed == TOP_NOTHING)
            code = refresh_state(top);
        if (code != EXIT_CODE_OK)
            break;
        top_screen_draw(&top->state);
        left = top->asked + top->delay - clock_monotonic_seconds();
        deed = top_screen_key(&top->state, left > 0 ? (int)(left * 1000) + 1 : 0);
    }
    return code;
}

static enum exit_code parse(int argc, char **argv, double *ret_delay)
{
    int answer;
    char *end;

    while ((answer = getopt_long(argc, argv, ":d:", long_options, NULL)) != -1) {
        if (answer != 'd')
            return command_refuse_option(&command_top, answer, argv);
        *ret_delay = strtod(optarg, &end);
        if (end == optarg || *end != '\0' || !(*ret_delay >= 0.1 && *ret_delay <= 3600))
            return command_refuse_usage(&command_top, "'%s' is no time: seconds from 0.1 to 3600",
                                        optarg);
    }
    if (optind < argc)
        return command_refuse_usage(&command_top, "'%s' is one word too many", argv[optind]);
    return EXIT_CODE_OK;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct top CLEANUP(top_clear) top = {.delay = 1};
    enum exit_code code = parse(argc, argv, &top.delay);

    if (code != EXIT_CODE_OK)
        return code;
    if (options->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return command_refuse_usage(&command_top,
                                    "is for a terminal; ipmodctl -j rules -w 1 is for "
                                    "programs");
    code = connection_open(&top.connection, options);
    if (code == EXIT_CODE_OK)
        code = refresh_state(&top); /* a refusal is said before the screen is taken */
    if (code != EXIT_CODE_OK)
        return code;
    if (top_screen_open() < 0)
        return command_fail("the terminal '%s' is not known here: TERM=xterm may do",
                            getenv("TERM") != NULL ? getenv("TERM") : "");
    code = show(&top);
    top_screen_close();
    if (code != EXIT_CODE_OK) /* what was said about it went with the screen */
        command_fail("the daemon does not answer any more");
    return code;
}

const struct command command_top = {
    .name = "top",
    .arguments = "[-d SECONDS]",
    .summary = "rates, rules, flows and drops on a full screen",
    .help = "  -d, --delay SECONDS  between two looks; otherwise 1\n"
            "\n"
            "Keys: r rules, f flows, d drops; sorted by p packets/s, b bits/s, t total, n name,\n"
            "o as they are; arrows and page keys; q quits.\n",
    .run = run,
};
