/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time that a new configuration has, and the old one. */
#include "trial.h"

#include "clock.h"
#include "ipmodd/base/macro.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_SECOND UINT64_C(1000000000)

int trial_open(struct trial *trial)
{
    *trial = (struct trial){
        .deadline_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
    };
    return trial->deadline_fd >= 0 ? 0 : -errno;
}

void trial_close(struct trial *trial)
{
    loaded_clear(&trial->previous);
    if (trial->deadline_fd >= 0)
        close(TAKE_FD(trial->deadline_fd));
}

bool trial_is_pending(const struct trial *trial)
{
    return trial->deadline_ns != 0;
}

unsigned trial_seconds_left(const struct trial *trial)
{
    uint64_t now_ns = clock_monotonic_ns();

    if (trial->deadline_ns <= now_ns)
        return 0;
    return (unsigned)((trial->deadline_ns - now_ns + NS_PER_SECOND - 1) / NS_PER_SECOND);
}

void trial_keep(struct trial *trial, struct loaded *old)
{
    struct loaded given = *old;

    *old = (struct loaded){.config = NULL};
    if (trial_is_pending(trial)) {
        loaded_clear(&given);
        return;
    }
    loaded_clear(&trial->previous);
    trial->previous = given;
}

static void set_timer(struct trial *trial, unsigned seconds)
{
    const struct itimerspec wait = {.it_value = {.tv_sec = seconds}};

    timerfd_settime(trial->deadline_fd, 0, &wait, NULL); /* fails for wrong arguments alone */
}

void trial_begin(struct trial *trial, unsigned seconds)
{
    trial->deadline_ns = clock_monotonic_ns() + seconds * NS_PER_SECOND;
    set_timer(trial, seconds);
}

void trial_retry(struct trial *trial, unsigned seconds)
{
    set_timer(trial, seconds);
}

void trial_end(struct trial *trial)
{
    trial->deadline_ns = 0;
    set_timer(trial, 0);
}
