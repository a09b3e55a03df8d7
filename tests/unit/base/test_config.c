/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two configurations ask the same of the kernel. */
#include "../unit.h"
#include "ipmodd/base/config.h"

#include <stdlib.h>
#include <string.h>

struct pair {
    struct config *a, *b;
};

static int set_up(void **state)
{
    static struct pair pair;

    pair.a = config_new();
    pair.b = config_new();
    *state = &pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    config_free(pair->a);
    config_free(pair->b);
    return 0;
}

/* One, zeroed behind its end. */
static void *devices(const char *name)
{
    char *made = calloc(1, IFNAMSIZ);

    assert_non_null(made);
    strcpy(made, name);
    return made;
}

static struct ip_prefix *prefixes(uint8_t last)
{
    struct ip_prefix *made = calloc(2, sizeof(*made));

    made[1].len = last;
    return made;
}

/* What concerns rules alone, and copies of the arrays, make no difference. */
static void test_the_same(void **state)
{
    struct pair *pair = *state;
    struct config *copy;

    assert_true(config_same_diversion(pair->a, pair->b));
    pair->b->main.policy = POLICY_DROP;
    pair->b->main.log_level = LEVEL_DEBUG;
    pair->b->flows.max = 7;
    pair->a->divert.excludes = prefixes(24);
    pair->b->divert.excludes = prefixes(24);
    pair->a->divert.exclude_count = pair->b->divert.exclude_count = 2;
    pair->a->divert.interfaces = devices("eth0");
    pair->b->divert.interfaces = devices("eth0");
    pair->a->divert.interface_count = pair->b->divert.interface_count = 1;
    assert_true(config_same_diversion(pair->a, pair->b));
    copy = config_copy(pair->a);
    assert_true(config_same_diversion(pair->a, copy));
    config_free(copy);
}

static void test_numbers_differ(void **state)
{
    struct pair *pair = *state;

    pair->b->divert.table = 200;
    assert_false(config_same_diversion(pair->a, pair->b));
    pair->b->divert.table = pair->a->divert.table;
    pair->b->divert.on_exit = ON_EXIT_CLOSED;
    assert_false(config_same_diversion(pair->a, pair->b));
    pair->b->divert.on_exit = pair->a->divert.on_exit;
    pair->b->tun.mtu = 1400;
    assert_false(config_same_diversion(pair->a, pair->b));
    pair->b->tun.mtu = 0;
    assert_true(config_same_diversion(pair->a, pair->b));
}

static void test_arrays_differ(void **state)
{
    struct pair *pair = *state;

    pair->a->divert.excludes = prefixes(24);
    pair->a->divert.exclude_count = 2;
    assert_false(config_same_diversion(pair->a, pair->b));
    pair->b->divert.excludes = prefixes(25);
    pair->b->divert.exclude_count = 2;
    assert_false(config_same_diversion(pair->a, pair->b));
    pair->b->divert.excludes[1].len = 24;
    assert_true(config_same_diversion(pair->a, pair->b));
    pair->b->tun.addresses = prefixes(32);
    pair->b->tun.address_count = 2;
    assert_false(config_same_diversion(pair->a, pair->b));
    pair->b->tun.address_count = 0;
    pair->a->divert.interfaces = devices("eth0");
    pair->b->divert.interfaces = devices("eth1");
    pair->a->divert.interface_count = pair->b->divert.interface_count = 1;
    assert_false(config_same_diversion(pair->a, pair->b));
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(test_the_same),
        CONFIG_TEST(test_numbers_differ),
        CONFIG_TEST(test_arrays_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
