/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves packets between a queue of the tun device and a packet path. */
#include "mover.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <sys/eventfd.h>

enum {
    /* Of one wake-up: long enough to make the wake-up cheap, short enough (some hundred
     * microseconds) for what the main thread asks. */
    WAKEUP_PACKETS = 4 * BATCH_PACKETS,
    WAKEUP_BATCHES = 16,          /* of super-packets, which fill a batch by their bytes */
    BULK_BYTES = BATCH_BYTES / 4, /* of a batch: somebody transfers much */
    BATCHES_AT_STOP = 1024,       /* more than a queue's 1,000 packets, were each of them a batch */
};

/* A wake-up takes no longer than this, and one batch more. */
#define WAKEUP_NS UINT64_C(1000000)

/* As long as a batch is to take where packets are slow: a batch cannot be interrupted. */
#define BATCH_NS UINT64_C(500000)

int mover_init(struct mover *mover, int tun_fd, const struct ruleset *ruleset,
               const struct host_view *view)
{
    *mover = (struct mover){
        .path = path_new(ruleset, view),
        .batch = batch_new(),
        .pace = BATCH_PACKETS,
        .tun_fd = tun_fd,
    };
    zone_load(&mover->zone);
    if (mover->path != NULL && mover->batch != NULL)
        return 0;
    mover_clear(mover);
    return -ENOMEM;
}

void mover_clear(struct mover *mover)
{
    path_free(TAKE_PTR(mover->path));
    batch_free(TAKE_PTR(mover->batch));
}

/* Whether ERROR of a tun descriptor says that its device is gone, rather than this packet bad. */
static bool device_is_gone(int error)
{
    return error == -EBADFD || error == -EBADF || error == -ENODEV;
}

static void ring_bells(struct mover *mover)
{
    unsigned targets = path_push_handed(mover->path);

    for (unsigned i = 0; targets != 0; i++, targets >>= 1) {
        if ((targets & 1) != 0)
            eventfd_write(mover->bells[i], 1);
    }
}

/* Number of packets moved, LIMIT of the queue and what others have handed over, or the -errno of a
 * dead descriptor. */
static ssize_t move_batch(struct mover *mover, size_t limit)
{
    struct moment now;
    ssize_t count;
    int error;

    batch_reset(mover->batch);
    batch_take_handed(mover->path, mover->batch);
    count = batch_read(mover->path, mover->batch, mover->tun_fd, limit);
    if (count < 0 || mover->batch->count == 0)
        return count;
    count = (ssize_t)mover->batch->count;
    now = clock_read(&mover->zone);
    mover->batch_ns = now.now_ns;
    if (mover->batch->bytes >= BULK_BYTES)
        mover->bulk_ns = now.now_ns;
    path_run(mover->path, mover->batch, &now);
    ring_bells(mover);
    error = batch_write(mover->path, mover->batch, mover->tun_fd);
    if (mover->captures != NULL)
        captures_wake(mover->captures, path_captures(mover->path));
    return device_is_gone(error) ? error : count;
}

/* COUNT packets took TOOK_NS. One that was slow by chance is forgotten with the next batch. */
static void follow_pace(struct mover *mover, size_t count, uint64_t took_ns)
{
    uint64_t fit = took_ns > 0 ? count * BATCH_NS / took_ns : (uint64_t)BATCH_PACKETS;

    mover->pace = MAX_OF(MIN_OF(fit, (uint64_t)BATCH_PACKETS), UINT64_C(1));
}

/*
 * The first packet leaves before the kernel is asked for a second: most that wake up come alone.
 * The clock is read once behind each batch with packets; rules can be slow, an expression over a
 * payload most of all.
 */
static int move(struct mover *mover, uint64_t *ret_start_ns)
{
    size_t moved = 0, limit = 1;

    for (int i = 0; i < WAKEUP_BATCHES && moved < WAKEUP_PACKETS; i++) {
        ssize_t count = move_batch(mover, limit);

        if (count < 0)
            return (int)count;
        if (count > 0)
            mover->end_ns = clock_monotonic_ns();
        if (i == 0)
            *ret_start_ns = mover->batch_ns;
        if ((size_t)count < limit && !batch_is_full(mover->batch))
            return 0;
        moved += (size_t)count;
        if (i > 0) /* one packet says little */
            follow_pace(mover, (size_t)count, mover->end_ns - mover->batch_ns);
        if (mover->end_ns - *ret_start_ns >= WAKEUP_NS)
            break;
        limit = mover->pace;
    }
    return 1;
}

int mover_move(struct mover *mover)
{
    uint64_t start_ns = 0, last_ns = mover->end_ns;
    int r = move(mover, &start_ns);

    if (mover->end_ns != last_ns) {
        histogram_add(&mover->wakeups, mover->end_ns - start_ns);
        mover->pause_ns = start_ns - last_ns;
    }
    return r;
}

void mover_expire(struct mover *mover)
{
    const struct moment now = clock_read(&mover->zone);

    path_expire(mover->path, &now);
}

void mover_drain(struct mover *mover)
{
    for (int i = 0; i < BATCHES_AT_STOP; i++) {
        if (move_batch(mover, BATCH_PACKETS) <= 0)
            return;
    }
}
