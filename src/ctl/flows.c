/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl flows: who speaks with whom, as conntrack(8) shows it. */
#include "connection.h"
#include "ipmodd/base/macro.h"
#include "view.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

enum { OPTION_FLUSH = 256, FILTER_WORDS = 16 };

static const struct option long_options[] = {
    {"flush", no_argument, NULL, OPTION_FLUSH},
    {NULL, 0, NULL, 0},
};

/* The type of the message that answers a query (RFC 792, RFC 4443). */
static long long answer_to(long long query)
{
    switch (query) {
    case 8: /* echo */
        return 0;
    case 13:  /* timestamp */
    case 15:  /* information */
    case 17:  /* address mask */
    case 128: /* ICMPv6 echo */
        return query + 1;
    default:
        return query;
    }
}

/* Of an ICMP query the port on its sender's side is the identifier, the other one its type. */
static void print_query(const json_t *way, bool is_reply, FILE *out)
{
    long long type = view_integer(way, is_reply ? "sport" : "dport");

    fprintf(out, " type=%lld code=0 id=%lld", is_reply ? answer_to(type) : type,
            view_integer(way, is_reply ? "dport" : "sport"));
}

static void print_way(const json_t *flow, const char *name, FILE *out)
{
    const json_t *way = json_object_get(flow, name);

    fprintf(out, " src=%s dst=%s", view_string(way, "src"), view_string(way, "dst"));
    if (strncmp(view_string(flow, "proto"), "icmp", 4) == 0)
        print_query(way, strcmp(name, "reply") == 0, out);
    else
        fprintf(out, " sport=%lld dport=%lld", view_integer(way, "sport"),
                view_integer(way, "dport"));
    fprintf(out, " packets=%lld bytes=%lld", view_integer(way, "packets"),
            view_integer(way, "bytes"));
}

static void print_flow(const json_t *flow, FILE *out)
{
    char left[VIEW_NUMBER], age[VIEW_NUMBER];

    fprintf(out, "%-7s timeout=%s age=%s", view_string(flow, "proto"),
            view_duration(view_real(flow, "timeout_seconds"), left),
            view_duration(view_real(flow, "age_seconds"), age));
    if (*view_string(flow, "state") != '\0')
        fprintf(out, " %s", view_string(flow, "state"));
    if (*view_string(flow, "rule") != '\0')
        fprintf(out, " rule=%s", view_string(flow, "rule"));
    print_way(flow, "original", out);
    if (!json_is_true(json_object_get(flow, "answered")))
        fputs(" [UNREPLIED]", out);
    print_way(flow, "reply", out);
    if (json_is_true(json_object_get(flow, "translated")))
        fputs(" [TRANSLATED]", out);
    fputc('\n', out);
}

static void show(const struct options *options, const json_t *flows)
{
    const json_t *flow;
    size_t i;

    json_array_foreach((json_t *)flows, i, flow)
    {
        if (!options->json) {
            print_flow(flow, stdout);
            continue;
        }
        json_object_set_new((json_t *)flow, "schema", json_integer(1));
        json_dumpf(flow, stdout, JSON_COMPACT);
        putchar('\n');
    }
}

/* One part after the other, so that no part is long in the making. */
static enum exit_code list(const struct options *options, struct connection *connection,
                           char **filter, size_t filter_count)
{
    char queue[24] = "0", entry[24] = "0";
    const char *request[3 + FILTER_WORDS] = {"flows", queue, entry};
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
        show(options, json_object_get(document, "flows"));
        next = json_object_get(document, "next");
        more = next != NULL;
        snprintf(queue, sizeof(queue), "%lld", view_integer(next, "queue"));
        snprintf(entry, sizeof(entry), "%lld", view_integer(next, "entry"));
        json_decref(document);
    }
    return command_finish_output(EXIT_CODE_OK);
}

static enum exit_code flush(const struct options *options)
{
    static const char *const request[] = {"flush-flows"};
    json_t *document;
    enum exit_code code = connection_ask(options, request, ARRAY_SIZE(request), &document);

    if (code != EXIT_CODE_OK)
        return code;
    if (options->json)
        json_dumpf(document, stdout, JSON_COMPACT);
    else
        printf("%lld flows forgotten", view_integer(document, "flushed"));
    putchar('\n');
    json_decref(document);
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
    if (optind < argc && (flushing || argc - optind > FILTER_WORDS))
        return command_refuse_usage(&command_flows, "'%s' is one word too many", argv[optind]);
    if (flushing)
        return flush(options);
    code = connection_open(&connection, options);
    return code == EXIT_CODE_OK ? list(options, &connection, argv + optind, (size_t)(argc - optind))
                                : code;
}

const struct command command_flows = {
    .name = "flows",
    .arguments = "[--flush | KEY=VALUE…]",
    .summary = "who speaks with whom: both tuples, packets and bytes of each way",
    .help = "      --flush  forget all flows; they begin anew with their next packets\n"
            "\n"
            "KEY=VALUE, of the flow as it began: proto=tcp src=192.0.2.0/24 dst= sport= dport=443\n"
            "state=established rule=NAME (that translates it)\n",
    .run = run,
};
