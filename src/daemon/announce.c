/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others did to the diversion, and what became of it, in words. */
#include "announce.h"

#include "clock.h"
#include "ipmodd/log/fields.h"
#include "notify.h"

#include <inttypes.h>
#include <stdarg.h>

enum {
    STATUS_TEXT = 256,
    BURST = 5,
};

#define INTERVAL_NS UINT64_C(30000000000)

struct announcer announcer_make(void)
{
    return (struct announcer){.limit = log_limit_make(BURST, INTERVAL_NS)};
}

/*
 * An entry about the device with FIELDS of its own, unless there were too many of late; the next
 * one says how many those were. Whether it was written.
 */
static __attribute__((format(printf, 6, 7))) bool
tell(struct announcer *announcer, const struct engine *engine, enum log_level level, enum log_id id,
     struct log_fields *fields, const char *format, ...)
{
    char text[LOG_TEXT_MAX];
    va_list arguments;
    uint64_t suppressed;

    if (!log_limit_take(&announcer->limit, clock_monotonic_ns(), &suppressed))
        return false;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_fields_add(fields, "IPMODD_DEVICE", "%s", engine->loaded.config->tun.name);
    log_fields_add(fields, "IPMODD_SUPPRESSED", "%" PRIu64, suppressed);
    if (suppressed > 0)
        log_write(level, id, fields, "%s, %" PRIu64 " entries kept back before", text, suppressed);
    else
        log_write(level, id, fields, "%s", text);
    return true;
}

static void tell_lost(struct announcer *announcer, const struct engine *engine)
{
    struct log_fields fields = {.count = 0};

    if (!tell(announcer, engine, LEVEL_WARNING, LOG_ID_TUN_LOST, &fields,
              "%s is gone and is being made again", engine->loaded.config->tun.name))
        return;
    notify_status("The tun device is gone and is being made again");
    announcer->told_lost = true;
}

/* Who was told that the device is gone is told that it is back, however often that happens. */
static void tell_restored(struct announcer *announcer, const struct engine *engine)
{
    const char *device = engine->loaded.config->tun.name;
    struct log_fields fields = {.count = 0};
    char status[STATUS_TEXT];

    log_fields_add(&fields, "IPMODD_DEVICE", "%s", device);
    log_write(LEVEL_NOTICE, LOG_ID_TUN_RESTORED, &fields, "%s is back", device);
    notify_status(engine_describe(engine, status, sizeof(status)));
    announcer->told_lost = false;
}

/* The guards stand at PRIORITY now. */
static void tell_guards(struct announcer *announcer, const struct engine *engine, uint32_t priority)
{
    const struct config *config = engine->loaded.config;
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_PRIORITY", "%u", priority);
    if (priority == config->divert.priority)
        tell(announcer, engine, LEVEL_NOTICE, LOG_ID_GUARDS_MOVED, &fields,
             "the rules for packets from %s are at priority %u again", config->tun.name, priority);
    else
        tell(announcer, engine, LEVEL_WARNING, LOG_ID_GUARDS_MOVED, &fields,
             "a policy rule of others would meet packets from %s before priority %u: the rules "
             "for them moved to %u",
             config->tun.name, config->divert.priority, priority);
}

/* What is without fields of its own and true of the diversion as a whole. */
static void tell_routing(struct announcer *announcer, const struct engine *engine,
                         const struct divert_news *news)
{
    const char *text = divert_error_text(engine->divert);
    struct log_fields repaired = {.count = 0}, loop = {.count = 0}, incomplete = {.count = 0};

    if (news->repaired && news->guards_moved == 0)
        tell(announcer, engine, LEVEL_NOTICE, LOG_ID_ROUTING_REPAIRED, &repaired,
             "routing was changed by others and is right again");
    if (news->guards_moved != 0)
        tell_guards(announcer, engine, news->guards_moved);
    if (news->loop_found)
        tell(announcer, engine, LEVEL_WARNING, LOG_ID_LOOP_FOUND, &loop,
             "routing loop: %s; such packets are held back", text);
    if (news->incomplete)
        tell(announcer, engine, LEVEL_WARNING, LOG_ID_ROUTING_INCOMPLETE, &incomplete,
             "%s; trying again", text);
}

void announcer_tell(struct announcer *announcer, const struct engine *engine,
                    const struct divert_news *news)
{
    if (news->tun_lost && !announcer->told_lost)
        tell_lost(announcer, engine);
    if (announcer->told_lost && divert_has_tun(engine->divert))
        tell_restored(announcer, engine);
    tell_routing(announcer, engine, news);
}

void announcer_tell_failure(struct announcer *announcer, const struct engine *engine)
{
    struct log_fields fields = {.count = 0};

    tell(announcer, engine, LEVEL_ERROR, LOG_ID_ROUTING_INCOMPLETE, &fields, "%s",
         divert_error_text(engine->divert));
}
