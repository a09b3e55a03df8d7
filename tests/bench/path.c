/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a packet costs between read and write: the whole path, parse to fixup, with one edit, in
 * memory, for one rule and for many; and how long many rules take to load.
 *
 * usage: bench_path [--check] [--rounds N] [--rules N] [--case NUMBER [--on-request]] [--load N]
 *
 * Cases take turns within a round, and figures are medians over the rounds, ratios too. Only the
 * path is timed, a batch at a time; filling the batches is not. --check: exit 1 when a goal is
 * missed. --case: one of the cases alone (0: known flow, 1 rule …) and nothing else, for who counts
 * instructions. --on-request: a sample of it, in ns a packet, for each line on stdin, for who lets
 * builds take turns (unwatched.py). --load: such a number of rules is loaded once and nothing else.
 */
#include "many_rules.h"
#include "tool.h"
#include "yardstick.h"

#include "ipmodd/base/histogram.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/rules/load.h"

#include <string.h>
#include <time.h>

enum {
    KNOWN_FLOWS = 64,
    NEW_FLOWS =
        1 << 17,   /* many times what the flow cache holds: none is there when it comes again */
    BATCHES = 255, /* of a sample */
    WAKEUPS = 1024,
};

struct sample_packet {
    uint8_t bytes[MANY_RULES_PACKET_MAX];
    size_t length;
};

/* A ruleset, and packets that go through it in a circle. */
struct bench_case {
    const char *name;
    const struct ruleset *ruleset;
    const struct sample_packet *packets;
    size_t packet_count, next;
    struct path *path;
    double ns[VALUES_MAX]; /* of a packet */
};

enum { KNOWN_ONE, KNOWN_MANY, NEW_ONE, NEW_MANY, CASES };

static struct host_view *view;
static struct batch *batch;
static bool missed;

static double median_ratio(const double *above, const double *below, size_t count)
{
    double ratios[VALUES_MAX];

    for (size_t i = 0; i < count; i++)
        ratios[i] = above[i] / below[i];
    return median(ratios, count);
}

static void fill_batch(struct bench_case *bench)
{
    uint8_t *buffer;

    batch_reset(batch);
    while ((buffer = batch_next_buffer(batch)) != NULL) {
        const struct sample_packet *packet = &bench->packets[bench->next];

        memcpy(buffer, packet->bytes, packet->length);
        batch_commit(batch, packet->length);
        bench->next = (bench->next + 1) % bench->packet_count;
    }
}

/* Nanoseconds of one packet: the median of the batches, so that an interruption does not count. */
static double run_batches(struct bench_case *bench)
{
    double ns[BATCHES];

    for (size_t i = 0; i < BATCHES; i++) {
        struct moment moment = {.now_ns = i + 1};
        uint64_t begin;

        fill_batch(bench);
        begin = now_ns();
        path_run(bench->path, batch, &moment);
        ns[i] = (double)(now_ns() - begin) / (double)batch->count;
    }
    return median(ns, BATCHES);
}

static double processor_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct loaded load_rules(const struct many_rule *rules, size_t count, const char *extra,
                                double *ret_seconds)
{
    char name[] = "/tmp/bench_path.XXXXXX";
    struct problems problems = PROBLEMS_INIT;
    struct loaded loaded;
    int fd = mkstemp(name);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    double begin;

    if (file == NULL)
        die("%s", name);
    many_rules_write(rules, count, file);
    fputs(extra, file);
    fclose(file);
    begin = processor_seconds();
    if (load_configuration(name, &problems, &loaded) < 0)
        die("%s does not load", name);
    *ret_seconds = processor_seconds() - begin;
    unlink(name);
    problems_clear(&problems);
    return loaded;
}

/* COUNT packets of random rules. */
static struct sample_packet *make_packets(const struct many_rule *rules, size_t rule_count,
                                          size_t count, struct rng *rng)
{
    struct sample_packet *packets = calloc(count, sizeof(*packets));

    if (packets == NULL)
        die("no memory for packets");
    for (size_t i = 0; i < count; i++)
        packets[i].length =
            many_rules_packet(&rules[rng_u64(rng) % rule_count], rng, packets[i].bytes);
    return packets;
}

static void goal(const char *what, double value, const char *unit, double limit)
{
    bool holds = value <= limit;

    printf("%-58s %9.2f %-2s  at most %9.2f  %s\n", what, value, unit, limit,
           holds ? "ok" : "MISSED");
    missed |= !holds;
}

