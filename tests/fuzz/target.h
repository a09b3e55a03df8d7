/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz targets: each is one function that takes any bytes and must neither crash nor find one of
 * its own requirements broken.
 *
 * Built in two ways: with -Dfuzz=true (clang, -Db_sanitize=address,undefined -Db_lundef=false) for
 * libFuzzer, which invents inputs; else with replay.c, which runs the committed corpus through the
 * same function in every test run.
 */
#ifndef IPMODD_TESTS_FUZZ_TARGET_H
#define IPMODD_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The name is libFuzzer's. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* As assert(), but in every build. */
#define REQUIRE(condition)                                                            \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

#endif
