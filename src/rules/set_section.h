/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * [set NAME]: from `elements` and the lines of `file` to a set.
 *
 * The file is read line by line and never held whole, since it may have a million of them. What a
 * line has wrong is reported with the file's own name and line.
 */
#ifndef IPMODD_RULES_SET_SECTION_H
#define IPMODD_RULES_SET_SECTION_H

#include "document.h"
#include "report.h"

#include "ipmodd/datapath/ruleset.h"
#include "ipmodd/rules/given.h"

/* The keys of a set section: the I-th, NULL behind the last. */
const char *set_section_key(size_t i);

/*
 * Appends the set that SECTION describes, called NAME, to the sets of RULESET. With GIVEN its file
 * is looked for there, and not opened. What is wrong goes to REPORT. 0 or -ENOMEM.
 */
int set_section_build(const struct section *section, const char *name, const struct given *given,
                      struct ruleset *ruleset, struct report *report);

/* Adds what the file of SECTION holds to GIVEN. As above. */
int set_section_collect(const struct section *section, struct report *report, struct given *given);

#endif
