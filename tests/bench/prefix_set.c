/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A prefix set of a million elements from a file: time to load, memory, time of a lookup.
 *
 * usage: bench_prefix_set [--check] [ipv4|ipv6|ipv6-long] [COUNT]
 *
 * Prefixes and the addresses asked for are random, half of them in the set; the file is in no
 * order. Prints one line, with processor time. --check: exit 1 when a goal for a million prefixes
 * is missed.
 */
#include "ipmodd/base/rng.h"
#include "ipmodd/rules/load.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { QUESTIONS = 1 << 20, ROUNDS = 5 };

struct kind {
    const char *name;
    enum ip_family family;
    unsigned shortest, longest; /* lengths of the prefixes */
};

static const struct kind kinds[] = {
    {"ipv4", FAMILY_IPV4, 28, 32},
    {"ipv6", FAMILY_IPV6, 48, 64},
    {"ipv6-long", FAMILY_IPV6, 112, 128},
};

/* Of a million prefixes. */
static const double load_seconds_max = 2, memory_mb_max = 32, lookup_ns_max = 150;

static double processor_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double resident_mb(void)
{
    CLEANUP(cleanup_file) FILE *file = fopen("/proc/self/statm", "re");
    size_t pages = 0;

    if (file == NULL || fscanf(file, "%*u %zu", &pages) != 1)
        exit(EXIT_FAILURE);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static double peak_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024 / 1e6;
}

static void random_address(struct rng *rng, enum ip_family family, uint8_t *bytes)
{
    uint64_t words[2] = {rng_u64(rng), rng_u64(rng)};

    memcpy(bytes, words, sizeof(words));
    if (family == FAMILY_IPV6) {
        bytes[0] = 0x20;
        bytes[1] = 0x01;
    }
}

static void write_files(const char *folder, const struct kind *kind, uint8_t (*addresses)[16],
                        size_t count)
{
    unsigned lengths = kind->longest - kind->shortest + 1;
    char path[256], text[INET6_ADDRSTRLEN];
    FILE *file;

    snprintf(path, sizeof(path), "%s/set.txt", folder);
    file = fopen(path, "we");
    for (size_t i = 0; i < count; i++) {
        inet_ntop(ip_family_to_af(kind->family), addresses[i], text, sizeof(text));
        fprintf(file, "%s/%zu\n", text, kind->shortest + i % lengths);
    }
    fclose(file);
    snprintf(path, sizeof(path), "%s/set.conf", folder);
    file = fopen(path, "we");
    fputs("[set s]\nfile = set.txt\n[rule a]\ndst = @s\nverdict = drop\n", file);
    fclose(file);
}

/* Nanoseconds of one lookup, each waiting for the answer of the one before. */
static double lookup_ns(const struct set *set, enum ip_family family, uint8_t (*addresses)[16],
                        size_t *ret_found)
{
    double begin = processor_seconds();
    size_t found = 0;

    for (size_t i = 0; i < QUESTIONS; i++) {
        uint8_t bytes[16];

        memcpy(bytes, addresses[i], sizeof(bytes));
        bytes[15] = (uint8_t)(bytes[15] ^ (found & 1));
        found += set_has_address(set, family, bytes);
    }
    *ret_found = found;
    return (processor_seconds() - begin) * 1e9 / QUESTIONS;
}

/* Whether all goals are reached. */
static bool measure(const char *folder, const struct kind *kind, uint8_t (*addresses)[16],
                    size_t count)
{
    struct problems problems = PROBLEMS_INIT;
    double before = resident_mb(), best = 1e9, begin = processor_seconds(), seconds;
    const struct set *set;
    struct loaded loaded;
    size_t found = 0;
    char path[256];

    snprintf(path, sizeof(path), "%s/set.conf", folder);
    if (load_configuration(path, &problems, &loaded) < 0)
        exit(EXIT_FAILURE);
    seconds = processor_seconds() - begin;
    set = loaded.ruleset->sets.items[0];
    for (int i = 0; i < ROUNDS; i++) {
        double ns = lookup_ns(set, kind->family, addresses, &found);

        best = MIN_OF(best, ns);
    }
    printf("%s, %zu prefixes: load %.2f s, set %.1f MB, resident +%.1f MB, at most +%.1f MB, "
           "lookup %.0f ns (%zu of %d found)\n",
           kind->name, count, seconds, (double)set_memory(set) / 1e6, resident_mb() - before,
           peak_mb() - before, best, found, QUESTIONS);
    bool good = seconds <= load_seconds_max && (double)set_memory(set) / 1e6 <= memory_mb_max &&
                best <= lookup_ns_max;

    printf("    at most %.0f s, %.0f MB, %.0f ns: %s\n", load_seconds_max, memory_mb_max,
           lookup_ns_max, good ? "ok" : "MISSED");
    loaded_clear(&loaded);
    problems_clear(&problems);
    return good;
}

static void remove_files(const char *folder)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/set.txt", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/set.conf", folder);
    unlink(path);
    rmdir(folder);
}

/* The one that TEXT names, or else the first. */
static const struct kind *kind_of(const char *text)
{
    for (size_t i = 0; text != NULL && i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(text, kinds[i].name) == 0)
            return &kinds[i];
    }
    return &kinds[0];
}

int main(int argc, char **argv)
{
    bool check = argc > 1 && strcmp(argv[1], "--check") == 0, good;

    if (check) {
        argc--;
        argv++;
    }
    const struct kind *kind = kind_of(argv[1]);
    size_t count = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 1000000;
    uint8_t(*prefixes)[16] = calloc(count, 16);
    uint8_t(*asked)[16] = calloc(QUESTIONS, 16);
    char folder[] = "/tmp/bench_prefix_set.XXXXXX";
    struct rng rng = rng_make(1);

    if (prefixes == NULL || asked == NULL || mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    for (size_t i = 0; i < count; i++)
        random_address(&rng, kind->family, prefixes[i]);
    for (size_t i = 0; i < QUESTIONS; i++) {
        random_address(&rng, kind->family, asked[i]);
        if (i % 2 == 0)
            memcpy(asked[i], prefixes[rng_u64(&rng) % count], 16);
    }
    write_files(folder, kind, prefixes, count);
    free(prefixes);
    good = measure(folder, kind, asked, count);
    free(asked);
    remove_files(folder);
    return check && !good ? EXIT_FAILURE : EXIT_SUCCESS;
}
