/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory of files that lives as long as a test, and what loading from it says.
 *
 * Messages are compared without the directory's name: "test.conf:3: [rule a] dport: …".
 */
#ifndef IPMODD_TESTS_UNIT_RULES_FIXTURE_H
#define IPMODD_TESTS_UNIT_RULES_FIXTURE_H

#include "../unit.h"

#include "ipmodd/rules/load.h"

/* cmocka set-up and tear-down: makes an empty directory and removes it with all that is in it. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* PATH below the directory, valid until the next call but three. */
const char *fixture_path(const char *path);

/* Write a file (missing directories are made), with TEXT or with LENGTH bytes. */
void fixture_write(const char *path, const char *text);
void fixture_write_bytes(const char *path, const void *bytes, size_t length);

/* What loading "test.conf" with TEXT has to say, a line each; "" when it loads. Static memory. */
const char *fixture_complaints(const char *text);

/* The same for a file that is there already; PATH NULL: the search path below the directory. */
const char *fixture_complaints_of(const char *path);

/* The dump of "test.conf" with TEXT, which must load. Owned by the caller. */
char *fixture_dump(const char *text);

/* Likewise of a file that is there already, or of the search path. */
char *fixture_dump_of(const char *path);

/* The value of KEY in the section that begins with the line HEADER, cut out of DUMP in place. */
const char *fixture_value(char *dump, const char *header, const char *key);

#endif
