/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selectors that look beyond the packet: chance, turns, limits and the clock. */
#include "../../unit.h"
#include "../forge.h"

#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/match.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

/* One match with what it keeps. */
struct selector {
    const struct match_type *type;
    void *value;
    struct rng rng;
    struct match_context context;
};

static struct forged forged;

static struct selector *select_by(const char *key, const char *text)
{
    static struct selector selector;
    const struct scope scope = scope_all();
    struct value_error error;

    selector = (struct selector){.type = match_type_find(key), .rng = rng_make(7)};
    assert_non_null(selector.type);
    if (selector.type->parse(text, &scope, &selector.value, &error) < 0)
        fail_msg("%s = %s: %s", key, text, error.text);
    assert_true(selector.type->varies);
    selector.context.rng = &selector.rng;
    if (selector.type->state_new != NULL) {
        selector.context.state = selector.type->state_new(selector.value);
        assert_non_null(selector.context.state);
    }
    return &selector;
}

static void done(struct selector *selector)
{
    if (selector->type->state_free != NULL)
        selector->type->state_free(selector->context.state);
    selector->type->free(selector->value);
}

static bool ask(struct selector *selector, const struct packet *packet)
{
    return selector->type->test(selector->value, &selector->context, packet);
}

static struct packet udp_packet(enum ip_family family, uint8_t host, uint16_t sport)
{
    forge_ip(&forged, family, IPPROTO_UDP);
    forge_l4(&forged, 20);
    forged.bytes[family == FAMILY_IPV4 ? 15 : 23] = host; /* last byte of the source */
    forged.bytes[forged.l4] = (uint8_t)(sport >> 8);
    forged.bytes[forged.l4 + 1] = (uint8_t)sport;
    forge_seal(&forged);
    return forged_packet(&forged);
}

/* How many of COUNT packets it holds for, all at one moment. */
static unsigned holds_for(struct selector *selector, const struct packet *packet, unsigned count)
{
    unsigned held = 0;

    for (unsigned i = 0; i < count; i++)
        held += ask(selector, packet);
    return held;
}

static void test_probability(void **state)
{
    struct packet packet = udp_packet(FAMILY_IPV4, 1, 1);
    struct selector *selector = select_by("probability", "2.5%");
    unsigned held = holds_for(selector, &packet, 100000), again;

    (void)state;
    assert_in_range(held, 2300, 2700); /* 2500 expected, deviation 49 */
    selector->rng = rng_make(7);
    again = holds_for(selector, &packet, 100000);
    assert_int_equal(again, held);
    done(selector);
    selector = select_by("probability", "100%");
    assert_int_equal(holds_for(selector, &packet, 100000), 100000);
    done(selector);
    selector = select_by("probability", "0.000001%");
    assert_in_range(holds_for(selector, &packet, 100000), 0, 1);
    done(selector);
}

static void test_every(void **state)
{
    struct packet packet = udp_packet(FAMILY_IPV6, 1, 1);
    struct selector *selector = select_by("every", "3");

    (void)state;
    for (unsigned i = 1; i <= 9; i++)
        assert_int_equal(ask(selector, &packet), i % 3 == 0);
    done(selector);
    selector = select_by("every", "1");
    assert_int_equal(holds_for(selector, &packet, 10), 10);
    done(selector);
}

static void test_limit(void **state)
{
    struct packet packet = udp_packet(FAMILY_IPV4, 1, 1), other = packet;
    struct selector *selector = select_by("limit", "10/s burst 4");

    (void)state;
    selector->context.time.now_ns = 5 * SECOND;
    assert_int_equal(holds_for(selector, &packet, 100), 4);
    selector->context.time.now_ns += SECOND / 10;
    assert_int_equal(holds_for(selector, &other, 100), 1);
    selector->context.time.now_ns += 100 * SECOND;
    assert_int_equal(holds_for(selector, &packet, 100), 4);
    done(selector);
    selector = select_by("limit", "1/h");
    assert_int_equal(holds_for(selector, &packet, 100), 5); /* the default burst */
    selector->context.time.now_ns += 3599 * SECOND;
    assert_int_equal(holds_for(selector, &packet, 100), 0);
    selector->context.time.now_ns += SECOND;
    assert_int_equal(holds_for(selector, &packet, 100), 1);
    done(selector);
}

/* What VALUE lets through of ten packets each from two sources with two ports. */
static unsigned let_through(const char *value, enum ip_family family)
{
    struct selector *selector = select_by("limit", value);
    unsigned held = 0;

    for (unsigned i = 0; i < 40; i++) {
        struct packet packet = udp_packet(family, (uint8_t)(1 + i % 2), (uint16_t)(1 + i / 2 % 2));

        held += ask(selector, &packet);
    }
    done(selector);
    return held;
}

static void test_limit_per_key(void **state)
{
    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        assert_int_equal(let_through("1/s burst 3", family), 3);
        assert_int_equal(let_through("1/s burst 3 per src", family), 6);
        assert_int_equal(let_through("1/s burst 3 per dst", family), 3);
        assert_int_equal(let_through("1/s burst 3 per flow", family), 12);
    }
}

