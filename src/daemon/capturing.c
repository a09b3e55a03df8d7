/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures as the daemon has them. */
#include "capturing.h"

#include "ipmodd/base/directory.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"

#include <inttypes.h>
#include <string.h>

enum {
    STOP_MS = 500, /* for the disk at the end */
};

#define LOSS_INTERVAL_NS UINT64_C(30000000000)

int capturing_open(struct capturing *capturing, const char *device)
{
    char text[PATH_MAX];
    const char *directory = directory_of_service("STATE_DIRECTORY", "/var/lib/ipmodd", text);

    *capturing = (struct capturing){.losses = log_limit_make(1, LOSS_INTERVAL_NS)};
    return captures_new(directory, device, &capturing->captures);
}

void capturing_add_mover(struct capturing *capturing, struct mover *mover)
{
    captures_add_ring(capturing->captures, path_captures(mover->path));
    mover->captures = capturing->captures;
}

void capturing_follow(struct capturing *capturing, const struct ruleset *ruleset)
{
    int error = captures_follow(capturing->captures, ruleset);
    struct log_fields fields = {.count = 0};

    if (error == 0)
        return;
    log_fields_add(&fields, "ERRNO", "%d", -error);
    log_write(LEVEL_ERROR, LOG_ID_CAPTURE_LOST, &fields, "captures cannot be written: %s",
              strerror(-error));
}

/* Records that could not be written, and one of the captures that say why. */
static uint64_t count_unwritten(struct captures *captures, struct capture_state *ret_failed)
{
    struct capture_state state;
    uint64_t lost = 0;

    for (size_t i = 0; captures_state(captures, i, &state); i++) {
        lost += state.lost;
        if (state.lost > 0)
            *ret_failed = state;
    }
    return lost;
}

static void tell(uint64_t lost, const struct capture_state *failed)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_PACKETS", "%" PRIu64, lost);
    if (failed->lost == 0) {
        log_write(LEVEL_WARNING, LOG_ID_CAPTURE_LOST, &fields,
                  "%" PRIu64 " packets are missing in captures: the disk is too slow", lost);
        return;
    }
    log_fields_add(&fields, "IPMODD_CAPTURE", "%s", failed->name);
    log_fields_add(&fields, "ERRNO", "%d", failed->error);
    log_write(LEVEL_WARNING, LOG_ID_CAPTURE_LOST, &fields,
              "%" PRIu64 " packets are missing in captures: cannot write %s.pcapng: %s", lost,
              failed->name, strerror(failed->error));
}

bool capturing_tell_losses(struct capturing *capturing, uint64_t now_ns)
{
    struct capture_state failed = {.lost = 0};
    uint64_t lost = captures_overflow(capturing->captures), suppressed;

    lost += count_unwritten(capturing->captures, &failed);
    if (lost < capturing->lost_told)
        capturing->lost_told = lost; /* a capture that is not any more took its number along */
    if (lost == capturing->lost_told)
        return false;
    if (!log_limit_take(&capturing->losses, now_ns, &suppressed))
        return true;
    tell(lost - capturing->lost_told, &failed);
    capturing->lost_told = lost;
    return false;
}

static void log_state(const struct capture_state *state)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_CAPTURE", "%s", state->name);
    log_fields_add(&fields, "IPMODD_PACKETS", "%" PRIu64, state->packets);
    log_fields_add(&fields, "IPMODD_BYTES", "%" PRIu64, state->bytes);
    log_fields_add(&fields, "IPMODD_LOST", "%" PRIu64, state->lost);
    log_write(LEVEL_NOTICE, LOG_ID_STATISTICS, &fields,
              "capture %s: %" PRIu64 " packets %" PRIu64 " bytes, lost %" PRIu64, state->name,
              state->packets, state->bytes, state->lost);
}

void capturing_log_statistics(struct capturing *capturing)
{
    struct capture_state state;
    size_t count = 0;
    uint64_t overflow = captures_overflow(capturing->captures);
    struct log_fields fields = {.count = 0};

    for (; captures_state(capturing->captures, count, &state); count++)
        log_state(&state);
    if (count == 0)
        return;
    log_fields_add(&fields, "IPMODD_LOST", "%" PRIu64, overflow);
    log_write(LEVEL_NOTICE, LOG_ID_STATISTICS, &fields,
              "captures: lost %" PRIu64 " packets for want of room", overflow);
}

int capturing_close(struct capturing *capturing)
{
    int error = captures_stop(TAKE_PTR(capturing->captures), STOP_MS);
    struct log_fields fields = {.count = 0};

    if (error == 0)
        return 0;
    log_fields_add(&fields, "ERRNO", "%d", -error);
    log_write(LEVEL_WARNING, LOG_ID_CAPTURE_LOST, &fields,
              "captures end before their end: the disk does not answer");
    return error;
}
