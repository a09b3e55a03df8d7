/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow table of a million: memory, and time to add, to find and to lose a flow.
 *
 * usage: bench_flow_table [ipv4|ipv6] [COUNT]
 *
 * Tuples are random. "find": each lookup waits for the answer of the one before. "in batches":
 * those of 64 packets are announced together, as the path does. Prints one line, with processor
 * time.
 */
#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/flow.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 3, BATCH = 64 };

static double processor_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct flow_tuple random_tuple(struct rng *rng, enum ip_family family)
{
    struct flow_tuple tuple = {.proto = IPPROTO_TCP, .family = (uint8_t)family};
    uint64_t words[4] = {rng_u64(rng), rng_u64(rng), rng_u64(rng), rng_u64(rng)};

    memcpy(tuple.src, words, IP_ADDR_BYTES(family));
    memcpy(tuple.dst, words + 2, IP_ADDR_BYTES(family));
    tuple.sport = rng_u16(rng);
    tuple.dport = rng_u16(rng);
    return tuple;
}

static double add_all(struct flow_table *table, const struct flow_tuple *tuples, size_t count)
{
    double begin = processor_seconds();

    for (size_t i = 0; i < count; i++) {
        const struct flow_tuple turned = flow_tuple_turn(&tuples[i]);
        struct flow *flow = flow_table_add(table, &tuples[i], &turned, 1);

        if (flow == NULL)
            exit(EXIT_FAILURE);
        flow->class = FLOW_CLASS_TCP_ESTABLISHED;
    }
    return (processor_seconds() - begin) * 1e9 / (double)count;
}

/* In another order than that in which they were added. */
static void shuffle(struct flow_tuple *tuples, size_t count, struct rng *rng)
{
    for (size_t i = count - 1; i > 0; i--) {
        size_t other = rng_u64(rng) % (i + 1);
        const struct flow_tuple taken = tuples[i];

        tuples[i] = tuples[other];
        tuples[other] = taken;
    }
}

static double find_all(struct flow_table *table, const struct flow_tuple *tuples, size_t count)
{
    double begin = processor_seconds();
    uint64_t last = 0;

    for (size_t i = 0; i < count * ROUNDS; i++) {
        enum flow_way way;
        const struct flow *flow = flow_table_find(table, &tuples[(i + last) % count], 1, &way);

        if (flow == NULL)
            exit(EXIT_FAILURE);
        last = flow->rule; /* 0, but the next question has to wait for it */
    }
    return (processor_seconds() - begin) * 1e9 / (double)(count * ROUNDS);
}

/* A batch of packets at a time. */
static double find_all_in_batches(struct flow_table *table, const struct flow_tuple *tuples,
                                  size_t count)
{
    double begin = processor_seconds();

    for (size_t i = 0; i + BATCH <= count; i += BATCH) {
        flow_table_prefetch(table, &tuples[i], BATCH);
        for (size_t j = i; j < i + BATCH; j++) {
            enum flow_way way;

            if (flow_table_find(table, &tuples[j], 1, &way) == NULL)
                exit(EXIT_FAILURE);
        }
    }
    return (processor_seconds() - begin) * 1e9 / (double)count;
}

static double sweep_all(struct flow_table *table, size_t count)
{
    double begin = processor_seconds();

    flow_table_sweep(table, count, UINT64_MAX / 2);
    return (processor_seconds() - begin) * 1e9 / (double)count;
}

int main(int argc, char **argv)
{
    enum ip_family family = argc > 1 && strcmp(argv[1], "ipv4") == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    struct flow_limits limits = flow_limits_default();
    struct flow_table *table;
    struct flow_tuple *tuples = calloc(count, sizeof(*tuples));
    struct rng rng = rng_make(1);
    double add, find, batched;

    limits.max = (uint32_t)count;
    table = flow_table_new(&limits, 7);
    if (table == NULL || tuples == NULL)
        return EXIT_FAILURE;
    for (size_t i = 0; i < count; i++)
        tuples[i] = random_tuple(&rng, family);
    add = add_all(table, tuples, count);
    shuffle(tuples, count, &rng);
    find = find_all(table, tuples, count);
    batched = find_all_in_batches(table, tuples, count);
    printf("%s, %zu flows: %.0f bytes a flow, add %.0f ns, find %.0f ns, in batches %.0f ns, ",
           ip_family_name(family), count, (double)flow_table_memory(table) / (double)count, add,
           find, batched);
    printf("end %.0f ns\n", sweep_all(table, count));
    flow_table_free(table);
    free(tuples);
    return EXIT_SUCCESS;
}
