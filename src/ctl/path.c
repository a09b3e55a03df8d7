/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl path: one packet's way through the hooks of netfilter and the rules. */
#include "command.h"
#include "path_daemon.h"
#include "path_probe.h"
#include "path_steps.h"

#include "ipmodd/base/clock.h"
#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_PROTO = 256, OPTION_SPORT, OPTION_DPORT, OPTION_TTL };

static const struct option long_options[] = {
    {"source", required_argument, NULL, 's'},
    {"proto", required_argument, NULL, OPTION_PROTO},
    {"sport", required_argument, NULL, OPTION_SPORT},
    {"dport", required_argument, NULL, OPTION_DPORT},
    {"ttl", required_argument, NULL, OPTION_TTL},
    {"timeout", required_argument, NULL, 'W'},
    {NULL, 0, NULL, 0},
};

struct wish {
    struct probe probe;
    bool has_proto, has_ports;
    int quiet_ms; /* after so long nothing more is to be seen */
};

enum {
    QUIET_MS = 400,
    QUIET_MS_MAX = 60000,
    ALL_MS = 5000, /* beyond `quiet_ms`, however much there is to be seen */
};

static enum exit_code take_proto(struct wish *wish, const char *text)
{
    static const struct {
        const char *name;
        uint8_t proto;
    } protos[] = {{"icmp", IPPROTO_ICMP}, {"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}};

    for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
        if (strcmp(text, protos[i].name) != 0)
            continue;
        wish->probe.proto = protos[i].proto;
        wish->has_proto = true;
        return EXIT_CODE_OK;
    }
    return command_refuse_usage(&command_path, "--proto '%s' is none of udp, tcp, icmp", text);
}

static enum exit_code take_number(const char *text, uint64_t least, uint64_t most, const char *what,
                                  uint64_t *ret)
{
    if (text_parse_number(text, most, ret) == 0 && *ret >= least)
        return EXIT_CODE_OK;
    return command_refuse_usage(&command_path, "%s '%s' is no number from %llu to %llu", what, text,
                                (unsigned long long)least, (unsigned long long)most);
}

static enum exit_code take_address(const char *text, struct ip_addr *ret)
{
    if (ip_addr_parse(text, ret) == 0)
        return EXIT_CODE_OK;
    return command_refuse_usage(
        &command_path, "'%s' is not an address: one such as 192.0.2.1 or 2001:db8::1", text);
}

static enum exit_code take_option(struct wish *wish, int answer, char **argv)
{
    enum exit_code code = EXIT_CODE_OK;
    uint64_t number = 0;
    double seconds;
    char *end;

    switch (answer) {
    case OPTION_PROTO:
        return take_proto(wish, optarg);
    case OPTION_SPORT:
        code = take_number(optarg, 1, UINT16_MAX, "--sport", &number);
        wish->probe.sport = (uint16_t)number;
        wish->has_ports = true;
        return code;
    case OPTION_DPORT:
        code = take_number(optarg, 1, UINT16_MAX, "--dport", &number);
        wish->probe.dport = (uint16_t)number;
        wish->has_ports = true;
        return code;
    case OPTION_TTL:
        code = take_number(optarg, 1, UINT8_MAX, "--ttl", &number);
        wish->probe.ttl = (uint8_t)number;
        return code;
    case 's':
        wish->probe.has_src = true;
        return take_address(optarg, &wish->probe.src);
    case 'W':
        seconds = strtod(optarg, &end);
        if (end == optarg || *end != '\0' || !(seconds >= 0.01 && seconds * 1000 <= QUIET_MS_MAX))
            return command_refuse_usage(&command_path, "'%s' is no time: seconds from 0.01 to %d",
                                        optarg, QUIET_MS_MAX / 1000);
        wish->quiet_ms = (int)(seconds * 1000);
        return code;
    default:
        return command_refuse_option(&command_path, answer, argv);
    }
}

static enum exit_code check(struct wish *wish)
{
    struct probe *probe = &wish->probe;

    if (!wish->has_proto)
        probe->proto = wish->has_ports ? IPPROTO_UDP : IPPROTO_ICMP;
    if (probe->proto == IPPROTO_ICMP && wish->has_ports)
        return command_refuse_usage(&command_path, "ICMP has no ports");
    if (probe->proto != IPPROTO_ICMP && probe->dport == 0)
        return command_refuse_usage(&command_path, "%s takes --dport", probe_proto_name(probe));
    if (probe->has_src && probe->src.family != probe->dst.family)
        return command_refuse_usage(&command_path, "source and destination are of two families");
    return EXIT_CODE_OK;
}

static enum exit_code parse_arguments(int argc, char **argv, struct wish *wish)
{
    enum exit_code code = EXIT_CODE_OK;
    int answer;