/* The rules' own cost, and that they did what they are for. */
static void tell_case(const struct bench_case *bench, size_t rounds)
{
    const struct path_counters *counters = path_counters(bench->path);
    double searches = (double)(counters->flow_hits + counters->flow_misses);

    if (counters->edited != counters->in)
        die("%s: %llu of %llu packets were edited", bench->name,
            (unsigned long long)counters->edited, (unsigned long long)counters->in);
    printf("%-24s %8.1f ns a packet", bench->name, median(bench->ns, rounds));
    if (searches > 0)
        printf(", %.1f %% of searches in the flow cache",
               100 * (double)counters->flow_hits / searches);
    putchar('\n');
}

/* Nanoseconds of one entry in the histogram of wake-ups, of which there is one for each. */
static double histogram_ns(void)
{
    struct histogram histogram = {.sum_ns = 0};
    struct rng rng = rng_make(1);
    uint64_t took_ns[WAKEUPS];
    double ns[BATCHES];

    for (size_t i = 0; i < WAKEUPS; i++)
        took_ns[i] = rng_u64(&rng) % 200000;
    for (size_t i = 0; i < BATCHES; i++) {
        uint64_t begin = now_ns();

        for (size_t j = 0; j < WAKEUPS; j++) {
            histogram_add(&histogram, took_ns[j]);
            __asm__ volatile("" : : "r"(&histogram) : "memory"); /* each one is written */
        }
        ns[i] = (double)(now_ns() - begin) / WAKEUPS;
    }
    return median(ns, BATCHES);
}

static void measure(struct bench_case *cases, size_t rounds)
{
    double ppid[VALUES_MAX], writes[VALUES_MAX], entries[VALUES_MAX];
    int tun = yardstick_open_tun();

    for (size_t c = 0; c < CASES; c++)
        run_batches(&cases[c]);
    for (size_t r = 0; r < rounds; r++) {
        for (size_t c = 0; c < CASES; c++)
            cases[c].ns[r] = run_batches(&cases[c]);
        ppid[r] = yardstick_getppid_ns();
        entries[r] = histogram_ns();
        writes[r] = tun >= 0 ? yardstick_write_ns(tun, cases[KNOWN_ONE].packets[0].bytes,
                                                  cases[KNOWN_ONE].packets[0].length)
                             : 0;
    }
    for (size_t c = 0; c < CASES; c++)
        tell_case(&cases[c], rounds);
    printf("%-24s %8.1f ns\n%-24s %8.1f ns\n%-24s %8.1f ns\n\n", "getppid()", median(ppid, rounds),
           "a small tun write", median(writes, rounds), "a wake-up in a histogram",
           median(entries, rounds));
    goal("known flow, 1 rule : getppid()", median_ratio(cases[KNOWN_ONE].ns, ppid, rounds), "x", 1);
    if (tun >= 0)
        goal("known flow, 1 rule : one small tun write",
             median_ratio(cases[KNOWN_ONE].ns, writes, rounds), "x", 0.1);
    else
        puts("known flow, 1 rule : one small tun write: not measured, needs root");
    if (tun >= 0)
        goal("a wake-up in a histogram : one small tun write",
             median_ratio(entries, writes, rounds), "x", 0.01);
    goal("known flow, many rules : 1 rule",
         median_ratio(cases[KNOWN_MANY].ns, cases[KNOWN_ONE].ns, rounds), "x", 1.15);
    goal("new flow, many rules : 1 rule",
         median_ratio(cases[NEW_MANY].ns, cases[NEW_ONE].ns, rounds), "x", 6);
}

static void measure_alone(struct bench_case *bench, size_t rounds)
{
    for (size_t r = 0; r < rounds; r++)
        bench->ns[r] = run_batches(bench);
    tell_case(bench, rounds);
}

static void measure_on_request(struct bench_case *bench)
{
    char line[8];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        printf("%.4f\n", run_batches(bench));
        fflush(stdout);
    }
}

/* The best of so many times: what a load takes when nothing gets in its way. */
static double load_seconds(size_t count, int times)
{
    struct many_rule *rules = calloc(count, sizeof(*rules));
    struct rng rng = rng_make(1);
    double best = 1e9;

    if (rules == NULL)
        die("no memory for rules");
    many_rules_make(rules, count, &rng);
    for (int i = 0; i < times; i++) {
        double seconds;
        struct loaded loaded = load_rules(rules, count, "", &seconds);

        best = MIN_OF(best, seconds);
        loaded_clear(&loaded);
    }
    free(rules);
    return best;
}

