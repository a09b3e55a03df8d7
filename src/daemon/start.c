/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Load, divert, give up privileges, serve, give the traffic back. */
#include "start.h"

#include "build_config.h"
#include "complaint.h"
#include "engine.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"
#include "loop.h"
#include "notify.h"
#include "privileges.h"

#include <errno.h>
#include <string.h>

static int load(const char *file, struct loaded *ret_loaded)
{
    struct problems problems = PROBLEMS_INIT;
    int error = load_configuration(file, &problems, ret_loaded);

    complaint_log(&problems);
    problems_clear(&problems);
    return error;
}

static enum exit_code exit_code_of(int error)
{
    if (error == -EPERM || error == -EACCES || error == -ENXIO)
        return EXIT_CODE_NO_PERMISSION;
    if (error == -ECANCELED) /* by foreign-netfilter = refuse */
        return EXIT_CODE_CONFIG;
    return EXIT_CODE_FAILED;
}

static void tell_started(struct engine *engine)
{
    struct log_fields fields = {.count = 0};
    char status[256];

    engine_describe(engine, status, sizeof(status));
    log_fields_add(&fields, "IPMODD_VERSION", "%s", IPMODD_VERSION);
    log_fields_add(&fields, "IPMODD_DEVICE", "%s", engine->loaded.config->tun.name);
    log_fields_add(&fields, "IPMODD_RULES", "%zu", engine->loaded.ruleset->rule_count);
    log_write(LEVEL_NOTICE, LOG_ID_STARTED, &fields, "%s", status);
    engine_tell_remarks(engine);
    notify_ready(status);
}

/* The start ends with ERROR at STEP, a word for programs, for the reason TEXT. */
static void tell_failed(const char *step, int error, const char *text)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_STEP", "%s", step);
    log_fields_add(&fields, "ERRNO", "%d", -error);
    log_write(LEVEL_ERROR, LOG_ID_START_FAILED, &fields, "%s", text);
}

/* The same where nobody but ERROR says why it cannot WHAT. */
static enum exit_code fail(const char *step, int error, const char *what)
{
    char text[128];

    snprintf(text, sizeof(text), "cannot %s: %s", what, strerror(-error));
    tell_failed(step, error, text);
    return EXIT_CODE_FAILED;
}

/* Between diverting and giving the traffic back. */
static enum exit_code serve(struct engine *engine, struct service *service)
{
    int error = privileges_give_up();
    struct loop *loop;

    if (error < 0)
        return fail("privileges", error, "give up privileges");
    error = engine_run(engine);
    if (error < 0)
        return fail("threads", error, "start a thread");
    error = loop_new(engine, service, &loop);
    if (error < 0)
        return fail("loop", error, "make the event loop");
    tell_started(engine);
    error = loop_run(loop);
    loop_free(loop);
    return error < 0 ? fail("loop", error, "run the event loop") : EXIT_CODE_OK;
}

/* The socket is made with the privileges of the start, and by name before all others can. */
static enum exit_code run(struct engine *engine)
{
    CLEANUP(service_close) struct service service;
    int error = service_open(&service, engine);

    return error < 0 ? EXIT_CODE_FAILED : serve(engine, &service);
}

static enum exit_code give_back(struct engine *engine, enum exit_code code)
{
    struct log_fields fields = {.count = 0};
    int error;

    log_fields_add(&fields, "IPMODD_DEVICE", "%s", engine->loaded.config->tun.name);
    notify_stopping();
    error = engine_stop(engine);
    if (error < 0) {
        log_fields_add(&fields, "ERRNO", "%d", -error);
        log_write(LEVEL_ERROR, LOG_ID_STOP_INCOMPLETE, &fields,
                  "stopped, but not everything could be taken back: %s; `ipmodd --cleanup` tries "
                  "again",
                  divert_error_text(NULL));
        return EXIT_CODE_FAILED;
    }
    log_write(LEVEL_NOTICE, LOG_ID_STOPPED, &fields, "stopped, traffic flows as before");
    return code;
}

enum exit_code daemon_run(const char *file)
{
    CLEANUP(loaded_clear) struct loaded loaded = {.config = NULL};
    sigset_t signals = loop_signals();
    struct engine engine;
    int error;

    /* A signal that came while rules are half in place must find someone who takes them back. */
    sigprocmask(SIG_BLOCK, &signals, NULL);
    log_open(LEVEL_INFO);
    error = load(file, &loaded);
    if (error == -ENOMEM) /* it may be good: the manager is to try again */
        return fail("configuration", error, "load the configuration");
    if (error < 0)
        return EXIT_CODE_CONFIG;
    log_set_level(loaded.config->main.log_level);
    error = engine_start(&engine, file, &loaded);
    if (error < 0) {
        const char *text = divert_error_text(NULL);

        if (text[0] == '\0')
            return fail("diversion", error, "get ready to divert");
        tell_failed("diversion", error, text);
        return exit_code_of(error);
    }
    return give_back(&engine, run(&engine));
}
