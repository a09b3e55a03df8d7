/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reload puts all of a configuration in force, or nothing. */
#include "../unit.h"
#include "fakes.h"
#include "ipmodd/log/log.h"
#include "journal.h"
#include "reload.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

enum { TRIAL_SECONDS = 3600 };

static struct engine engine;
static struct reload reload;
static const struct requester nobody = {.is_known = false};

static int set_up(void **state)
{
    struct loaded loaded = {.config = NULL};

    (void)state;
    fakes_reset();
    assert_int_equal(load_configuration(NULL, NULL, &loaded), 0);
    assert_int_equal(reload_open(&reload, &engine), 0);
    return engine_start(&engine, NULL, &loaded);
}

static int tear_down(void **state)
{
    (void)state;
    reload_close(&reload);
    return engine_stop(&engine);
}

static void assert_ruleset(struct mover *mover, void *argument)
{
    (void)argument;
    assert_ptr_equal(path_ruleset(mover->path), engine.loaded.ruleset);
}

/* Configuration, packet paths and what is owned agree. */
static void assert_in_force(const char *rule_name)
{
    engine_call(&engine, assert_ruleset, NULL);
    assert_int_equal(engine.loaded.ruleset->rule_count, 1);
    assert_string_equal(engine.loaded.ruleset->rules[0].name, rule_name);
}

/* A reload from its request to its end. */
static int run_reload(void)
{
    assert_int_equal(reload_request(&reload, &nobody), 0);
    return reload_finish(&reload);
}

static void test_good_one_is_taken(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    assert_int_equal(run_reload(), 0);
    assert_in_force("second");
    assert_int_equal(fakes.reloads, 1);
}

static void assert_busy_poll(struct mover *mover, void *argument)
{
    assert_int_equal(mover->busy_poll_ns, *(const uint64_t *)argument);
}

static void test_patience_of_threads_changes(void **state)
{
    const uint64_t none = 0, some = 70000;

    (void)state;
    engine_call(&engine, assert_busy_poll, (void *)&none);
    fakes.busy_poll_us = 70;
    assert_int_equal(run_reload(), 0);
    engine_call(&engine, assert_busy_poll, (void *)&some);
}

static void test_wrong_one_is_refused(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    fakes.config_error = "no such thing";
    assert_int_equal(run_reload(), -EINVAL);
    assert_in_force("first");
    assert_int_equal(fakes.reloads, 0);
}

static void test_tun_settings_are_refused(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    fakes.tun_name = "tun1";
    assert_int_equal(run_reload(), -EINVAL);
    assert_in_force("first");
    assert_string_equal(engine.loaded.config->tun.name, "tun0");
    assert_int_equal(fakes.reloads, 0);
}

static void test_number_of_queues_is_refused(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    fakes.queues = 3;
    assert_int_equal(run_reload(), -EINVAL);
    assert_in_force("first");
    assert_int_equal(fakes.reloads, 0);
}

/* What was written after the first request must not be missed, however many follow. */
static void test_requests_on_the_way_are_one_more_reload(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    for (int i = 0; i < 5; i++)
        assert_int_equal(reload_request(&reload, &nobody), 0);
    assert_int_equal(reload_finish(&reload), 0);
    assert_in_force("second");
    assert_true(engine.loader.running);
    assert_int_equal(reload_finish(&reload), 0);
    assert_false(engine.loader.running);
    assert_int_equal(fakes.reloads, 2);
}

/* Ends that were told, and of the last one whether another follows and why nothing changed. */
struct ends {
    unsigned count;
    bool again, refused;
};

static void note_end(void *context, const char *refusal)
{
    struct ends *ends = context;

    ends->count++;
    ends->again = reload.again;
    ends->refused = refusal != NULL;
}

/* Also of one behind which another follows, and each by what became of itself. */
static void test_each_end_is_told(void **state)
{
    struct ends ends = {.count = 0};

    (void)state;
    reload.finished = note_end;
    reload.context = &ends;
    assert_int_equal(reload_request(&reload, &nobody), 0);
    assert_int_equal(reload_request(&reload, &nobody), 0);
    fakes.reload_error = -EEXIST;
    assert_int_equal(reload_finish(&reload), -EEXIST);
    assert_true(ends.count == 1 && ends.again && ends.refused);
    fakes.reload_error = 0;
    assert_int_equal(reload_finish(&reload), 0);
    assert_true(ends.count == 2 && !ends.again && !ends.refused);
}

/* The loader reads what is in force until it is done. */
static void test_stop_while_loading(void **state)
{
    (void)state;
    assert_int_equal(reload_request(&reload, &nobody), 0);
    reload_close(&reload);
    assert_int_equal(engine_stop(&engine), 0);
    assert_int_equal(fakes.reloads, 0);
}

static void test_failure_in_the_kernel_keeps_the_old(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    fakes.reload_error = -EEXIST;
    assert_int_equal(run_reload(), -EEXIST);
    assert_in_force("first");
}

