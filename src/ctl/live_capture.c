/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipmodctl capture`: live packets as pcapng, each with what rules did to it. */
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/base/text_stream.h"
#include "ipmodd/wire/pcapng.h"
#include "live_packet.h"
#include "stream.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

enum { OPTION_SNAPLEN = 256, OPTION_STAGE };

enum { QUEUE_SHIFT = 48 }; /* ids of packets: the queue in front of its own count */

static const struct option long_options[] = {
    {"write", required_argument, NULL, 'w'},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"snaplen", required_argument, NULL, OPTION_SNAPLEN},
    {"count", required_argument, NULL, 'c'},
    {NULL, 0, NULL, 0},
};

struct live_capture {
    const char *path; /* "-": standard output */
    const char *stages;
    const char *snap_length;
    uint64_t count; /* packets to capture; 0: all */
    FILE *out;
    uint64_t packets, lost;
    uint64_t lost_untold; /* since the last block */
    struct live_packet packet;
    uint8_t block[LIVE_PACKET_MAX + PCAPNG_PACKET_OVERHEAD];
};

static bool has_stage(const struct live_capture *capture, const char *stage)
{
    struct text_list CLEANUP(text_list_clear) list = {.items = NULL};
    bool found = false;

    if (capture->stages == NULL)
        return true;
    if (text_list_split(capture->stages, &list) < 0)
        return false; /* the daemon has refused it */
    for (size_t i = 0; i < list.count; i++)
        found |= strcmp(list.items[i].text, stage) == 0;
    return found;
}

static void put_block(struct live_capture *capture, size_t size)
{
    (void)!fwrite(capture->block, size, 1, capture->out); /* an error stays in the stream */
}

/* What was in the file goes now that the daemon has agreed; pipes and devices have nothing. */
static void empty_file(const struct live_capture *capture)
{
    if (capture->out != stdout)
        (void)!ftruncate(fileno(capture->out), 0);
}

static void begin(struct live_capture *capture, const json_t *event)
{
    static const struct pcapng_section section = {.application = "ipmodctl"};
    const struct pcapng_interface interface = {
        .link_type = PCAPNG_RAW,
        .snap_length = capture->snap_length != NULL ? (uint32_t)atoi(capture->snap_length) : 0,
        .name = view_string(event, "device"),
        .description = "packets on their way through ipmodd",
    };

    empty_file(capture);
    put_block(capture, pcapng_put_section(capture->block, sizeof(capture->block), &section));
    put_block(capture, pcapng_put_interface(capture->block, sizeof(capture->block), &interface));
    fprintf(stderr, "ipmodctl: watching packets of %s\n", view_string(event, "device"));
}

static enum pcapng_direction direction_of(const json_t *event)
{
    const char *direction = view_string(event, "direction");

    if (strcmp(direction, "out") == 0)
        return PCAPNG_OUTBOUND;
    return strcmp(direction, "in") == 0 ? PCAPNG_INBOUND : PCAPNG_UNKNOWN;
}

/* "rule dns: set-ttl = 9, rule web: verdict = drop" */
static void print_rules(const json_t *event, FILE *out)
{
    const json_t *rule;
    size_t i;

    json_array_foreach(json_object_get(event, "rules"), i, rule)
    {
        const char *actions = view_string(rule, "actions");

        fprintf(out, "%srule %s%s%s", i == 0 ? "" : ", ", view_string(rule, "name"),
                *actions != '\0' ? ": " : "", actions);
    }
}

/* What BYTES, those of before or after, are; the text is the caller's. NULL without memory. */
static char *describe(const struct live_packet *packet, const struct live_bytes *bytes)
{
    const json_t *event = packet->event;
    long long segments = view_integer(event, "segments"), segment = view_integer(event, "segment");
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    print_rules(event, out);
    if (json_array_size(json_object_get(event, "rules")) > 0)
        fputs("; ", out);
    if (packet->is_edited && bytes == &packet->before)
        fputs("before", out);
    else
        live_packet_print_verdict(packet, out);
    if (segments > 1)
        fprintf(out, ", %lld packets of the wire", segments);
    if (segment > 0)
        fprintf(out, ", part %lld of a super-packet", segment);
    if (packet->changes.count > 0 && bytes == &packet->after) {
        fputs(", ", out);
        live_packet_print_changes(packet, out);
    }
    live_packet_print_flow(packet, out);
    return text_stream_take(&stream);
}

static void put(struct live_capture *capture, const struct live_bytes *bytes)
{
    const json_t *event = capture->packet.event;
    char CLEANUP(cleanup_free) *comment = describe(&capture->packet, bytes);
    const struct pcapng_packet packet = {
        .time_ns = capture->packet.time_ns,
        .data = bytes->data,
        .captured = bytes->captured,
        .length = bytes->length,
        .direction = direction_of(event),
        .dropped = capture->lost_untold,
        .has_id = true,
        .id = (uint64_t)view_integer(event, "queue") << QUEUE_SHIFT |
              (uint64_t)view_integer(event, "number"),
        .comment = comment,
    };

    put_block(capture, pcapng_put_packet(capture->block, sizeof(capture->block), &packet));
    capture->lost_untold = 0;
}

/* A packet that was not edited is there once, whatever was asked for. */
static void put_packet(struct live_capture *capture)
{
    const struct live_packet *packet = &capture->packet;
    bool is_part = json_object_get(packet->event, "segment") != NULL;

    if (!packet->is_edited || (has_stage(capture, "in") && !is_part))
        put(capture, &packet->before);
    if (packet->is_edited && has_stage(capture, view_string(packet->event, "fate")))
        put(capture, &packet->after);
    capture->packets++;
}

static bool take(void *context, const json_t *event)
{
    struct live_capture *capture = context;

    if (stream_is_event(event, "start")) {
        begin(capture, event);
    } else if (stream_is_event(event, "lost")) {
        capture->lost += (uint64_t)view_integer(event, "lost");
        capture->lost_untold += (uint64_t)view_integer(event, "lost");
    } else if (stream_is_event(event, "packet")) {
        if (live_packet_read(&capture->packet, event) == 0)
            put_packet(capture);
        live_packet_clear(&capture->packet);
    }
    return capture->count == 0 || capture->packets < capture->count;
}

static enum exit_code parse(int argc, char **argv, struct live_capture *capture)
{
    int answer;

    while ((answer = getopt_long(argc, argv, ":w:c:", long_options, NULL)) != -1) {
        if (answer == 'w')
            capture->path = optarg;
        else if (answer == OPTION_STAGE)
            capture->stages = optarg;
        else if (answer == OPTION_SNAPLEN)
            capture->snap_length = optarg;
        else if (answer != 'c')
            return command_refuse_option(&command_capture, answer, argv);
        else if (text_parse_number(optarg, UINT64_MAX, &capture->count) < 0 || capture->count == 0)
            return command_refuse_usage(&command_capture, "'%s' is no number of packets", optarg);
    }
    if (strcmp(capture->path, "-") == 0 && isatty(STDOUT_FILENO))
        return command_refuse_usage(&command_capture,
                                    "a terminal cannot show pcapng: -w FILE, or a pipe");
    return EXIT_CODE_OK;
}

/* PATH for writing, with what is in it; NULL with errno. */
static FILE *open_whole(const char *path)
{
    CLEANUP(cleanup_fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;

    if (file != NULL)
        (void)TAKE_FD(fd);
    return file;
}

static enum exit_code open_output(struct live_capture *capture)
{
    capture->out = strcmp(capture->path, "-") == 0 ? stdout : open_whole(capture->path);
    return capture->out != NULL ? EXIT_CODE_OK
                                : command_fail("%s: %s", capture->path, strerror(errno));
}

/* Says how much it was. A reader who went away has what he wanted. */
static enum exit_code close_output(struct live_capture *capture, enum exit_code code)
{
    if (code == EXIT_CODE_OK)
        fprintf(stderr, "ipmodctl: %" PRIu64 " packets captured, %" PRIu64 " lost\n",
                capture->packets, capture->lost);
    if (capture->out != stdout && fclose(capture->out) != 0 && code == EXIT_CODE_OK)
        return command_fail("%s: %s", capture->path, strerror(errno));
    return code;
}

static enum exit_code run_capture(const struct options *options, struct live_capture *capture,
                                  char **words, size_t count)
{
    struct stream_request request = {.words = {"monitor"}, .count = 1};
    struct stream stream = {.request = request.words, .take = take, .context = capture};
    enum exit_code code;

    stream_add_option(&request, "--snaplen",
                      capture->snap_length != NULL ? capture->snap_length : "65535");
    stream_add_option(&request, "--stage", capture->stages);
    if (!stream_add_words(&request, words, count))
        return command_refuse_usage(&command_capture, "too many words");
    code = open_output(capture);
    if (code != EXIT_CODE_OK)
        return code;
    stream.request_count = request.count;
    stream.out = capture->out;
    return close_output(capture, stream_run(&stream, options));
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct live_capture *capture = calloc(1, sizeof(*capture));
    enum exit_code code;

    if (capture == NULL)
        return command_fail("not enough memory");
    capture->path = "-";
    code = options->json ? command_refuse_usage(&command_capture, "writes pcapng, no JSON: see "
                                                                  "ipmodctl -j monitor")
                         : parse(argc, argv, capture);
    if (code == EXIT_CODE_OK)
        code = run_capture(options, capture, argv + optind, (size_t)(argc - optind));
    free(capture);
    return code;
}

const struct command command_capture = {
    .name = "capture",
    .arguments = "[-w FILE|-] [--stage in,out,drop] [--snaplen BYTES] [-c N] [KEY=VALUE]…",
    .summary = "capture live packets as pcapng, before and after the rules",
    .help = "  -w, --write FILE     instead of standard output (-), for instance a pipe:\n"
            "                       ipmodctl capture | wireshark -k -i -\n"
            "      --stage LIST     as they came (in), as they leave (out), dropped ones (drop);\n"
            "                       otherwise all\n"
            "      --snaplen BYTES  of each packet; otherwise all\n"
            "  -c, --count N        end after N packets\n"
            "\n"
            "KEY=VALUE: matches of rules, all of which must hold: proto=tcp dport=443\n",
    .run = run,
};
