/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets the time of day of one process jump; linked into ipmodd for a test.
 *
 * What the program defines itself comes before the C library's, for libevent and the other shared
 * libraries too. The file IPMODD_CLOCK_JUMP holds how many seconds the clocks that a suspended or
 * corrected machine would see jump are off; without it they are right. CLOCK_MONOTONIC never jumps.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t jump(void)
{
    const char *path = getenv("IPMODD_CLOCK_JUMP");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char text[32] = "";

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    close(fd);
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    int r = (int)syscall(SYS_clock_gettime, clock, ret_now);

    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
                   clock == CLOCK_BOOTTIME || clock == CLOCK_TAI))
        ret_now->tv_sec += jump();
    return r;
}

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_now = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret_now)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_now != NULL)
        *ret_now = now.tv_sec;
    return now.tv_sec;
}
