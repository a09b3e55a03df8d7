/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks after what no notice tells of. */
#include "rounds.h"

#include "clock.h"

struct rounds rounds_make(struct engine *engine, struct service *service)
{
    return (struct rounds){.engine = engine, .service = service, .losses = losses_make()};
}

bool rounds_go(struct rounds *rounds)
{
    struct engine *engine = rounds->engine;
    uint64_t now_ns = clock_monotonic_ns();
    struct path_counters counters;
    bool is_left;

    /* A queue that was ever full is read in more than one go. The kernel answers with the lock of
     * all devices held, which others may hold for long, so it is asked then alone. */
    if ((engine_take_notices(engine, NOTICES_FOR_LOOKS) & NOTICE_LONG_QUEUE) != 0)
        rounds->tx_dropped = divert_tun_tx_dropped(engine->divert);
    engine_report(engine);
    engine_sweep_flows(engine);
    engine_count(engine, &counters);
    service_sample(rounds->service, &counters, now_ns);
    is_left = losses_tell(&rounds->losses, &counters, rounds->tx_dropped,
                          engine->loaded.config->tun.name, now_ns);
    is_left |= capturing_tell_losses(&engine->capturing, now_ns);
    return is_left;
}
