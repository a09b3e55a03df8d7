/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of as many prefixes as fill what they lie in, and of prefixes that need more bits each. */
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/set.h"

#include <endian.h>
#include <string.h>

/* The prefixes of one length of a family. */
struct form {
    enum ip_family family;
    unsigned length;
};

/* Those that need the whole of 32, 64 and 128 bits, and those that leave one bit of them open. */
static const struct form forms[] = {{FAMILY_IPV4, 32}, {FAMILY_IPV4, 31},  {FAMILY_IPV6, 64},
                                    {FAMILY_IPV6, 63}, {FAMILY_IPV6, 128}, {FAMILY_IPV6, 127}};

static const address_number all_ones = ~(address_number)0;

static struct ip_addr address_of(enum ip_family family, address_number number)
{
    struct ip_addr addr = {.family = family};
    uint64_t words[2] = {htobe64((uint64_t)(number >> 64)), htobe64((uint64_t)number)};

    memcpy(addr.bytes, words, IP_ADDR_BYTES(family));
    return addr;
}

static bool has(const struct set *set, enum ip_family family, address_number number)
{
    struct ip_addr addr = address_of(family, number);

    return set_has_address(set, family, addr.bytes);
}

/* What is added to an address for the one behind its prefix; not for a length of 0. */
static address_number addresses(const struct form *form)
{
    return (address_number)1 << (ADDRESS_NUMBER_BITS - form->length);
}

static void add(struct set *set, const struct form *form, address_number first)
{
    struct address_range range = {address_of(form->family, first),
                                  address_of(form->family, first + addresses(form) - 1)};

    assert_int_equal(set_add_addresses(set, &range), 0);
}

/* The first address of prefix I, counted from the last address down, with room for two between. */
static address_number nth(const struct form *form, size_t i)
{
    return -addresses(form) * (3 * (address_number)i + 1);
}

static void check_size(const struct form *form, size_t count)
{
    struct set *set = set_new("s", SET_PREFIX);

    for (size_t i = 0; i < count; i++)
        add(set, form, nth(form, i));
    assert_int_equal(set_finish(set), 0);
    assert_false(has(set, form->family, 0));
    for (size_t i = 0; i < count; i++) {
        address_number first = nth(form, i), last = first + addresses(form) - 1;

        assert_true(has(set, form->family, first) && has(set, form->family, last));
        assert_false(has(set, form->family, first - 1));
        assert_false(i > 0 && has(set, form->family, last + addresses(form)));
    }
    set_free(set);
}

/* Up to several leaves and nodes, then around what full nodes of them hold. */
static void test_sizes(void **state)
{
    static const size_t large[] = {12 * 32, 12 * 32 * 32, 7 * 16 * 16, 7 * 8 * 8, 7 * 8 * 8 * 8};

    (void)state;
    for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
        for (size_t count = 1; count < 130; count++)
            check_size(&forms[f], count);
        for (size_t i = 0; i < ARRAY_SIZE(large); i++) {
            for (size_t count = large[i] - 1; count <= large[i] + 1; count++)
                check_size(&forms[f], count);
        }
    }
}

/* All addresses of a set that is one run, and none beside it, however it was cut. */
static void test_adjacent(void **state)
{
    enum { COUNT = 500 };

    (void)state;
    for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
        const struct form *form = &forms[f];
        address_number base = (address_number)0x20 << 120, end = base + COUNT * addresses(form);
        struct set *set = set_new("s", SET_PREFIX);

        for (size_t i = 0; i < COUNT; i++)
            add(set, form, base + i * 7 % COUNT * addresses(form));
        assert_int_equal(set_finish(set), 0);
        for (size_t i = 0; i < COUNT; i++)
            assert_true(has(set, form->family, base + i * addresses(form)));
        assert_false(has(set, form->family, base - 1) || has(set, form->family, end));
        set_free(set);
    }
}

