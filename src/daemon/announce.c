/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others did to the diversion, and what became of it, in words. */
#include "announce.h"

#include "clock.h"
#include "ipmodd/log/log.h"
#include "notify.h"

#include <inttypes.h>

enum {
    STATUS_TEXT = 256,
    BURST = 5,
};

#define INTERVAL_NS UINT64_C(30000000000)

struct announcer announcer_make(void)
{
    return (struct announcer){.limit = log_limit_make(BURST, INTERVAL_NS)};
}

static bool may_tell(struct announcer *announcer)
{
    uint64_t suppressed;

    if (!log_limit_take(&announcer->limit, clock_now_ns(), &suppressed))
        return false;
    if (suppressed > 0)
        log_notice(LOG_ID_NONE, "%" PRIu64 " entries about routing kept back", suppressed);
    return true;
}

/* Who was told that the device is gone is told that it is back, however often that happens. */
static void tell_device(struct announcer *announcer, const struct engine *engine,
                        const struct divert_news *news)
{
    const char *device = engine->loaded.config->tun.name;

    if (news->tun_lost && !announcer->told_lost && may_tell(announcer)) {
        log_warning(LOG_ID_TUN_LOST, "%s is gone and is being made again", device);
        notify_status("The tun device is gone and is being made again");
        announcer->told_lost = true;
    }
    if (news->tun_restored && announcer->told_lost) {
        char status[STATUS_TEXT];

        log_notice(LOG_ID_TUN_RESTORED, "%s is back", device);
        notify_status(engine_describe(engine, status, sizeof(status)));
        announcer->told_lost = false;
    }
}

static void tell_routing(struct announcer *announcer, const struct engine *engine,
                         const struct divert_news *news)
{
    const char *device = engine->loaded.config->tun.name;

    if (news->repaired && news->guards_moved == 0 && may_tell(announcer))
        log_notice(LOG_ID_ROUTING_REPAIRED, "routing was changed by others and is right again");
    if (news->guards_moved == engine->loaded.config->divert.priority && may_tell(announcer))
        log_notice(LOG_ID_GUARDS_MOVED, "the rules for packets from %s are at priority %u again",
                   device, news->guards_moved);
    else if (news->guards_moved != 0 && may_tell(announcer))
        log_warning(LOG_ID_GUARDS_MOVED,
                    "a policy rule of others would meet packets from %s before priority %u: the "
                    "rules for them moved to %u",
                    device, engine->loaded.config->divert.priority, news->guards_moved);
    if (news->loop_found && may_tell(announcer))
        log_warning(LOG_ID_LOOP_FOUND, "routing loop: %s; such packets are held back",
                    divert_error_text(engine->divert));
    if (news->incomplete && may_tell(announcer))
        log_warning(LOG_ID_ROUTING_INCOMPLETE, "%s; trying again",
                    divert_error_text(engine->divert));
}

void announcer_tell(struct announcer *announcer, const struct engine *engine,
                    const struct divert_news *news)
{
    tell_device(announcer, engine, news);
    tell_routing(announcer, engine, news);
}

void announcer_tell_failure(struct announcer *announcer, const struct engine *engine)
{
    if (may_tell(announcer))
        log_error(LOG_ID_ROUTING_INCOMPLETE, "%s", divert_error_text(engine->divert));
}