/* A reload that is to be confirmed, from its request to its end. */
static int run_trial(const char *rule_name)
{
    fakes.rule_name = rule_name;
    assert_int_equal(reload_try(&reload, TRIAL_SECONDS, &nobody), 0);
    return reload_finish(&reload);
}

/* The deadline passes: the timer is made readable at once. */
static void pass_deadline(void)
{
    const struct itimerspec now = {.it_value = {.tv_nsec = 1}};
    struct pollfd readable = {.fd = reload.trial.deadline_fd, .events = POLLIN};

    reload.trial.deadline_ns = 1;
    assert_int_equal(timerfd_settime(readable.fd, 0, &now, NULL), 0);
    assert_int_equal(poll(&readable, 1, 60000), 1);
    reload_expire(&reload);
}

static void test_confirmed_stays(void **state)
{
    (void)state;
    assert_int_equal(run_trial("second"), 0);
    assert_int_equal(reload_confirm(&reload, &nobody), 0);
    assert_int_equal(reload_confirm(&reload, &nobody), -ENOENT);
    assert_false(trial_is_pending(&reload.trial));
    assert_in_force("second");
}

static void test_unconfirmed_goes(void **state)
{
    (void)state;
    assert_int_equal(run_trial("second"), 0);
    assert_true(trial_is_pending(&reload.trial));
    pass_deadline();
    assert_int_equal(reload_finish(&reload), 0);
    assert_in_force("first");
    assert_false(trial_is_pending(&reload.trial));
    assert_int_equal(reload_return(&reload, &nobody), -ENOENT);
}

/* All that is loaded meanwhile is of the trial. */
static void test_reloads_of_a_trial_go_with_it(void **state)
{
    (void)state;
    assert_int_equal(run_trial("second"), 0);
    fakes.rule_name = "third";
    assert_int_equal(run_reload(), 0);
    assert_int_equal(run_trial("fourth"), 0);
    fakes.config_error = "no such thing";
    assert_int_equal(run_reload(), -EINVAL);
    assert_in_force("fourth");
    pass_deadline();
    assert_int_equal(reload_finish(&reload), 0);
    assert_in_force("first");
}

/* What is loaded at that moment is refused; a request behind it is void. */
static void test_deadline_while_loading(void **state)
{
    (void)state;
    assert_int_equal(run_trial("second"), 0);
    fakes.rule_name = "third";
    assert_int_equal(reload_request(&reload, &nobody), 0);
    assert_int_equal(reload_request(&reload, &nobody), 0);
    assert_int_equal(reload_try(&reload, 1, &nobody), -EBUSY);
    assert_int_equal(reload_return(&reload, &nobody), -EBUSY);
    pass_deadline();
    assert_int_equal(reload_finish(&reload), -EINVAL);
    assert_in_force("second");
    assert_int_equal(reload_finish(&reload), 0);
    assert_in_force("first");
    assert_false(engine.loader.running);
}

static void test_way_back_that_fails_is_tried_again(void **state)
{
    (void)state;
    assert_int_equal(run_trial("second"), 0);
    fakes.reload_error = -ENOMEM;
    pass_deadline();
    assert_int_equal(reload_finish(&reload), -ENOMEM);
    assert_in_force("second");
    assert_true(trial_is_pending(&reload.trial));
    fakes.reload_error = 0;
    pass_deadline();
    assert_int_equal(reload_finish(&reload), 0);
    assert_in_force("first");
}

/* Who confirms what is being taken back is not told that it stays. */
static void test_confirmed_on_the_way_back(void **state)
{
    (void)state;
    assert_int_equal(run_trial("second"), 0);
    pass_deadline();
    assert_int_equal(reload_confirm(&reload, &nobody), -EBUSY);
    assert_int_equal(reload_finish(&reload), 0);
    assert_in_force("first");
    assert_int_equal(run_trial("third"), 0);
    fakes.reload_error = -ENOMEM;
    pass_deadline();
    assert_int_equal(reload_finish(&reload), -ENOMEM);
    assert_int_equal(reload_confirm(&reload, &nobody), 0);
    assert_in_force("third");
}

static void test_one_is_kept(void **state)
{
    (void)state;
    assert_int_equal(reload_return(&reload, &nobody), -ENOENT);
    fakes.rule_name = "second";
    assert_int_equal(run_reload(), 0);
    fakes.rule_name = "third";
    assert_int_equal(run_reload(), 0);
    assert_int_equal(reload_return(&reload, &nobody), 0);
    assert_int_equal(reload_finish(&reload), 0);
    assert_in_force("second");
    assert_int_equal(reload_return(&reload, &nobody), -ENOENT);
}

static void test_stop_on_the_way_back(void **state)
{
    (void)state;
    assert_int_equal(run_trial("second"), 0);
    assert_int_equal(reload_return(&reload, &nobody), 0);
    reload_close(&reload);
    assert_int_equal(engine_stop(&engine), 0);
}

