/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Section names: "rule NAME", "set NAME", or a word alone; which are known, well formed and unique.
 *
 * A NAME is a label for the journal, metrics and tables, so it has no character that any of them
 * would have to quote. Rules and sets must not stand twice in all files together, the sections of
 * settings not in one, since a later file replaces single keys of these.
 */
#ifndef IPMODD_RULES_SECTION_NAME_H
#define IPMODD_RULES_SECTION_NAME_H

#include "document.h"
#include "report.h"

#include <stdbool.h>

/* One blank between the words of a name, so that two spellings of a section compare as equal. */
void section_names_normalise(struct document *document);

/* Reports sections that stand twice. 0 or -ENOMEM. */
int section_names_check(const struct document *document, struct report *report);

/* The NAME of [KIND NAME], "" without one; NULL for a section of another kind. */
const char *section_name_of(const struct section *section, const char *kind);

/* Whether SECTION, a KIND called NAME, is worth building; what is wrong goes to REPORT. */
bool section_name_check(const struct section *section, const char *kind, const char *name,
                        struct report *report);

/* SECTION is of no kind that there is. */
void section_name_report_unknown(const struct section *section, struct report *report);

#endif
