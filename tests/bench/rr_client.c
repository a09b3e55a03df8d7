/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends a UDP request, waits for its answer, sends the next; prints percentiles of the round trip.
 *
 *     rr_client ADDRESS PORT SIZE MILLISECONDS
 *
 * One request is under way at a time. One without an answer for 200 ms counts as lost.
 */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
    SIZE_MAX_BYTES = 1472,
    TIMEOUT_US = 200000,
    TRIPS_MAX = 4000000,
};

struct trips {
    uint32_t ns[TRIPS_MAX];
    size_t count;
    size_t lost;
};

static int socket_open(const char *address, const char *port)
{
    const struct timeval timeout = {.tv_usec = TIMEOUT_US};
    struct sockaddr_storage to;
    socklen_t length = address_of(address, port, &to);
    int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
        connect(fd, (const struct sockaddr *)&to, length) < 0)
        die("socket");
    return fd;
}

/* Waits for the answer to request ID; false when none came. Late answers to others are passed by.
 */
static bool answer_came(int fd, uint64_t id)
{
    uint64_t got;
    ssize_t length;

    do {
        length = recv(fd, &got, sizeof(got), 0);
    } while (length == (ssize_t)sizeof(got) && got != id);
    if (length < 0 && errno != EAGAIN && errno != ECONNREFUSED)
        die("receive");
    return length == (ssize_t)sizeof(got);
}

static void one_trip(int fd, uint8_t *request, size_t size, uint64_t id, struct trips *trips)
{
    uint64_t start = now_ns();

    memcpy(request, &id, sizeof(id));
    if (send(fd, request, size, 0) >= 0 && answer_came(fd, id))
        trips->ns[trips->count++] = (uint32_t)(now_ns() - start);
    else
        trips->lost++;
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

/* Microseconds at that place of the sorted trips. */
static double percentile(const struct trips *trips, double part)
{
    return trips->ns[(size_t)((double)(trips->count - 1) * part)] / 1e3;
}

int main(int argc, char **argv)
{
    static struct trips trips;
    static uint8_t request[SIZE_MAX_BYTES];
    uint64_t end;
    size_t size;
    int fd;

    if (argc != 5) {
        errno = EINVAL;
        die("usage: rr_client ADDRESS PORT SIZE MILLISECONDS");
    }
    fd = socket_open(argv[1], argv[2]);
    size = (size_t)number(argv[3], sizeof(uint64_t), SIZE_MAX_BYTES);
    end = now_ns() + number(argv[4], 1, 600000) * 1000000;
    for (uint64_t id = 0; now_ns() < end && trips.count < TRIPS_MAX; id++)
        one_trip(fd, request, size, id, &trips);

    printf("{\"trips\": %zu, \"lost\": %zu", trips.count, trips.lost);
    if (trips.count > 0) {
        qsort(trips.ns, trips.count, sizeof(trips.ns[0]), compare);
        printf(", \"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f", percentile(&trips, 0.5),
               percentile(&trips, 0.99), percentile(&trips, 0.999));
    }
    puts("}");
    return 0;
}
