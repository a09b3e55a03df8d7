/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exchanges configuration and rules while packets flow. */
#include "reload.h"

#include "complaint.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/log.h"
#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum { STATUS_TEXT = 512 };

/* Why a reload was refused, in words. */
struct refusal {
    char text[STATUS_TEXT];
};

static PRINTF_LIKE(2, 3) int refuse(struct refusal *refusal, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int load(const char *file, struct loaded *ret_loaded, struct refusal *ret_refusal)
{
    struct problems problems = PROBLEMS_INIT;
    int error = load_configuration(file, &problems, ret_loaded);

    complaint_log(&problems);
    if (error < 0)
        complaint_first(&problems, ret_refusal->text, sizeof(ret_refusal->text));
    problems_clear(&problems);
    return error;
}

static bool same_addresses(const struct config_tun *a, const struct config_tun *b)
{
    if (a->address_count != b->address_count)
        return false;
    for (size_t i = 0; i < a->address_count; i++) {
        if (!ip_addr_equal(&a->addresses[i].addr, &b->addresses[i].addr) ||
            a->addresses[i].len != b->addresses[i].len)
            return false;
    }
    return true;
}

static int check_tun(const struct config_tun *old, const struct config_tun *new,
                     struct refusal *ret_refusal)
{
    const char *key = NULL;

    if (strcmp(old->name, new->name) != 0)
        key = "name";
    else if (!same_addresses(old, new))
        key = "address";
    else if (old->mtu != new->mtu)
        key = "mtu";
    else if (old->offload != new->offload)
        key = "offload";
    else if (old->merge != new->merge)
        key = "merge";
    if (key == NULL)
        return 0;
    return refuse(ret_refusal, "[tun] %s: cannot change while running; restart ipmodd for it", key);
}

/* A seed that is new begins at once; the same one goes on. */
static void put_seed_in_force(struct path *path, const struct config_main *old,
                              const struct config_main *new)
{
    if (new->seeded && (!old->seeded || old->seed != new->seed))
        path_set_seed(path, new->seed);
}

/* Takes over FRESH when all of it could be put in force. */
static int put_in_force(struct engine *engine, struct loaded *fresh, struct refusal *ret_refusal)
{
    struct path_rules *rules = path_rules_new(fresh->ruleset, engine->loaded.ruleset);
    int error;

    if (rules == NULL)
        return refuse(ret_refusal, "not enough memory for the new rules");
    error = divert_reload(engine->divert, fresh->config);
    if (error < 0)
        refuse(ret_refusal, "%s", divert_error_text(engine->divert));
    path_set_host_view(engine->path, divert_host_view(engine->divert));
    if (error < 0) {
        path_rules_free(rules);
        return error;
    }
    path_exchange_rules(engine->path, rules);
    path_rules_free(rules);
    zone_load(&engine->zone);
    put_seed_in_force(engine->path, &engine->loaded.config->main, &fresh->config->main);
    loaded_clear(&engine->loaded);
    engine->loaded = *fresh;
    *fresh = (struct loaded){.config = NULL};
    return 0;
}

static int reload(struct engine *engine, struct refusal *ret_refusal)
{
    CLEANUP(loaded_clear) struct loaded fresh = {.config = NULL};
    int error = load(engine->file, &fresh, ret_refusal);

    if (error == 0)
        error = check_tun(&engine->loaded.config->tun, &fresh.config->tun, ret_refusal);
    return error < 0 ? error : put_in_force(engine, &fresh, ret_refusal);
}

static void tell_refused(const struct refusal *refusal)
{
    char status[STATUS_TEXT + 64];

    log_error(LOG_ID_RELOAD_REFUSED, "reload refused, nothing changed: %s", refusal->text);
    snprintf(status, sizeof(status), "Reload refused, nothing changed: %s", refusal->text);
    notify_ready(status);
}

int reload_run(struct engine *engine)
{
    struct refusal refusal = {.text = ""};
    char status[STATUS_TEXT];
    int error;

    notify_reloading();
    error = reload(engine, &refusal);
    if (error < 0) {
        tell_refused(&refusal);
        return error;
    }
    log_set_level(engine->loaded.config->main.log_level);
    log_notice(LOG_ID_RELOADED, "configuration loaded anew, %zu rules",
               engine->loaded.ruleset->rule_count);
    engine_tell_remarks(engine);
    notify_ready(engine_describe(engine, status, sizeof(status)));
    return 0;
}
