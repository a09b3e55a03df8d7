/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl flows: who speaks with whom, as conntrack(8) shows it. */
#include "connection.h"
#include "flow_text.h"
#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "view.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

enum { OPTION_FLUSH = 256, FILTER_WORDS = 16 };

static const struct option long_options[] = {
    {"flush", no_argument, NULL, OPTION_FLUSH},
    {NULL, 0, NULL, 0},
};

/*
 * Asks for what COMMAND does with the flows that FILTER lets through, one part after the other, so
 * that no part is long in the making. TAKE gets each answer.
 */
static enum exit_code ask_parts(struct connection *connection, const char *command, char **filter,
                                size_t filter_count,
                                void (*take)(const json_t *answer, void *context), void *context)
{
    char queue[24] = "0", entry[24] = "0";
    const char *request[3 + FILTER_WORDS] = {command, queue, entry};
    bool more = true;

    for (size_t i = 0; i < filter_count; i++)
        request[3 + i] = filter[i];
    while (more) {
        json_t *document;
        const json_t *next;
        enum exit_code code = connection_send(connection, request, 3 + filter_count);

        if (code == EXIT_CODE_OK)
            code = connection_receive(connection, &document);
        if (code != EXIT_CODE_OK)
            return code;
        take(document, context);
        next = json_object_get(document, "next");
        more = next != NULL;
        snprintf(queue, sizeof(queue), "%lld", view_integer(next, "queue"));
        snprintf(entry, sizeof(entry), "%lld", view_integer(next, "entry"));
        json_decref(document);
    }
    return EXIT_CODE_OK;
}

struct listing {
    bool as_json, any, followed;
};

static void show(const json_t *answer, void *context)
{
    struct listing *listing = context;
    const json_t *flow;
    size_t i;

    listing->followed = json_is_true(json_object_get(answer, "followed"));
    json_array_foreach(json_object_get(answer, "flows"), i, flow)
    {
        listing->any = true;
        if (!listing->as_json) {
            flow_text_print(flow, stdout);
            continue;
        }
        json_object_set_new((json_t *)flow, "schema", json_integer(1));
        json_dumpf(flow, stdout, JSON_FORM);
        putchar('\n');
    }
}

static enum exit_code list(const struct options *options, struct connection *connection,
                           char **filter, size_t filter_count)
{
    struct listing listing = {.as_json = options->json};
    enum exit_code code = ask_parts(connection, "flows", filter, filter_count, show, &listing);

    if (code == EXIT_CODE_OK && !listing.any && !listing.as_json)
        fprintf(stderr, "ipmodctl: %s\n",
                !listing.followed  ? "no flows are followed, because no rule asks for them"
                : filter_count > 0 ? "no flow fits"
                                   : "there are no flows yet");
    return command_finish_output(code);
}

static void add_flushed(const json_t *answer, void *context)
{
    long long *count = context;

    *count += view_integer(answer, "flushed");
}

static enum exit_code flush(const struct options *options, struct connection *connection,
                            char **filter, size_t filter_count)
{
    long long count = 0;
    enum exit_code code =
        ask_parts(connection, "flush-flows", filter, filter_count, add_flushed, &count);

    if (code != EXIT_CODE_OK)
        return code;
    if (options->json)
        printf("{\"flushed\":%lld,\"schema\":1}\n", count);
    else
        printf("%lld flow%s forgotten\n", count, text_plural((uint64_t)count));
    return command_finish_output(code);
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct connection CLEANUP(connection_close) connection = {.input = NULL};
    bool flushing = false;
    enum exit_code code;
    int answer;

    while ((answer = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (answer != OPTION_FLUSH)
            return command_refuse_option(&command_flows, answer, argv);
        flushing = true;
    }
    if (argc - optind > FILTER_WORDS)
        return command_refuse_usage(&command_flows, "'%s' is one word too many",
                                    argv[optind + FILTER_WORDS]);
    code = connection_open(&connection, options);
    if (code != EXIT_CODE_OK)
        return code;
    return (flushing ? flush : list)(options, &connection, argv + optind, (size_t)(argc - optind));
}

const struct command command_flows = {
    .name = "flows",
    .arguments = "[--flush] [KEY=VALUE…]",
    .summary = "who speaks with whom: both tuples, packets and bytes of each way",
    .help =
        "      --flush  forget them, and say how many; they begin anew with their next packets\n"
        "\n"
        "KEY=VALUE, of the flow as it began: proto=tcp src=192.0.2.0/24 dst= sport= dport=443\n"
        "state=established rule=NAME (that translates it)\n",
    .run = run,
};