/* An entry tells what is left of TRIAL_SECONDS, of which a minute at most has passed. */
static void assert_time_left(enum log_id id)
{
    unsigned long seconds = strtoul(journal_field(id, "IPMODD_CONFIRM_SECONDS"), NULL, 10);

    assert_in_range(seconds, TRIAL_SECONDS - 60, TRIAL_SECONDS);
}

static void assert_asked_by(enum log_id id, const char *uid, const char *pid)
{
    assert_string_equal(journal_field(id, "IPMODD_CLIENT_UID"), uid);
    assert_string_equal(journal_field(id, "IPMODD_CLIENT_PID"), pid);
}

/* Of requests on the way the last one counts; nobody asked for what a deadline brings. */
static void test_entries_tell_who(void **state)
{
    const struct requester one = {.is_known = true, .peer = {.uid = 1000, .pid = 42}};
    const struct requester other = {.is_known = true, .peer = {.uid = 0, .pid = 7}};

    (void)state;
    assert_int_equal(reload_request(&reload, &one), 0);
    assert_int_equal(reload_request(&reload, &nobody), 0);
    assert_int_equal(reload_request(&reload, &other), 0);
    assert_int_equal(reload_finish(&reload), 0);
    assert_asked_by(LOG_ID_RELOADED, "1000", "42");
    assert_int_equal(reload_finish(&reload), 0);
    assert_asked_by(LOG_ID_RELOADED, "0", "7");
    assert_int_equal(reload_try(&reload, TRIAL_SECONDS, &one), 0);
    assert_int_equal(reload_finish(&reload), 0);
    assert_asked_by(LOG_ID_RELOADED, "1000", "42");
    pass_deadline();
    assert_asked_by(LOG_ID_UNCONFIRMED, "", "");
    assert_int_equal(reload_finish(&reload), 0);
    assert_asked_by(LOG_ID_ROLLED_BACK, "", "");
    assert_int_equal(reload_try(&reload, TRIAL_SECONDS, &nobody), 0);
    assert_int_equal(reload_finish(&reload), 0);
    assert_int_equal(reload_confirm(&reload, &other), 0);
    assert_asked_by(LOG_ID_CONFIRMED, "0", "7");
    assert_int_equal(reload_return(&reload, &one), 0);
    assert_int_equal(reload_finish(&reload), 0);
    assert_asked_by(LOG_ID_ROLLED_BACK, "1000", "42");
}

/* What came, how long it had, why it went. */
static void test_entries_tell_which(void **state)
{
    (void)state;
    assert_int_equal(run_trial("second"), 0);
    assert_string_equal(journal_field(LOG_ID_RELOADED, "IPMODD_GENERATION"), "2");
    assert_string_equal(journal_field(LOG_ID_RELOADED, "IPMODD_RULES"), "1");
    assert_time_left(LOG_ID_RELOADED);
    assert_int_equal(reload_confirm(&reload, &nobody), 0);
    assert_string_equal(journal_field(LOG_ID_CONFIRMED, "IPMODD_GENERATION"), "2");
    assert_time_left(LOG_ID_CONFIRMED);
    assert_int_equal(reload_return(&reload, &nobody), 0);
    assert_int_equal(reload_finish(&reload), 0);
    assert_string_equal(journal_field(LOG_ID_ROLLED_BACK, "IPMODD_GENERATION"), "3");
    assert_string_equal(journal_field(LOG_ID_ROLLED_BACK, "IPMODD_CAUSE"), "request");
    assert_string_equal(journal_field(LOG_ID_ROLLED_BACK, "IPMODD_CONFIRM_SECONDS"), "");
    assert_int_equal(run_trial("second"), 0);
    pass_deadline();
    assert_string_equal(journal_field(LOG_ID_UNCONFIRMED, "IPMODD_GENERATION"), "4");
    assert_string_equal(journal_field(LOG_ID_UNCONFIRMED, "IPMODD_CONFIRM_SECONDS"), "0");
    assert_int_equal(reload_finish(&reload), 0);
    assert_string_equal(journal_field(LOG_ID_ROLLED_BACK, "IPMODD_CAUSE"), "deadline");
    fakes.config_error = "no such thing";
    assert_int_equal(run_reload(), -EINVAL);
    assert_string_equal(journal_field(LOG_ID_RELOAD_REFUSED, "IPMODD_GENERATION"), "5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good_one_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_patience_of_threads_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_one_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tun_settings_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_number_of_queues_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_requests_on_the_way_are_one_more_reload, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_each_end_is_told, set_up, tear_down),
        cmocka_unit_test_setup(test_stop_while_loading, set_up),
        cmocka_unit_test_setup_teardown(test_confirmed_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unconfirmed_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entries_tell_which, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entries_tell_who, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reloads_of_a_trial_go_with_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadline_while_loading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_way_back_that_fails_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_confirmed_on_the_way_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_is_kept, set_up, tear_down),
        cmocka_unit_test_setup(test_stop_on_the_way_back, set_up),
        cmocka_unit_test_setup_teardown(test_failure_in_the_kernel_keeps_the_old, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
