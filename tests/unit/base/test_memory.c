/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables that move to a better place: nothing is lost, and nothing is resident twice. */
#include "../resident.h"
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

int __real_posix_memalign(void **ret_memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **ret_memory, size_t alignment, size_t size);

static bool is_refused;

int __wrap_posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    return is_refused ? ENOMEM : __real_posix_memalign(ret_memory, alignment, size);
}

static uint8_t byte_of(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 12));
}

/* As a table grows: begun small. */
static uint8_t *grown(size_t size)
{
    uint8_t *memory = realloc(malloc(1), size);

    assert_non_null(memory);
    for (size_t i = 0; i < size; i++)
        memory[i] = byte_of(i);
    return memory;
}

static void check_bytes(const uint8_t *memory, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (memory[i] != byte_of(i))
            fail_msg("byte %zu of %zu", i, size);
    }
}

enum { MB = 1 << 20 };

static void test_kept(void **state)
{
    static const size_t sizes[] = {1,          63,         64,         4096,         MB - 1,
                                   MB,         MB + 1,     2 * MB - 1, 2 * MB,       2 * MB + 1,
                                   3 * MB + 5, 4 * MB - 1, 4 * MB,     5 * MB + 4097};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t alignment = sizes[i] < MEMORY_HUGE_PAGE ? MEMORY_LINE : MEMORY_HUGE_PAGE;
        uint8_t *memory = memory_settle(grown(sizes[i]), sizes[i]);

        check_bytes(memory, sizes[i]);
        assert_int_equal((uintptr_t)memory % alignment, 0);
        free(memory);
    }
    assert_null(memory_settle(NULL, 0));
}

static void test_without_memory(void **state)
{
    uint8_t *memory = grown(3 * MB);

    (void)state;
    is_refused = true;
    assert_ptr_equal(memory_settle(memory, 3 * MB), memory);
    is_refused = false;
    check_bytes(memory, 3 * MB);
    free(memory);
}

#ifndef __SANITIZE_ADDRESS__ /* with it, memory that is freed stays for a while */

/* The most that has been resident so far. */
static size_t peak_bytes(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (size_t)usage.ru_maxrss * 1024;
}

static void test_resident(void **state)
{
    enum { SIZE = 31 * MB };
    uint8_t *memory;
    size_t before;

    (void)state;
    mallopt(M_PERTURB, 0); /* or all that is allocated is written to, more than was asked for */
    memory = grown(SIZE);
    before = resident_bytes();
    memory = memory_settle(memory, SIZE);
    assert_in_range(resident_bytes(), before - 2 * MB, before + 2 * MB);
    assert_in_range(peak_bytes(), before, before + 6 * MB);
    free(memory);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_without_memory),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(test_resident),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
