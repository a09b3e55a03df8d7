/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resident: the memory that the process of a test has. */
#ifndef IPMODD_TESTS_RESIDENT_H
#define IPMODD_TESTS_RESIDENT_H

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

static inline size_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t all, resident;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &all, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
