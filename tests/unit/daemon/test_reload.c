/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reload puts all of a configuration in force, or nothing. */
#include "../unit.h"
#include "fakes.h"
#include "ipmodd/log/log.h"
#include "reload.h"

#include <errno.h>
#include <string.h>

static struct engine engine;

static int set_up(void **state)
{
    struct loaded loaded = {.config = NULL};

    (void)state;
    fakes_reset();
    log_set_level((enum log_level)0); /* what a refusal logs is not the question here */
    assert_int_equal(load_configuration(NULL, NULL, &loaded), 0);
    return engine_start(&engine, NULL, &loaded);
}

static int tear_down(void **state)
{
    (void)state;
    return engine_stop(&engine);
}

/* Configuration, packet path and what is owned agree. */
static void assert_in_force(const char *rule_name)
{
    assert_ptr_equal(path_ruleset(engine.path), engine.loaded.ruleset);
    assert_int_equal(engine.loaded.ruleset->rule_count, 1);
    assert_string_equal(engine.loaded.ruleset->rules[0].name, rule_name);
}

static void test_good_one_is_taken(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    assert_int_equal(reload_run(&engine), 0);
    assert_in_force("second");
    assert_int_equal(fakes.reloads, 1);
}

static void test_wrong_one_is_refused(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    fakes.config_error = "no such thing";
    assert_int_equal(reload_run(&engine), -EINVAL);
    assert_in_force("first");
    assert_int_equal(fakes.reloads, 0);
}

static void test_tun_settings_are_refused(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    fakes.tun_name = "tun1";
    assert_int_equal(reload_run(&engine), -EINVAL);
    assert_in_force("first");
    assert_string_equal(engine.loaded.config->tun.name, "tun0");
    assert_int_equal(fakes.reloads, 0);
}

static void test_failure_in_the_kernel_keeps_the_old(void **state)
{
    (void)state;
    fakes.rule_name = "second";
    fakes.reload_error = -EEXIST;
    assert_int_equal(reload_run(&engine), -EEXIST);
    assert_in_force("first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good_one_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_one_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tun_settings_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failure_in_the_kernel_keeps_the_old, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
