/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line on standard error. */
#include "progress.h"

#include "ipmodd/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STEPS_PER_LOOK = 8192, /* at the clock */
    QUIET_MS = 500,        /* short jobs show nothing; then one line as often */
};

struct progress progress_begin(bool wanted)
{
    struct progress progress = {.shown = wanted && isatty(STDERR_FILENO) == 1,
                                .start = clock_monotonic_seconds()};

    progress.last = progress.start;
    return progress;
}

static void draw(struct progress *progress, double part, double elapsed)
{
    double rate = (double)progress->steps / elapsed;

    if (part >= 0)
        fprintf(stderr, "\r%3.0f %%, ", part * 100);
    else
        fputc('\r', stderr);
    fprintf(stderr, "%" PRIu64 " packets, %.0f a second", progress->steps, rate);
    if (part > 0)
        fprintf(stderr, ", %.0f s to go", elapsed / part * (1 - part));
    fputs("\033[K", stderr);
    fflush(stderr);
    progress->drawn = true;
}

void progress_step(struct progress *progress, double (*part)(const void *job), const void *job)
{
    double now;

    progress->steps++;
    if (!progress->shown || progress->steps % STEPS_PER_LOOK != 0)
        return;
    now = clock_monotonic_seconds();
    if ((now - progress->last) * 1000 < QUIET_MS)
        return;
    progress->last = now;
    draw(progress, part(job), now - progress->start);
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
