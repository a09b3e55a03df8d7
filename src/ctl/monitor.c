/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipmodctl monitor`: live packets, or what becomes of flows, a line each. */
#include "flow_text.h"
#include "ipmodd/base/json.h"
#include "ipmodd/base/text.h"
#include "live_packet.h"
#include "stream.h"
#include "view.h"

#include <getopt.h>

enum { OPTION_SAMPLE = 256, OPTION_SNAPLEN, OPTION_STAGE, OPTION_FLOWS, OPTION_EVENT };

static const struct option long_options[] = {
    {"sample", required_argument, NULL, OPTION_SAMPLE},
    {"snaplen", required_argument, NULL, OPTION_SNAPLEN},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"flows", no_argument, NULL, OPTION_FLOWS},
    {"event", required_argument, NULL, OPTION_EVENT},
    {"count", required_argument, NULL, 'c'},
    {NULL, 0, NULL, 0},
};

struct monitor {
    bool json, colour;
    bool flows;             /* they are watched, not packets */
    const char *of_packets; /* an option that is for packets alone, as it was given; or NULL */
    const char *of_flows;   /* likewise */
    uint64_t count;         /* packets or events of flows to show; 0: all */
    uint64_t shown;
};

static void print_packet(const struct monitor *monitor, const json_t *event)
{
    static struct live_packet packet; /* large */

    if (live_packet_read(&packet, event) == 0)
        live_packet_print(&packet, monitor->colour, stdout);
    live_packet_clear(&packet);
}

static void tell_start(const struct monitor *monitor, const json_t *event)
{
    const char *device = view_string(event, "device");

    if (!monitor->flows)
        fprintf(stderr, "ipmodctl: watching packets of %s\n", device);
    else if (json_is_true(json_object_get(event, "follows_flows")))
        fprintf(stderr, "ipmodctl: watching flows of %s\n", device);
    else
        fprintf(stderr,
                "ipmodctl: watching flows of %s; there are none, for no rule asks for them\n",
                device);
}

static void print(const struct monitor *monitor, const json_t *event)
{
    if (stream_is_event(event, "lost"))
        printf("%lld %s were left out: too many to show\n", view_integer(event, "lost"),
               monitor->flows ? "events of flows" : "packets");
    else if (stream_is_event(event, "packet"))
        print_packet(monitor, event);
    else if (stream_is_event(event, "flow"))
        flow_text_print_event(event, stdout);
}

static bool take(void *context, const json_t *event)
{
    struct monitor *monitor = context;

    if (stream_is_event(event, "start"))
        tell_start(monitor, event);
    if (monitor->json) {
        json_dumpf(event, stdout, JSON_FORM);
        putchar('\n');
    } else {
        print(monitor, event);
    }
    monitor->shown += stream_is_event(event, monitor->flows ? "flow" : "packet");
    return monitor->count == 0 || monitor->shown < monitor->count;
}

/* An option that goes to the daemon as it is. False: too many words. */
static bool add_option(struct monitor *monitor, struct stream_request *request, int option)
{
    static const char *const names[] = {
        [OPTION_SAMPLE - OPTION_SAMPLE] = "--sample",
        [OPTION_SNAPLEN - OPTION_SAMPLE] = "--snaplen",
        [OPTION_STAGE - OPTION_SAMPLE] = "--stage",
        [OPTION_EVENT - OPTION_SAMPLE] = "--event",
    };
    const char *name = names[option - OPTION_SAMPLE];

    if (option == OPTION_EVENT)
        monitor->of_flows = name;
    else
        monitor->of_packets = name;
    return stream_add_option(request, name, optarg);
}

static enum exit_code watch(struct monitor *monitor, struct stream_request *request,
                            const struct options *options)
{
    const struct stream stream = {.request = request->words,
                                  .request_count = request->count,
                                  .out = stdout,
                                  .take = take,
                                  .context = monitor};

    if (monitor->flows && monitor->of_packets != NULL)
        return command_refuse_usage(&command_monitor, "%s is for packets, not for flows",
                                    monitor->of_packets);
    if (!monitor->flows && monitor->of_flows != NULL)
        return command_refuse_usage(&command_monitor, "%s is for --flows", monitor->of_flows);
    if (monitor->flows)
        request->words[0] = "monitor-flows";
    return stream_run(&stream, options);
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct stream_request request = {.words = {"monitor"}, .count = 1};
    struct monitor monitor = {.json = options->json, .colour = view_has_colour(stdout)};
    bool fits = true;
    int answer;

    while ((answer = getopt_long(argc, argv, ":c:", long_options, NULL)) != -1) {
        if (answer == OPTION_FLOWS)
            monitor.flows = true;
        else if (answer >= OPTION_SAMPLE)
            fits &= add_option(&monitor, &request, answer);
        else if (answer != 'c')
            return command_refuse_option(&command_monitor, answer, argv);
        else if (text_parse_number(optarg, UINT64_MAX, &monitor.count) < 0 || monitor.count == 0)
            return command_refuse_usage(&command_monitor, "'%s' is no number of packets", optarg);
    }
    if (!fits || !stream_add_words(&request, argv + optind, (size_t)(argc - optind)))
        return command_refuse_usage(&command_monitor, "too many words");
    return watch(&monitor, &request, options);
}

const struct command command_monitor = {
    .name = "monitor",
    .arguments = "[--sample N] [--stage in,out,drop] [-c N] [KEY=VALUE]…\n"
                 "       ipmodctl [-s SOCKET] [-j] monitor --flows [--event new,update,end] [-c N] "
                 "[KEY=VALUE]…",
    .summary = "show live packets, or what becomes of flows, a line each",
    .help = "      --sample N       every N-th of them\n"
            "      --stage LIST     those that leave (out), that are dropped (drop), or all (in)\n"
            "      --snaplen BYTES  of each packet with -j; usually 192\n"
            "      --flows          flows instead: when they begin, change state, and end\n"
            "      --event LIST     of flows: new, update, end\n"
            "  -c, --count N        end after N packets, or events of flows\n"
            "\n"
            "KEY=VALUE: matches of rules, all of which must hold: proto=tcp dport=443\n"
            "With --flows the keys are those of `flows`: proto=tcp src=192.0.2.0/24 rule=NAME\n",
    .run = run,
};
