/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl ping: echo requests written into the tun device, and why none come back. */
#include "command.h"
#include "connection.h"
#include "examined.h"
#include "view.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/icmp_name.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

static const struct option long_options[] = {
    {"source", required_argument, NULL, 's'},
    {"count", required_argument, NULL, 'c'},
    {"interval", required_argument, NULL, 'i'},
    {"timeout", required_argument, NULL, 'W'},
    {NULL, 0, NULL, 0},
};

/* Words of the request: "ping", the destination, and an option each. */
enum { WORDS_MAX = 6, WORD = 80 };

struct ping_request {
    char words[WORDS_MAX][WORD];
    const char *pointers[WORDS_MAX];
    size_t count;
};

static void add_word(struct ping_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_word(struct ping_request *request, const char *format, ...)
{
    char *word = request->words[request->count];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(word, WORD, format, arguments);
    va_end(arguments);
    request->pointers[request->count++] = word;
}

/* Seconds with decimals as whole milliseconds; the daemon knows what it takes. */
static enum exit_code add_seconds(struct ping_request *request, const char *name, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0 && seconds < 1e6))
        return command_refuse_usage(&command_ping, "'%s' is no number of seconds", text);
    add_word(request, "%s=%ld", name, (long)(seconds * 1000 + 0.5));
    return EXIT_CODE_OK;
}

static enum exit_code add_option(struct ping_request *request, int answer, char **argv)
{
    switch (answer) {
    case 's':
        add_word(request, "src=%s", optarg);
        return EXIT_CODE_OK;
    case 'c':
        add_word(request, "count=%s", optarg);
        return EXIT_CODE_OK;
    case 'i':
        return add_seconds(request, "interval-ms", optarg);
    case 'W':
        return add_seconds(request, "timeout-ms", optarg);
    default:
        return command_refuse_option(&command_ping, answer, argv);
    }
}

static enum exit_code parse_arguments(int argc, char **argv, struct ping_request *request)
{
    struct ping_request options = {.count = 0};
    enum exit_code code = EXIT_CODE_OK;
    int answer;

    while (code == EXIT_CODE_OK &&
           (answer = getopt_long(argc, argv, ":s:c:i:W:", long_options, NULL)) != -1) {
        if (options.count == WORDS_MAX - 2)
            return command_refuse_usage(&command_ping, "an option is given twice");
        code = add_option(&options, answer, argv);
    }
    if (code != EXIT_CODE_OK)
        return code;
    if (optind + 1 != argc)
        return command_refuse_usage(&command_ping, "one destination has to be given");
    add_word(request, "ping");
    add_word(request, "%s", argv[optind]);
    for (size_t i = 0; i < options.count; i++)
        add_word(request, "%s", options.words[i]);
    return EXIT_CODE_OK;
}

/* What the stream told. */
struct outcome {
    struct ip_addr src;
    bool is_over, has_src;
    long long received;
    unsigned replies; /* of which the times are */
    double shortest_ms, longest_ms, sum_ms;
};

static void print_error(const json_t *event, enum ip_family family, FILE *out)
{
    const uint8_t type = (uint8_t)view_integer(event, "type");
    const uint8_t code = (uint8_t)view_integer(event, "code");
    const char *type_name = icmp_type_name(family, type);
    const char *code_name = icmp_code_name(family, type, code);

    fprintf(out, "seq %lld from %s: ICMP %s (type %u code %u)\n", view_integer(event, "seq"),
            view_string(event, "from"),
            code_name != NULL   ? code_name
            : type_name != NULL ? type_name
                                : "error",
            type, code);
}

static void print_end(const json_t *event, const struct outcome *outcome, FILE *out)
{
    fprintf(out, "%lld sent, %lld answered\n", view_integer(event, "sent"),
            view_integer(event, "received"));
    if (outcome->replies > 0)
        fprintf(out, "rtt min/avg/max %.3f/%.3f/%.3f ms\n", outcome->shortest_ms,
                outcome->sum_ms / outcome->replies, outcome->longest_ms);
}

