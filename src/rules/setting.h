/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of [main], [tun], [divert] and [flows]: tables of how each is read into a struct config and
 * printed.
 *
 * A later file replaces the value that an earlier one gave. Where a value came from is kept, so
 * that a check over several keys can name the line.
 */
#ifndef IPMODD_RULES_SETTING_H
#define IPMODD_RULES_SETTING_H

#include "document.h"
#include "report.h"

#include "ipmodd/base/config.h"
#include "ipmodd/datapath/value.h"

struct setting {
    const char *key;
    const char *grammar; /* one line: what a value looks like */
    /* Replaces the value in CONFIG. 0, -EINVAL with ERROR filled and CONFIG as it was, or -ENOMEM.
     */
    int (*parse)(const char *text, struct config *config, struct value_error *error);
    void (*print)(const struct config *config, FILE *out);
};

/* The settings of one section. */
struct setting_group {
    const char *section;
    const struct setting *settings;
    size_t count;
    /* The key whose value is a path, which parse() gets as seen from the file that it stands in;
     * the words auto and off stay what they are. NULL: none. */
    const char *path_key;
};

/* One file each: setting_main.c, setting_tun.c, setting_divert.c, setting_flows.c. */
extern const struct setting_group setting_main;
extern const struct setting_group setting_tun;
extern const struct setting_group setting_divert;
extern const struct setting_group setting_flows;

/* The four, in the order of ipmodd.conf(5). */
enum { SETTING_GROUPS = 4 };
extern const struct setting_group *const setting_groups[SETTING_GROUPS];

/* NULL when SECTION is none of the four. */
const struct setting_group *setting_group_find(const char *section);

/* The section that has KEY, or NULL. */
const char *setting_section_of(const char *key);

/* Reads the keys of SECTION, which is of GROUP, into CONFIG. 0 or -ENOMEM. */
int setting_apply_section(const struct setting_group *group, const struct section *section,
                          struct config *config, struct report *report);

/* What several keys together have wrong. DOCUMENT tells the places. */
void setting_check(const struct config *config, const struct document *document,
                   struct report *report);

#endif
