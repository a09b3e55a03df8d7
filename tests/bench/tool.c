/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up, numbers, the clock, addresses, the signal to stop. */
#include "tool.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECEIVE_BUFFER = 16 << 20 };

static volatile sig_atomic_t stop;

void die(const char *format, ...)
{
    int error = errno;
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, ": %s\n", strerror(error));
    exit(1);
}

uint64_t number(const char *text, uint64_t min, uint64_t max)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno == 0 && (end == text || *end != '\0' || value < min || value > max))
        errno = EINVAL;
    if (errno != 0)
        die("%s", text);
    return value;
}

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

socklen_t address_of(const char *address, const char *port, struct sockaddr_storage *ret_address)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
        .ai_socktype = SOCK_DGRAM,
    };
    struct addrinfo *found;
    socklen_t length;
    int error = getaddrinfo(address, port, &hints, &found);

    if (error != 0) {
        errno = EINVAL;
        die("%s port %s: %s", address, port, gai_strerror(error));
    }
    length = found->ai_addrlen;
    memcpy(ret_address, found->ai_addr, length);
    freeaddrinfo(found);
    return length;
}

int udp_bind(uint16_t port)
{
    const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const int no = 0;
    const int room = RECEIVE_BUFFER;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
        bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
        die("UDP port %u", port);
    return fd;
}

void say_ready(void)
{
    puts("ready");
    fflush(stdout);
}

static void on_sigterm(int number_of_signal)
{
    (void)number_of_signal;
    stop = 1;
}

void stop_on_sigterm(void)
{
    const struct sigaction action = {.sa_handler = on_sigterm};

    sigaction(SIGTERM, &action, NULL);
}

bool stop_wanted(void)
{
    return stop != 0;
}
