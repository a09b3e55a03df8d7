/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every unit test includes: cmocka with the headers that it wants in front of it.
 *
 * A program ends with the number of failed tests as its exit code; the TAP mode is not used.
 */
#ifndef IPMODD_TESTS_UNIT_H
#define IPMODD_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
