/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to begin a flow that is translated, while the ports of one external address are
 * used up, and when all are.
 *
 * usage: bench_nat_ports
 *
 * Ever new hosts inside send a first segment each from a random port, as a flood with forged
 * sources would. Only the path is timed, in processor time; a line for each step, with the longest
 * that a batch took.
 */
#include "tool.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/flow.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/bytes.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

enum {
    PORTS = 64512, /* above the well-known ones */
    FLOWS = 1 << 18,
    SYN_SIZE = 40,
};

static uint64_t processor_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct ruleset *make_rules(void)
{
    const struct action_type *action = action_type_find("snat");
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    const struct scope scope = scope_all();
    struct value_error error = {""};
    struct rule rule;
    void *value;

    if (ruleset == NULL || rule_init(&rule, "share", "bench", 1) < 0 ||
        action->parse("203.0.113.7", &scope, &value, &error) < 0 ||
        rule_add_action(&rule, action, value) < 0 || ruleset_add(ruleset, &rule) < 0)
        die("no rules: %s", error.text);
    ruleset->flows.max = FLOWS;
    return ruleset;
}

static void put_syn(uint8_t *bytes, struct rng *rng)
{
    static const uint8_t header[SYN_SIZE] = {0x45,        0, 0, SYN_SIZE, 0, 0,    0x40, 0,   64,
                                             IPPROTO_TCP, 0, 0, 0,        0, 0,    0,    198, 51,
                                             100,         2, 0, 0,        0, 80,   0,    0,   0,
                                             0,           0, 0, 0,        0, 0x50, 0x02, 4};

    memcpy(bytes, header, SYN_SIZE);
    be32_store(bytes + 12, 0x0a000000 | (rng_u32(rng) & 0xffffff));
    be16_store(bytes + 20, (uint16_t)(1024 + rng_u32(rng) % PORTS));
}

/* Nanoseconds of one of COUNT first segments, and RET_LONGEST of a batch. */
static double begin_flows(struct path *path, struct batch *batch, size_t count, struct rng *rng,
                          uint64_t *ret_longest)
{
    static uint64_t now_ns = 1;
    uint64_t spent = 0, longest = 0;
    size_t sent = 0;

    while (sent < count) {
        uint64_t begin, took;
        uint8_t *buffer;

        batch_reset(batch);
        while (sent + batch->count < count && (buffer = batch_next_buffer(batch)) != NULL) {
            put_syn(buffer, rng);
            batch_commit(batch, SYN_SIZE);
        }
        begin = processor_ns();
        path_run(path, batch, &(struct moment){.now_ns = now_ns++});
        took = processor_ns() - begin;
        spent += took;
        longest = MAX_OF(longest, took);
        sent += batch->count;
    }
    *ret_longest = longest;
    return (double)spent / (double)count;
}

int main(void)
{
    static const unsigned steps[] = {10, 50, 75, 90, 95, 98, 99, 100, 110, 200};
    struct host_view *view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    struct ruleset *ruleset = make_rules();
    struct path *path = path_new(ruleset, view);
    struct batch *batch = batch_new();
    struct rng rng = rng_make(1);
    size_t sent = 0;

    if (view == NULL || path == NULL || batch == NULL)
        die("no memory");
    path_set_seed(path, 1);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        size_t until = (size_t)PORTS * steps[i] / 100;
        uint64_t longest;
        double ns = begin_flows(path, batch, until - sent, &rng, &longest);
        const struct path_counters *counters = path_counters(path);

        sent = until;
        printf("flows for %3u %% of %d ports: %7.0f ns each, longest batch %4.0f us, ", steps[i],
               PORTS, ns, (double)longest / 1e3);
        printf("%6llu refused so far\n", (unsigned long long)counters->drops[REASON_NAT_EXHAUSTED]);
    }
    path_free(path);
    batch_free(batch);
    ruleset_free(ruleset);
    host_view_free(view);
    return EXIT_SUCCESS;
}
