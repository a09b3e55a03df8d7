/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipmodctl trace --live`: what the daemon's rules decide about the next packets. */
#include "explain_show.h"
#include "live_packet.h"
#include "stream.h"
#include "trace.h"
#include "view.h"

#include "ipmodd/base/json.h"

#include <string.h>

struct live_trace {
    bool json;
    size_t shown;
};

static void print(const json_t *event, size_t number)
{
    if (number > 0)
        putchar('\n');
    live_print_time((uint64_t)view_integer(event, "time_ns"), stdout);
    putchar(' ');
    explain_print_head(event, stdout);
    explain_print(event, stdout);
    putchar('\n');
    explain_print_details(event, stdout);
}

static bool take(void *context, const json_t *event)
{
    struct live_trace *trace = context;

    if (stream_is_event(event, "start"))
        fprintf(stderr, "ipmodctl: watching packets of %s\n", view_string(event, "device"));
    if (stream_is_event(event, "lost"))
        fprintf(stderr, "ipmodctl: %lld packets could not be told of\n",
                view_integer(event, "lost"));
    if (!stream_is_event(event, "trace"))
        return true;
    if (trace->json) {
        json_dumpf(event, stdout, JSON_FORM);
        putchar('\n');
    } else {
        print(event, trace->shown);
    }
    trace->shown++;
    return true;
}

enum exit_code trace_live(const struct options *options, const char *count, char **filter,
                          size_t filter_count)
{
    struct stream_request request = {.words = {"trace"}, .count = 1};
    struct live_trace trace = {.json = options->json};
    struct stream stream = {
        .request = request.words, .out = stdout, .take = take, .context = &trace};

    stream_add_option(&request, "--count", count);
    if (!stream_add_words(&request, filter, filter_count))
        return command_refuse_usage(&command_trace, "too many words");
    stream.request_count = request.count;
    return stream_run(&stream, options);
}