static void print_event(const json_t *event, const struct outcome *outcome, FILE *out)
{
    const char *name = view_string(event, "event");
    long long seq = view_integer(event, "seq");

    if (strcmp(name, "start") == 0)
        fprintf(out, "ping %s from %s, %lld bytes of data\n", view_string(event, "dst"),
                view_string(event, "src"), view_integer(event, "bytes"));
    else if (strcmp(name, "reply") == 0)
        fprintf(out, "seq %lld from %s: ttl %lld, %.3f ms\n", seq, view_string(event, "from"),
                view_integer(event, "ttl"), view_real(event, "rtt_ms"));
    else if (strcmp(name, "error") == 0)
        print_error(event, outcome->src.family, out);
    else if (strcmp(name, "timeout") == 0)
        fprintf(out, "seq %lld: no answer\n", seq);
    else if (strcmp(name, "unsent") == 0)
        fprintf(out, "seq %lld: the kernel did not take it: %s\n", seq, view_string(event, "text"));
    else if (strcmp(name, "end") == 0)
        print_end(event, outcome, out);
}

static void show(const struct options *options, const json_t *event, const struct outcome *outcome)
{
    if (options->json) {
        json_dumpf(event, stdout, JSON_FORM);
        fputc('\n', stdout);
    } else {
        print_event(event, outcome, stdout);
    }
    fflush(stdout);
}

static void note_time(struct outcome *outcome, double rtt_ms)
{
    if (outcome->replies++ == 0)
        outcome->shortest_ms = rtt_ms;
    outcome->shortest_ms = MIN_OF(outcome->shortest_ms, rtt_ms);
    outcome->longest_ms = MAX_OF(outcome->longest_ms, rtt_ms);
    outcome->sum_ms += rtt_ms;
}

static void note(struct outcome *outcome, const json_t *event)
{
    const char *name = view_string(event, "event");

    if (strcmp(name, "start") == 0)
        outcome->has_src = ip_addr_parse(view_string(event, "src"), &outcome->src) == 0;
    if (strcmp(name, "reply") == 0)
        note_time(outcome, view_real(event, "rtt_ms"));
    outcome->is_over = strcmp(name, "end") == 0;
    if (outcome->is_over)
        outcome->received = view_integer(event, "received");
}

static enum exit_code listen_to(struct connection *connection, const struct options *options,
                                struct outcome *outcome)
{
    enum exit_code code = EXIT_CODE_OK;

    while (code == EXIT_CODE_OK && !outcome->is_over) {
        json_t *event;

        code = connection_receive(connection, &event);
        if (code != EXIT_CODE_OK)
            break;
        note(outcome, event);
        show(options, event, outcome);
        json_decref(event);
        code = command_finish_output(code);
    }
    return code;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct connection CLEANUP(connection_close) connection = {.input = NULL};
    struct ping_request request = {.count = 0};
    struct outcome outcome = {.is_over = false};
    enum exit_code code = parse_arguments(argc, argv, &request);

    if (code == EXIT_CODE_OK)
        code = connection_open(&connection, options);
    if (code == EXIT_CODE_OK)
        code = connection_send(&connection, request.pointers, request.count);
    if (code == EXIT_CODE_OK)
        code = listen_to(&connection, options, &outcome);
    if (code != EXIT_CODE_OK || outcome.received > 0)
        return code;
    return outcome.has_src ? examined_explain_ping(options, &outcome.src) : EXIT_CODE_FAILED;
}

const struct command command_ping = {
    .name = "ping",
    .arguments = "[-s SRC] [-c N] [-i SECONDS] [-W SECONDS] DST",
    .summary = "echo requests out of the tun device, and why no answer comes back to it",
    .help = "  -s, --source SRC        from this address of the tun device's network\n"
            "  -c, --count N           this many, instead of 4\n"
            "  -i, --interval SECONDS  between two, instead of 1\n"
            "  -W, --timeout SECONDS   how long to wait for an answer, instead of 2\n",
    .run = run,
};