/* Prefixes that need ever more bits, of which those before have to be kept. */
static void test_longer_and_longer(void **state)
{
    enum { COUNT = 100 };
    static const unsigned lengths[] = {16, 32, 33, 64, 65, 128};
    struct set *set = set_new("s", SET_PREFIX);

    (void)state;
    for (size_t i = 0; i < COUNT * ARRAY_SIZE(lengths); i++)
        add(set, &(struct form){FAMILY_IPV6, lengths[i / COUNT]},
            (address_number)(3 * i + 1) << 112);
    assert_int_equal(set_finish(set), 0);
    for (size_t i = 0; i < COUNT * ARRAY_SIZE(lengths); i++) {
        struct form form = {FAMILY_IPV6, lengths[i / COUNT]};
        address_number first = (address_number)(3 * i + 1) << 112;

        assert_true(has(set, FAMILY_IPV6, first));
        assert_true(has(set, FAMILY_IPV6, first + addresses(&form) - 1));
        assert_false(has(set, FAMILY_IPV6, first - 1));
        assert_false(has(set, FAMILY_IPV6, first + addresses(&form)));
    }
    set_free(set);
}

/* All the prefixes that an address is in, of FAMILY, from the length FROM to the length TO. */
static struct set *nest(enum ip_family family, address_number number, unsigned from, unsigned to)
{
    struct set *set = set_new("s", SET_PREFIX);
    unsigned length = from;

    for (;;) {
        struct form form = {family, length};

        if (length == 0) {
            struct address_range all = {address_of(family, 0), address_of(family, all_ones)};

            assert_int_equal(set_add_addresses(set, &all), 0);
        } else {
            add(set, &form, number & -addresses(&form));
        }
        if (length == to)
            break;
        length = from < to ? length + 1 : length - 1;
    }
    assert_int_equal(set_finish(set), 0);
    return set;
}

/* What another prefix covers takes no memory, whichever came first. */
static void test_covered(void **state)
{
    static const address_number numbers[] = {0, (address_number)0x55aa << 96, ~(address_number)0};

    (void)state;
    for (unsigned f = 0; f < FAMILY_COUNT; f++) {
        unsigned bits = IP_ADDR_BITS(f);

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
            struct set *one = nest(f, numbers[i], bits, bits), *up = nest(f, numbers[i], 0, bits);
            struct set *down = nest(f, numbers[i], bits, 0), *some = nest(f, numbers[i], bits, 1);

            assert_int_equal(set_memory(up), set_memory(one));
            assert_int_equal(set_memory(down), set_memory(one));
            assert_true(has(up, f, 0) && has(up, f, all_ones));
            assert_true(has(down, f, 0) && has(down, f, all_ones));
            assert_true(has(one, f, numbers[i]) && has(some, f, numbers[i]));
            assert_false(has(some, f, numbers[i] ^ (address_number)1 << 127));
            set_free(one);
            set_free(up);
            set_free(down);
            set_free(some);
        }
    }
}

/* Many that one covers, between others that it does not. */
static void test_one_covers_many(void **state)
{
    enum { COUNT = 128, LEVELS = 8 };

    (void)state;
    for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
        const struct form *form = &forms[f], wide = {form->family, form->length - LEVELS};
        address_number base = (address_number)0x20 << 120;
        struct set *set = set_new("s", SET_PREFIX), *plain = set_new("s", SET_PREFIX);

        for (size_t i = 0; i < COUNT; i++)
            add(set, form, base + addresses(&wide) + 2 * i * addresses(form));
        for (size_t i = 0; i < 3; i++) {
            add(set, &wide, base + i * addresses(&wide));
            add(plain, &wide, base + i * addresses(&wide));
        }
        add(plain, form, base);
        assert_int_equal(set_finish(set), 0);
        assert_int_equal(set_finish(plain), 0);
        assert_int_equal(set_memory(set), set_memory(plain));
        for (size_t i = 0; i < 3 << LEVELS; i++)
            assert_true(has(set, form->family, base + i * addresses(form)));
        assert_false(has(set, form->family, base - 1));
        assert_false(has(set, form->family, base + 3 * addresses(&wide)));
        set_free(set);
        set_free(plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_adjacent),
        cmocka_unit_test(test_longer_and_longer),
        cmocka_unit_test(test_covered),
        cmocka_unit_test(test_one_covers_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
