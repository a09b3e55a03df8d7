/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipmodctl trace`: one packet through the rules, with every rule's decision. */
#include "trace.h"
#include "explain_show.h"
#include "frame.h"
#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "offline.h"
#include "packet_text.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

enum { SCHEMA = 1, OPTION_READ = 256, OPTION_PACKET, OPTION_HEX, OPTION_LIVE, OPTION_COUNT };

static const struct option long_options[] = {
    OFFLINE_OPTIONS,
    {"read", required_argument, NULL, OPTION_READ},
    {"packet", required_argument, NULL, OPTION_PACKET},
    {"hex", required_argument, NULL, OPTION_HEX},
    {"live", no_argument, NULL, OPTION_LIVE},
    {"count", required_argument, NULL, OPTION_COUNT},
    {NULL, 0, NULL, 0},
};

struct arguments {
    struct offline_wish wish;
    const char *capture; /* --read */
    const char *number;  /* --packet; NULL: the first */
    const char *hex;     /* --hex */
    bool live;           /* --live: the words are a filter */
    const char *count;   /* --count; NULL: one */
    char *words;         /* the packet as text, owned */
};

struct trace {
    const struct options *options;
    struct arguments arguments;
    struct offline offline;
    struct explainer *explainer;
    struct capture *capture;
};

static void trace_clear(struct trace *trace)
{
    explainer_free(TAKE_PTR(trace->explainer));
    capture_close(TAKE_PTR(trace->capture));
    offline_clear(&trace->offline);
    free(TAKE_PTR(trace->arguments.words));
}

/* The arguments as one text, however a shell took them apart. NULL without memory. */
static char *join(char **words, size_t count)
{
    size_t size = 1;
    char *text;

    for (size_t i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    text = calloc(1, size);
    for (size_t i = 0; i < count && text != NULL; i++) {
        strcat(text, words[i]);
        strcat(text, " ");
    }
    return text;
}

static enum exit_code check(const struct arguments *arguments, int words)
{
    const struct offline_wish *wish = &arguments->wish;
    bool is_offline = wish->file != NULL || wish->locals != NULL || wish->mtu != NULL ||
                      wish->seed != NULL || arguments->number != NULL;
    int ways = (arguments->capture != NULL) + (arguments->hex != NULL) + (words > 0);

    if (arguments->live && (is_offline || arguments->capture != NULL || arguments->hex != NULL))
        return command_refuse_usage(&command_trace, "--live asks the daemon about its packets: "
                                                    "there is nothing to be given but a filter");
    if (arguments->live)
        return EXIT_CODE_OK;
    if (arguments->count != NULL)
        return command_refuse_usage(&command_trace, "--count is a number of live packets: --live");
    if (ways == 0)
        return command_refuse_usage(&command_trace, "no packet given");
    if (ways > 1)
        return command_refuse_usage(&command_trace,
                                    "one packet at a time: in words, --hex or --read");
    if (arguments->number != NULL && arguments->capture == NULL)
        return command_refuse_usage(&command_trace, "--packet is a number in a capture: --read");
    return EXIT_CODE_OK;
}

static enum exit_code parse(int argc, char **argv, struct arguments *arguments)
{
    int answer;

    while ((answer = getopt_long(argc, argv, ":c:", long_options, NULL)) != -1) {
        if (offline_take_option(&arguments->wish, answer, optarg))
            continue;
        if (answer == OPTION_READ)
            arguments->capture = optarg;
        else if (answer == OPTION_PACKET)
            arguments->number = optarg;
        else if (answer == OPTION_HEX)
            arguments->hex = optarg;
        else if (answer == OPTION_LIVE)
            arguments->live = true;
        else if (answer == OPTION_COUNT)
            arguments->count = optarg;
        else
            return command_refuse_option(&command_trace, answer, argv);
    }
    if (optind < argc) {
        arguments->words = join(argv + optind, (size_t)(argc - optind));
        if (arguments->words == NULL)
            return command_fail("not enough memory");
    }
    return check(arguments, argc - optind);
}

static enum exit_code run_text(struct trace *trace)
{
    static uint8_t bytes[PACKET_TEXT_MAX];
    const struct arguments *arguments = &trace->arguments;
    struct value_error error;
    struct timespec now;
    ssize_t length = arguments->hex != NULL ? packet_text_parse_hex(arguments->hex, bytes, &error)
                                            : packet_text_parse(arguments->words, bytes, &error);

    if (length == -EINVAL)
        return command_refuse_usage(&command_trace, "%s", error.text);
    if (length < 0)
        return command_fail("not enough memory");
    clock_gettime(CLOCK_REALTIME, &now);
    offline_run(&trace->offline, bytes, (size_t)length, &now);
    return EXIT_CODE_OK;
}

static enum exit_code run_frame(struct trace *trace, const struct frame *frame, uint64_t number,
                                bool is_last)
{
    struct frame_packet place;
    enum frame_kind kind = frame_find_packet(capture_link_type(trace->capture), frame, &place);

    if (kind == FRAME_PACKET)
        offline_run(&trace->offline, frame->bytes + place.offset, place.size, &frame->time);
    if (!is_last || kind == FRAME_PACKET)
        return EXIT_CODE_OK;
    return command_fail("%s: frame %" PRIu64 " %s", capture_name(trace->capture), number,
                        kind == FRAME_CUT ? "is cut by the capture's snap length"
                                          : "holds no IP packet");
}

/* Those before it as well, for what rules keep: fragments, rates, turns. */
static enum exit_code run_captured(struct trace *trace)
{
    struct capture_error error;
    struct frame frame;
    uint64_t number = 1;
    int r;

    if (trace->arguments.number != NULL &&
        (text_parse_number(trace->arguments.number, UINT64_MAX, &number) < 0 || number == 0))
        return command_refuse_usage(&command_trace, "--packet %s is not a number from 1",
                                    trace->arguments.number);
    if (capture_open(trace->arguments.capture, &trace->capture, &error) < 0)
        return command_fail("%s", error.text);
    for (uint64_t i = 1; i <= number; i++) {
        enum exit_code code;

        r = capture_next(trace->capture, &frame, &error);
        if (r < 0)
            return command_fail("%s", error.text);
        if (r == 0)
            return command_fail("%s: there are only %" PRIu64 " frames",
                                capture_name(trace->capture), i - 1);
        code = run_frame(trace, &frame, i, i == number);
        if (code != EXIT_CODE_OK)
            return code;
    }
    return EXIT_CODE_OK;
}

static void show_text(const struct trace *trace, const json_t *told)
{
    explain_print_head(told, stdout);
    explain_print(told, stdout);
    if (json_object_get(told, "malformed") == NULL)
        putchar('\n');
    explain_print_details(told, stdout);
    printf("\nseed %" PRIu64 "\n", trace->offline.seed);
}

static void show_json(const struct trace *trace, json_t *told)
{
    char seed[24];

    snprintf(seed, sizeof(seed), "%" PRIu64, trace->offline.seed);
    json_object_set_new(told, "schema", json_integer(SCHEMA));
    json_object_set_new(told, "seed", json_string(seed));
    json_dumpf(told, stdout, JSON_FORM);
    putchar('\n');
}

static enum exit_code show(const struct trace *trace)
{
    const struct explanation *told = explainer_get(trace->explainer);
    json_t *object = told != NULL ? explain_to_json(told, trace->offline.loaded.ruleset) : NULL;

    if (object == NULL)
        return command_fail("not enough memory");
    if (trace->options->json)
        show_json(trace, object);
    else
        show_text(trace, object);
    json_decref(object);
    return EXIT_CODE_OK;
}

static enum exit_code run_given(struct trace *trace)
{
    enum exit_code code = offline_open(&command_trace, &trace->arguments.wish, &trace->offline);

    if (code != EXIT_CODE_OK)
        return code;
    trace->explainer = explainer_new(trace->offline.path, true);
    if (trace->explainer == NULL)
        return command_fail("not enough memory");
    path_set_observer(trace->offline.path, explainer_observer(trace->explainer));
    code = trace->arguments.capture != NULL ? run_captured(trace) : run_text(trace);
    if (code == EXIT_CODE_OK)
        code = show(trace);
    return command_finish_output(code);
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct trace CLEANUP(trace_clear) trace = {.options = options};
    enum exit_code code = parse(argc, argv, &trace.arguments);

    if (code != EXIT_CODE_OK)
        return code;
    if (trace.arguments.live)
        return trace_live(options, trace.arguments.count, argv + optind, (size_t)(argc - optind));
    if (options->socket != NULL)
        return command_refuse_usage(&command_trace, "asks no daemon: leave -s out, or add --live");
    return run_given(&trace);
}

const struct command command_trace = {
    .name = "trace",
    .arguments = "[-c FILE] [OPTION…] PACKET | --hex BYTES | --read FILE [--packet N] |\n"
                 "       --live [--count N] [KEY=VALUE]…",
    .summary = "say which rules match a packet, which do not and why, and what they change",
    .help = OFFLINE_HELP
    "      --hex BYTES      the packet as hex digits, from its IP header on\n"
    "      --read FILE      the packet is in this capture\n"
    "      --packet N       the N-th frame of it, instead of the first\n"
    "      --live           the next packet of the daemon that matches KEY=VALUE…, as\n"
    "                       proto=tcp dport=443\n"
    "      --count N        the next N of them\n"
    "\n"
    "PACKET is 'PROTO SOURCE > DESTINATION [WORD VALUE]…' in one argument:\n"
    "  'tcp 192.0.2.1:1234 > 198.51.100.2:80 flags S ttl 64 payload \"GET /\"'\n"
    "  'icmp 2001:db8::1 > 2001:db8::2 type echo-request'\n",
    .run = run,
};
