/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exchanges configuration and rules while packets flow. */
#include "reload.h"

#include "complaint.h"
#include "fixed.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/log.h"
#include "notify.h"
#include "reload_log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum {
    REFUSAL_TEXT = 512,
    STATUS_TEXT = REFUSAL_TEXT + 128,
    RETRY_SECONDS = 5, /* before the next try of a way back that failed */
};

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

/* What comes after OLD is in force. */
static void follow_trial(struct reload *reload, struct loaded *old)
{
    if (reload->returning) {
        loaded_clear(old);
        trial_end(&reload->trial);
        return;
    }
    trial_keep(&reload->trial, old);
    if (reload->trial_seconds > 0)
        trial_begin(&reload->trial, reload->trial_seconds);
}

static int prepare(const struct reload *reload, struct refusal *ret_refusal)
{
    if (reload->prepare == NULL)
        return 0;
    return reload->prepare(reload->context, reload->engine->loader.loaded.config, ret_refusal->text,
                           sizeof(ret_refusal->text));
}

/* Asks the kernel. */
static int divert_anew(const struct reload *reload, struct refusal *ret_refusal)
{
    struct engine *engine = reload->engine;
    int error = divert_reload(engine->divert, engine->loader.loaded.config);

    if (error < 0)
        refuse(ret_refusal, "%s", divert_error_text(engine->divert));
    engine_publish_view(engine);
    if (reload->settle != NULL)
        reload->settle(reload->context, error == 0);
    return error;
}

/* Takes over what the loader has when all of it could be put in force. */
static int put_in_force(struct reload *reload, struct refusal *ret_refusal)
{
    struct engine *engine = reload->engine;
    struct loader *loader = &engine->loader;
    struct loaded old;
    int error = prepare(reload, ret_refusal);

    if (error == 0)
        error = divert_anew(reload, ret_refusal);
    if (error < 0)
        return error;
    engine_publish_rules(engine, &loader->loaded, loader->rules, &old);
    reload->generation++;
    follow_trial(reload, &old);
    return 0;
}

/* What the loader brought is looked at, and put in force or refused. */
static int judge(struct reload *reload, struct refusal *ret_refusal)
{
    struct engine *engine = reload->engine;
    struct loader *loader = &engine->loader;
    int error = loader->error;

    complaint_log(&loader->problems);
    if (error < 0)
        complaint_first(&loader->problems, ret_refusal->text, sizeof(ret_refusal->text));
    else if (reload->overdue && !reload->returning)
        error = refuse(ret_refusal, "the time to confirm is over");
    else
        error = fixed_check(engine->loaded.config, loader->loaded.config, ret_refusal->text,
                            sizeof(ret_refusal->text));
    return error < 0 ? error : put_in_force(reload, ret_refusal);
}

static void tell_refused(const struct reload *reload, const struct refusal *refusal,
                         char *ret_status, size_t size)
{
    reload_log_refused(reload, refusal->text);
    snprintf(ret_status, size, "%s refused, nothing changed: %s",
             reload->returning ? "Way back" : "Reload", refusal->text);
}

/* What is in force, and how long it has to be confirmed yet. */
static void describe(const struct reload *reload, char *ret_status, size_t size)
{
    size_t length;

    engine_describe(reload->engine, ret_status, size);
    length = strlen(ret_status);
    if (trial_is_pending(&reload->trial))
        snprintf(ret_status + length, size - length,
                 "; to be confirmed within %u s, or the configuration before comes back",
                 trial_seconds_left(&reload->trial));
}

static void tell_done(const struct reload *reload, char *ret_status, size_t size)
{
    struct engine *engine = reload->engine;

    log_set_level(engine->loaded.config->main.log_level);
    reload_log_done(reload);
    engine_tell_remarks(engine);
    describe(reload, ret_status, size);
}

static void tell_finished(const struct reload *reload, const struct refusal *refusal)
{
    if (reload->finished != NULL)
        reload->finished(reload->context, refusal != NULL ? refusal->text : NULL);
}

/* A way back that did not come to its end: it can be gone again. */
static void keep_previous(struct reload *reload)
{
    struct loaded *loaded = &reload->engine->loader.loaded;

    reload->trial.previous = *loaded;
    *loaded = (struct loaded){.config = NULL};
    if (trial_is_pending(&reload->trial) && trial_seconds_left(&reload->trial) == 0)
        trial_retry(&reload->trial, RETRY_SECONDS);
}