/* More sources than there is room for: each still gets its burst, none more than one anew. */
static void test_limit_table_is_bounded(void **state)
{
    struct selector *selector = select_by("limit", "1/s burst 2 per flow");
    unsigned held = 0, kept = 0;

    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        struct packet packet = udp_packet(FAMILY_IPV4, 9, (uint16_t)i);

        held += ask(selector, &packet);
    }
    assert_int_equal(held, 60000);
    for (unsigned i = 0; i < 60000; i++) {
        struct packet packet = udp_packet(FAMILY_IPV4, 9, (uint16_t)i);

        ask(selector, &packet);
        kept += !ask(selector, &packet);
    }
    assert_true(kept > 1000);
    done(selector);
}

/* One that is being limited stays so while others that send little come and go. */
static void test_limit_remembers_the_loud(void **state)
{
    struct selector *selector = select_by("limit", "1/s burst 10 per flow");
    unsigned held = 0;

    (void)state;
    for (unsigned i = 1; i < 60000; i++) {
        struct packet loud = udp_packet(FAMILY_IPV4, 9, 0), quiet;

        held += ask(selector, &loud);
        quiet = udp_packet(FAMILY_IPV4, 9, (uint16_t)i);
        ask(selector, &quiet);
    }
    assert_int_equal(held, 10);
    done(selector);
}

/* Whether time = VALUE holds at SECOND_OF_DAY of DAY, counted from Thursday 1970-01-01. */
static bool holds_at(const char *value, int64_t day, unsigned hour, unsigned minute)
{
    struct selector *selector = select_by("time", value);
    struct packet packet = udp_packet(FAMILY_IPV4, 1, 1);
    bool held;

    selector->context.time.wall_ns = (uint64_t)(day * 86400 + hour * 3600 + minute * 60) * SECOND;
    held = ask(selector, &packet);
    /* The same time of day in another zone. */
    selector->context.time.wall_ns += 3 * 3600 * SECOND;
    selector->context.time.utc_offset_s = -3 * 3600;
    assert_int_equal(ask(selector, &packet), held);
    done(selector);
    return held;
}

enum { THURSDAY = 20783, FRIDAY, SATURDAY, SUNDAY, MONDAY }; /* from 2026-11-26 on */

static void test_hours(void **state)
{
    (void)state;
    assert_false(holds_at("08:00-17:00", THURSDAY, 7, 59));
    assert_true(holds_at("08:00-17:00", THURSDAY, 8, 0));
    assert_true(holds_at("08:00-17:00", THURSDAY, 16, 59));
    assert_false(holds_at("08:00-17:00", THURSDAY, 17, 0));
    assert_true(holds_at("!08:00-17:00", THURSDAY, 17, 0));
    assert_true(holds_at("00:00-24:00", THURSDAY, 23, 59));
    assert_true(holds_at("06:00-07:00, 16:30-24:00", THURSDAY, 16, 30));
}

static void test_hours_past_midnight(void **state)
{
    (void)state;
    assert_true(holds_at("22:00-06:00", THURSDAY, 22, 0));
    assert_true(holds_at("22:00-06:00", THURSDAY, 5, 59));
    assert_false(holds_at("22:00-06:00", THURSDAY, 6, 0));
    assert_true(holds_at("fri 22:00-06:00", FRIDAY, 23, 0));
    assert_true(holds_at("fri 22:00-06:00", SATURDAY, 1, 0));
    assert_false(holds_at("fri 22:00-06:00", FRIDAY, 1, 0));
    assert_false(holds_at("fri 22:00-06:00", SATURDAY, 23, 0));
    assert_false(holds_at("22:00-00:00", THURSDAY, 0, 0));
}

static void test_days_and_dates(void **state)
{
    (void)state;
    assert_true(holds_at("mon-fri", MONDAY, 0, 0));
    assert_true(holds_at("mon-fri", FRIDAY, 23, 59));
    assert_false(holds_at("mon-fri", SATURDAY, 0, 0));
    assert_true(holds_at("fri-mon", SUNDAY, 12, 0));
    assert_false(holds_at("fri-mon", THURSDAY, 12, 0));
    assert_true(holds_at("wed sat", SATURDAY, 12, 0));
    assert_true(holds_at("2026-11-26", THURSDAY, 0, 0));
    assert_false(holds_at("2026-11-26", FRIDAY, 0, 0));
    assert_true(holds_at("2024-02-29-2026-11-27", FRIDAY, 23, 59));
    assert_false(holds_at("mon-fri, !2026-11-26", THURSDAY, 12, 0));
    assert_false(holds_at("2026-11-28 mon-fri", SATURDAY, 12, 0));
    assert_true(holds_at("1970-01-01 thu", 0, 0, 0));
    assert_true(holds_at("2000-02-29", 11016, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probability),
        cmocka_unit_test(test_every),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_per_key),
        cmocka_unit_test(test_limit_table_is_bounded),
        cmocka_unit_test(test_limit_remembers_the_loud),
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_hours_past_midnight),
        cmocka_unit_test(test_days_and_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
