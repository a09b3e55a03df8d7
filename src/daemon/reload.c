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

enum { REFUSAL_TEXT = 512, STATUS_TEXT = REFUSAL_TEXT + 64 };

/* Why a reload was refused, in words. */
struct refusal {
    char text[REFUSAL_TEXT];
};

static PRINTF_LIKE(2, 3) int refuse(struct refusal *refusal, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
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
    else if (old->queues != new->queues)
        key = "queues";
    if (key == NULL)
        return 0;
    return refuse(ret_refusal, "[tun] %s: cannot change while running; restart ipmodd for it", key);
}

static bool same_control(const struct config_main *a, const struct config_main *b)
{
    return a->control == b->control &&
           (a->control != CONTROL_AT || strcmp(a->control_path, b->control_path) == 0);
}

/* What belongs to the process as long as it lives. */
static int check_fixed(const struct config *old, const struct config *new,
                       struct refusal *ret_refusal)
{
    if (!same_control(&old->main, &new->main))
        return refuse(ret_refusal,
                      "[main] control: cannot change while running; restart ipmodd for it");
    if (old->flows.max != new->flows.max)
        return refuse(ret_refusal,
                      "[flows] max: cannot change while running; restart ipmodd for it");
    return check_tun(&old->tun, &new->tun, ret_refusal);
}

/* Takes over what LOADER has when all of it could be put in force. */
static int put_in_force(struct engine *engine, struct loader *loader, struct refusal *ret_refusal)
{
    int error = divert_reload(engine->divert, loader->loaded.config);

    if (error < 0)
        refuse(ret_refusal, "%s", divert_error_text(engine->divert));
    engine_publish_view(engine);
    if (error == 0)
        engine_publish_rules(engine, &loader->loaded, loader->rules);
    return error;
}

/* What the loader brought is looked at, and put in force or refused. */
static int judge(struct engine *engine, struct loader *loader, struct refusal *ret_refusal)
{
    int error = loader->error;

    complaint_log(&loader->problems);
    if (error < 0)
        complaint_first(&loader->problems, ret_refusal->text, sizeof(ret_refusal->text));
    else
        error = check_fixed(engine->loaded.config, loader->loaded.config, ret_refusal);
    return error < 0 ? error : put_in_force(engine, loader, ret_refusal);
}

static void tell_refused(const struct refusal *refusal, char *ret_status, size_t size)
{
    log_error(LOG_ID_RELOAD_REFUSED, "reload refused, nothing changed: %s", refusal->text);
    snprintf(ret_status, size, "Reload refused, nothing changed: %s", refusal->text);
}

static void tell_done(struct engine *engine, char *ret_status, size_t size)
{
    log_set_level(engine->loaded.config->main.log_level);
    log_notice(LOG_ID_RELOADED, "configuration loaded anew, %zu rules",
               engine->loaded.ruleset->rule_count);
    engine_tell_remarks(engine);
    engine_describe(engine, ret_status, size);
}

static void tell_finished(const struct reload *reload, const struct refusal *refusal)
{
    if (reload->finished != NULL)
        reload->finished(reload->finished_context, refusal != NULL ? refusal->text : NULL);
}

/* 0, or -errno with the refusal told and the service manager waiting no more. */
static int begin(struct reload *reload)
{
    const struct loader_task task = {
        .file = reload->engine->file,
        .present = reload->engine->loaded.ruleset,
        .paths = reload->engine->worker_count,
    };
    struct refusal refusal;
    char status[STATUS_TEXT];
    int error = loader_begin(&reload->engine->loader, &task);

    if (error == 0)
        return 0;
    refuse(&refusal, "cannot start a thread for it: %s", strerror(-error));
    tell_refused(&refusal, status, sizeof(status));
    notify_ready(status);
    tell_finished(reload, &refusal);
    return error;
}

int reload_request(struct reload *reload)
{
    notify_reloading();
    reload->again = reload->engine->loader.running;
    return reload->again ? 0 : begin(reload);
}

int reload_finish(struct reload *reload)
{
    struct engine *engine = reload->engine;
    struct refusal refusal = {.text = ""};
    char status[STATUS_TEXT];
    int error;

    loader_end(&engine->loader);
    error = judge(engine, &engine->loader, &refusal);
    loader_clear(&engine->loader);
    if (error < 0)
        tell_refused(&refusal, status, sizeof(status));
    else
        tell_done(engine, status, sizeof(status));
    if (!reload->again) {
        notify_ready(status);
        tell_finished(reload, error < 0 ? &refusal : NULL);
        return error;
    }
    reload->again = false;
    return begin(reload);
}