/* 0, or -errno with the refusal told and the service manager waiting no more. */
static int begin(struct reload *reload)
{
    struct loader_task task = {
        .file = reload->engine->file,
        .present = reload->engine->loaded.ruleset,
        .paths = reload->engine->worker_count,
    };
    struct refusal refusal;
    char status[STATUS_TEXT];
    int error;

    if (reload->returning)
        task.given = reload->trial.previous;
    error = loader_begin(&reload->engine->loader, &task);
    if (error == 0 && reload->returning)
        reload->trial.previous = (struct loaded){.config = NULL};
    if (error == 0)
        return 0;
    refuse(&refusal, "cannot start a thread for it: %s", strerror(-error));
    tell_refused(reload, &refusal, status, sizeof(status));
    if (reload->returning && trial_is_pending(&reload->trial))
        trial_retry(&reload->trial, RETRY_SECONDS);
    notify_ready(status);
    tell_finished(reload, &refusal);
    return error;
}

static const struct requester nobody = {.is_known = false};

/* Begins what is not under way yet. */
static int begin_anew(struct reload *reload, bool returning, unsigned trial_seconds,
                      const struct requester *by)
{
    reload->by = *by;
    reload->returning = returning;
    reload->trial_seconds = trial_seconds;
    return begin(reload);
}

int reload_open(struct reload *reload, struct engine *engine)
{
    *reload = (struct reload){.engine = engine, .generation = 1};
    return trial_open(&reload->trial);
}

void reload_close(struct reload *reload)
{
    if (trial_is_pending(&reload->trial))
        reload_log_stopping(reload);
    trial_close(&reload->trial);
}

int reload_request(struct reload *reload, const struct requester *by)
{
    notify_reloading();
    reload->again = reload->engine->loader.running;
    reload->again_by = *by;
    return reload->again ? 0 : begin_anew(reload, false, 0, by);
}

int reload_try(struct reload *reload, unsigned seconds, const struct requester *by)
{
    if (reload->engine->loader.running)
        return -EBUSY;
    notify_reloading();
    begin_anew(reload, false, seconds, by);
    return 0;
}

int reload_return(struct reload *reload, const struct requester *by)
{
    if (reload->engine->loader.running)
        return -EBUSY;
    if (reload->trial.previous.config == NULL)
        return -ENOENT;
    reload->unconfirmed = trial_is_pending(&reload->trial) &&
                          trial_seconds_left(&reload->trial) == 0;
    notify_reloading();
    begin_anew(reload, true, 0, by);
    return 0;
}

int reload_confirm(struct reload *reload, const struct requester *by)
{
    char status[STATUS_TEXT];

    if (!trial_is_pending(&reload->trial))
        return -ENOENT;
    if (reload->returning && reload->engine->loader.running)
        return -EBUSY;
    reload_log_confirmed(reload, by);
    trial_end(&reload->trial);
    reload->overdue = false;
    describe(reload, status, sizeof(status));
    notify_status(status);
    return 0;
}

void reload_expire(struct reload *reload)
{
    uint64_t expirations;

    if (read(reload->trial.deadline_fd, &expirations, sizeof(expirations)) < 0 ||
        !trial_is_pending(&reload->trial))
        return;
    reload->overdue = reload->engine->loader.running;
    if (reload->overdue)
        return;
    reload_log_overdue(reload);
    reload_return(reload, &nobody);
}

/* Begins what is to follow now that something has ended with REFUSAL, or NULL. Whether anything is.
 */
static bool begin_next(struct reload *reload, const struct refusal *refusal)
{
    bool overdue = reload->overdue && trial_is_pending(&reload->trial);
    bool again = reload->again && !overdue;

    reload->again = again;
    reload->overdue = false;
    if (!overdue && !again)
        return false;
    tell_finished(reload, refusal);
    reload->again = false;
    if (again) {
        begin_anew(reload, false, 0, &reload->again_by);
        return true;
    }
    reload_log_overdue(reload);
    reload->unconfirmed = true;
    begin_anew(reload, true, 0, &nobody);
    return true;
}

int reload_finish(struct reload *reload)
{
    struct refusal refusal = {.text = ""};
    char status[STATUS_TEXT];
    int error;

    loader_end(&reload->engine->loader);
    error = judge(reload, &refusal);
    if (error < 0 && reload->returning)
        keep_previous(reload);
    loader_clear(&reload->engine->loader);
    if (error < 0)
        tell_refused(reload, &refusal, status, sizeof(status));
    else
        tell_done(reload, status, sizeof(status));
    if (begin_next(reload, error < 0 ? &refusal : NULL))
        return error;
    notify_ready(status);
    tell_finished(reload, error < 0 ? &refusal : NULL);
    return error;
}
