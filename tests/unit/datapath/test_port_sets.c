/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of taken ports against plain arrays, and the last free port of an address. */
#include "../random.h"
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "port_sets.h"

#include <netinet/in.h>
#include <string.h>

#define EVERY_PORT UINT64_MAX
#define EVEN_PORTS UINT64_C(0x5555555555555555)

enum { OWNERS = 5, CAPACITY = 4 * 65536 };

static bool taken[OWNERS][65536];

static int set_up(void **state)
{
    *state = port_sets_new(CAPACITY);
    memset(taken, 0, sizeof(taken));
    return *state == NULL;
}

static int tear_down(void **state)
{
    port_sets_free(*state);
    return 0;
}

/* Two addresses, two protocols, two families. */
static struct mapping_outside outside_of(unsigned owner, uint16_t port)
{
    struct mapping_outside outside = {.port = port, .proto = IPPROTO_UDP, .family = FAMILY_IPV4};

    outside.address[0] = 203;
    outside.address[3] = owner == 1 || owner == 2 ? 8 : 7;
    if (owner >= 2 && owner <= 3)
        outside.proto = IPPROTO_TCP;
    if (owner == 4)
        outside.family = FAMILY_IPV6;
    return outside;
}

static void flip(struct port_sets *sets, unsigned owner, uint16_t port)
{
    const struct mapping_outside outside = outside_of(owner, port);

    if (taken[owner][port])
        port_sets_give_back(sets, &outside);
    else
        port_sets_take(sets, &outside);
    taken[owner][port] = !taken[owner][port];
}

/* What a search by hand finds; -1 for nothing. */
static int first_free(unsigned owner, uint16_t start, const struct port_range *range)
{
    uint32_t span = range->last - range->first + 1u;

    for (uint32_t i = 0; i < span; i++) {
        uint32_t port = range->first + (start - range->first + i) % span;

        if (!taken[owner][port] && (range->wanted >> (port % 64) & 1) != 0)
            return (int)port;
    }
    return -1;
}

static void assert_found(struct port_sets *sets, unsigned owner, uint16_t start,
                         const struct port_range *range)
{
    const struct mapping_outside outside = outside_of(owner, start);
    int expected = first_free(owner, start, range);
    uint16_t port = 0;

    assert_int_equal(port_sets_find(sets, &outside, range, &port), expected >= 0);
    if (expected >= 0)
        assert_int_equal(port, expected);
}

static void test_against_arrays(void **state)
{
    const uint64_t wanted[] = {EVERY_PORT, EVEN_PORTS, ~EVEN_PORTS};
    struct port_sets *sets = *state;
    struct random random = {.state = 7};

    for (unsigned round = 0; round < 3000; round++) {
        unsigned owner = (unsigned)random_below(&random, OWNERS);
        uint32_t base = (uint32_t)random_below(&random, 64) * 1024;
        struct port_range range = {.wanted = wanted[random_below(&random, ARRAY_SIZE(wanted))]};

        for (unsigned i = 0; i < 50; i++)
            flip(sets, owner, (uint16_t)(base + random_below(&random, 70)));
        range.first = (uint16_t)random_below(&random, 65536);
        range.last = (uint16_t)(range.first + random_below(&random, 65536u - range.first));
        assert_found(sets, owner,
                     (uint16_t)(range.first + random_below(&random, range.last - range.first + 1u)),
                     &range);
        range = (struct port_range){(uint16_t)base, (uint16_t)(base + 69), range.wanted};
        assert_found(sets, owner, (uint16_t)(base + random_below(&random, 70)), &range);
    }
}

/* All are taken but one, wherever the search begins; and then none. */
static void test_last_port(void **state)
{
    const struct port_range all = {1024, 65535, EVERY_PORT};
    struct port_sets *sets = *state;

    for (uint32_t i = 1024; i < 65536; i++)
        flip(sets, 0, (uint16_t)i);
    for (uint32_t last = 1024; last < 65536; last += 777) {
        flip(sets, 0, (uint16_t)last);
        for (uint32_t start = 1024; start < 65536; start += 4099)
            assert_found(sets, 0, (uint16_t)start, &all);
        flip(sets, 0, (uint16_t)last);
    }
    assert_found(sets, 0, 2000, &all);
    assert_found(sets, 1, 2000, &all);
}

/* What is given back leaves nothing: the same again, often, has the same memory. */
static void test_memory_is_given_back(void **state)
{
    struct port_sets *sets = *state;
    size_t memory = 0;

    for (unsigned round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < 20000; i++)
            flip(sets, i % OWNERS, (uint16_t)(3 * i));
        if (round == 0)
            memory = port_sets_memory(sets);
        for (uint32_t i = 0; i < 20000; i++)
            flip(sets, i % OWNERS, (uint16_t)(3 * i));
    }
    assert_true(memory > 0);
    assert_int_equal(port_sets_memory(sets), memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_arrays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_port, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_is_given_back, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