static void measure_paths(size_t rule_count, size_t rounds, size_t alone, bool on_request)
{
    static const char everything[] = "[rule all]\nset-dscp = ef\nverdict = accept\n";
    static const char one_rule[] = "[rule one]\nsrc = 0.0.0.0/0, ::/0\nproto = tcp, udp\n"
                                   "set-dscp = ef\nverdict = accept\n";
    struct many_rule *rules = calloc(rule_count, sizeof(*rules));
    struct rng rng = rng_make(1);
    struct sample_packet *known, *new;
    struct loaded many, one;
    double seconds;

    if (rules == NULL)
        die("no memory for rules");
    many_rules_make(rules, rule_count, &rng);
    known = make_packets(rules, rule_count, KNOWN_FLOWS, &rng);
    new = make_packets(rules, rule_count, NEW_FLOWS, &rng);
    many = load_rules(rules, rule_count, everything, &seconds);
    one = load_rules(rules, 0, one_rule, &seconds);
    struct bench_case cases[CASES] = {
        [KNOWN_ONE] = {.name = "known flow, 1 rule",
                       .ruleset = one.ruleset,
                       .packets = known,
                       .packet_count = KNOWN_FLOWS},
        [KNOWN_MANY] = {.name = "known flow, many rules",
                        .ruleset = many.ruleset,
                        .packets = known,
                        .packet_count = KNOWN_FLOWS},
        [NEW_ONE] = {.name = "new flow, 1 rule",
                     .ruleset = one.ruleset,
                     .packets = new,
                     .packet_count = NEW_FLOWS},
        [NEW_MANY] = {.name = "new flow, many rules",
                      .ruleset = many.ruleset,
                      .packets = new,
                      .packet_count = NEW_FLOWS},
    };
    for (size_t c = 0; c < CASES; c++) {
        cases[c].path = path_new(cases[c].ruleset, view);
        if (cases[c].path == NULL)
            die("no memory for a path");
    }
    if (on_request)
        measure_on_request(&cases[alone]);
    else if (alone < CASES)
        measure_alone(&cases[alone], rounds);
    else
        measure(cases, rounds);
    for (size_t c = 0; c < CASES; c++)
        path_free(cases[c].path);
    loaded_clear(&many);
    loaded_clear(&one);
    free(known);
    free(new);
    free(rules);
}

int main(int argc, char **argv)
{
    size_t rounds = 21, rule_count = 10000, alone = CASES, load = 0;
    bool check = false, on_request = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0)
            check = true;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = (size_t)number(argv[++i], 1, VALUES_MAX);
        else if (strcmp(argv[i], "--rules") == 0 && i + 1 < argc)
            rule_count = (size_t)number(argv[++i], 1, 1000000);
        else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc)
            alone = (size_t)number(argv[++i], 0, CASES - 1);
        else if (strcmp(argv[i], "--on-request") == 0)
            on_request = true;
        else if (strcmp(argv[i], "--load") == 0 && i + 1 < argc)
            load = (size_t)number(argv[++i], 1, 1000000);
        else
            die("usage: bench_path [--check] [--rounds N] [--rules N]"
                " [--case NUMBER [--on-request]] [--load N]");
    }
    if (load > 0) {
        printf("%zu rules in %.0f ms\n", load, load_seconds(load, 1) * 1000);
        return EXIT_SUCCESS;
    }
    if (on_request && alone == CASES)
        die("--on-request needs --case");
    view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    batch = batch_new();
    if (view == NULL || batch == NULL)
        die("no memory");
    if (!on_request)
        printf("%zu rules, median of %zu rounds\n\n", rule_count, rounds);
    measure_paths(rule_count, rounds, alone, on_request);
    if (alone == CASES) {
        goal("load and compile 10,000 rules", load_seconds(10000, 3) * 1000, "ms", 150);
        goal("load and compile 100,000 rules", load_seconds(100000, 3) * 1000, "ms", 2000);
    }
    batch_free(batch);
    host_view_free(view);
    return check && missed ? EXIT_FAILURE : EXIT_SUCCESS;
}