    while (code == EXIT_CODE_OK &&
           (answer = getopt_long(argc, argv, ":s:W:", long_options, NULL)) != -1)
        code = take_option(wish, answer, argv);
    if (code != EXIT_CODE_OK)
        return code;
    if (optind + 1 != argc)
        return command_refuse_usage(&command_path, "one destination has to be given");
    code = take_address(argv[optind], &wish->probe.dst);
    return code == EXIT_CODE_OK ? check(wish) : code;
}

/* Until the way is over or nothing more comes. 0 or -errno. */
static int collect(struct hook_trace *trace, const struct wish *wish, struct steps *steps)
{
    double until = clock_monotonic_seconds() + (wish->quiet_ms + ALL_MS) / 1e3;
    struct hook_sight sight;
    int r = 1;

    while (r > 0 && !steps_are_over(steps) && clock_monotonic_seconds() < until) {
        r = hook_trace_next(trace, wish->quiet_ms, &sight);
        if (r > 0 && !steps_add(steps, &sight))
            return 0;
    }
    return r < 0 ? r : 0;
}

static void print_head(const struct probe *probe, FILE *out)
{
    char src[IP_PREFIX_TEXT], dst[IP_PREFIX_TEXT];

    ip_addr_format(&probe->src, src);
    ip_addr_format(&probe->dst, dst);
    if (probe->proto == IPPROTO_ICMP)
        fprintf(out, "probe: icmp echo request %s > %s\n", src, dst);
    else
        fprintf(out, "probe: %s %s port %u > %s port %u\n", probe_proto_name(probe), src,
                probe->sport, dst, probe->dport);
}

static void show_json(const struct probe *probe, const struct steps *steps, enum path_end end,
                      const char *text)
{
    char src[IP_PREFIX_TEXT], dst[IP_PREFIX_TEXT];
    json_t *shape = json_pack("{s:s, s:s, s:s}", "proto", probe_proto_name(probe), "src",
                              ip_addr_format(&probe->src, src), "dst",
                              ip_addr_format(&probe->dst, dst));
    json_t *document;

    if (probe->proto != IPPROTO_ICMP) {
        json_object_set_new(shape, "sport", json_integer(probe->sport));
        json_object_set_new(shape, "dport", json_integer(probe->dport));
    }
    document = json_pack("{s:i, s:o, s:o, s:s, s:s}", "schema", 1, "probe", shape, "steps",
                         steps_json(steps), "end", path_end_name(end), "text", text);
    json_dumpf(document, stdout, JSON_FORM);
    putchar('\n');
    json_decref(document);
}

/* What became of PROBE, and what else is to be said of that. */
struct path_outcome {
    int sent;     /* 0, or the -errno of sending it */
    bool is_mute; /* the daemon does not answer */
};

static enum exit_code show(const struct options *options, const struct probe *probe,
                           const struct steps *steps, const struct path_outcome *outcome)
{
    char text[PATH_TEXT];
    enum path_end end = steps_judge(steps, text);
    bool is_well = (end == PATH_LEFT || end == PATH_DELIVERED) && !outcome->is_mute;
    size_t used = strlen(text);

    if (outcome->sent < 0)
        snprintf(text + used, sizeof(text) - used, " (the kernel refused it: %s)",
                 strerror(-outcome->sent));
    used = strlen(text);
    if (outcome->is_mute)
        snprintf(text + used, sizeof(text) - used,
                 "; ipmodd does not answer, so what it did there is not known");
    if (options->json) {
        show_json(probe, steps, end, text);
    } else {
        print_head(probe, stdout);
        steps_print(steps, stdout);
        puts(text);
    }
    return command_finish_output(is_well ? EXIT_CODE_OK : EXIT_CODE_FAILED);
}

/* With TRACE open: sends, collects, asks the daemon, shows. */
static enum exit_code follow(const struct options *options, const struct wish *wish,
                             struct hook_trace *trace)
{
    const struct probe *probe = &wish->probe;
    struct path_daemon daemon;
    static struct steps steps; /* large */
    struct path_outcome outcome;
    enum exit_code code;
    int r;

    path_daemon_open(&daemon, options, probe);
    steps = (struct steps){.tun = daemon.device[0] != '\0' ? daemon.device : NULL};
    outcome = (struct path_outcome){probe_send(probe), daemon.is_mute};
    r = collect(trace, wish, &steps);
    if (steps_enter_tun(&steps))
        steps.passage = path_daemon_find(&daemon, probe);
    code = r < 0 ? command_fail("reading the log group: %s", strerror(-r))
                 : show(options, probe, &steps, &outcome);
    steps_clear(&steps);
    path_daemon_close(&daemon);
    return code;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct wish wish = {.probe = {.fd = -1}, .quiet_ms = QUIET_MS};
    enum exit_code code = parse_arguments(argc, argv, &wish);
    char why[HOOK_TRACE_WHY];
    struct hook_trace *trace = NULL;
    int r;

    if (code != EXIT_CODE_OK)
        return code;
    r = probe_prepare(&wish.probe);
    if (r < 0)
        code = command_fail("no socket for such a packet: %s", strerror(-r));
    else
        r = hook_trace_open(probe_wire_proto(&wish.probe), wish.probe.cookie, &trace, why);
    if (code == EXIT_CODE_OK && r < 0)
        code = command_fail("%s", why);
    if (code == EXIT_CODE_OK)
        code = follow(options, &wish, trace);
    hook_trace_close(trace);
    if (wish.probe.fd >= 0)
        close(wish.probe.fd);
    return code == EXIT_CODE_FAILED && (r == -EPERM || r == -EACCES) ? EXIT_CODE_NOT_PERMITTED
                                                                     : code;
}

const struct command command_path = {
    .name = "path",
    .arguments = "[--proto udp|tcp|icmp] [--dport PORT] [--sport PORT]\n"
                 "                     [--ttl N] [-s SRC] [-W SECONDS] DST",
    .summary = "one packet's way through netfilter's hooks and the rules, and where it vanished",
    .help = "      --proto NAME       udp, tcp or icmp; without it udp with ports, else icmp\n"
            "      --dport PORT       for udp and tcp\n"
            "      --sport PORT       instead of a free one\n"
            "      --ttl N            TTL or hop limit, instead of the usual\n"
            "  -s, --source SRC       from this address of this host\n"
            "  -W, --timeout SECONDS  after which nothing more is expected, instead of 0.4\n",
    .run = run,
};
