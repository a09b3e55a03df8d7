/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipmodctl monitor`: live packets, a line each. */
#include "ipmodd/base/text.h"
#include "live_packet.h"
#include "stream.h"
#include "view.h"

#include <getopt.h>

enum { OPTION_SAMPLE = 256, OPTION_SNAPLEN, OPTION_STAGE };

static const struct option long_options[] = {
    {"sample", required_argument, NULL, OPTION_SAMPLE},
    {"snaplen", required_argument, NULL, OPTION_SNAPLEN},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"count", required_argument, NULL, 'c'},
    {NULL, 0, NULL, 0},
};

struct monitor {
    bool json, colour;
    uint64_t count; /* packets to show; 0: all */
    uint64_t shown;
};

/* False when that is no packet. */
static bool print_packet(const struct monitor *monitor, const json_t *event)
{
    static struct live_packet packet; /* large */
    bool is_packet = live_packet_read(&packet, event) == 0;

    if (is_packet)
        live_packet_print(&packet, monitor->colour, stdout);
    live_packet_clear(&packet);
    return is_packet;
}

static bool take(void *context, const json_t *event)
{
    struct monitor *monitor = context;
    bool is_packet = stream_is_event(event, "packet");

    if (stream_is_event(event, "start"))
        fprintf(stderr, "ipmodctl: watching packets of %s\n", view_string(event, "device"));
    if (monitor->json) {
        json_dumpf(event, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (stream_is_event(event, "lost")) {
        printf("%lld packets were left out: too many to show\n", view_integer(event, "lost"));
    } else if (is_packet) {
        print_packet(monitor, event);
    }
    monitor->shown += is_packet;
    return monitor->count == 0 || monitor->shown < monitor->count;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct stream_request request = {.words = {"monitor"}, .count = 1};
    struct monitor monitor = {.json = options->json, .colour = view_has_colour(stdout)};
    struct stream stream = {
        .request = request.words, .out = stdout, .take = take, .context = &monitor};
    bool fits = true;
    int answer;

    while ((answer = getopt_long(argc, argv, ":c:", long_options, NULL)) != -1) {
        if (answer == OPTION_SAMPLE)
            fits &= stream_add_option(&request, "--sample", optarg);
        else if (answer == OPTION_SNAPLEN)
            fits &= stream_add_option(&request, "--snaplen", optarg);
        else if (answer == OPTION_STAGE)
            fits &= stream_add_option(&request, "--stage", optarg);
        else if (answer != 'c')
            return command_refuse_option(&command_monitor, answer, argv);
        else if (text_parse_number(optarg, UINT64_MAX, &monitor.count) < 0 || monitor.count == 0)
            return command_refuse_usage(&command_monitor, "'%s' is no number of packets", optarg);
    }
    if (!fits || !stream_add_words(&request, argv + optind, (size_t)(argc - optind)))
        return command_refuse_usage(&command_monitor, "too many words");
    stream.request_count = request.count;
    return stream_run(&stream, options);
}

const struct command command_monitor = {
    .name = "monitor",
    .arguments = "[--sample N] [--stage in,out,drop] [-c N] [KEY=VALUE]…",
    .summary = "Show live packets, a line each: rules, verdict, what changed",
    .help = "      --sample N      every N-th of them\n"
            "      --stage LIST    those that leave (out), that are dropped (drop), or all (in)\n"
            "      --snaplen BYTES of each packet with -j; usually 192\n"
            "  -c, --count N       end after N packets\n"
            "\n"
            "KEY=VALUE: matches of rules, all of which must hold: proto=tcp dport=443\n",
    .run = run,
};
