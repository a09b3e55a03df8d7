/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Given: the texts of a configuration, for who must not open its files.
 *
 * Who asks a daemon about a configuration collects what its files hold and hands that over; the
 * daemon, which may read more than who asks, opens nothing. The names are those that the files have
 * where they were collected: problems are reported with them, and a set finds its elements by them.
 */
#ifndef IPMODD_RULES_GIVEN_H
#define IPMODD_RULES_GIVEN_H

#include "ipmodd/rules/load.h"

enum given_kind {
    GIVEN_CONFIG,   /* a file with sections, in the order in which they are read */
    GIVEN_ELEMENTS, /* a file that a set names */
    GIVEN_KIND_COUNT,
};

struct given_text {
    enum given_kind kind;
    char *name, *text; /* owned */
};

struct given {
    struct given_text *items;
    size_t count;
};

/* "config" and "elements". */
extern const char *const given_kind_names[GIVEN_KIND_COUNT];

/* Frees and empties; safe on a zeroed one. */
void given_clear(struct given *given);

/* Copies both strings. 0 or -ENOMEM. */
int given_add(struct given *given, enum given_kind kind, const char *name, const char *text);

/* NULL when there is none. */
const char *given_find(const struct given *given, enum given_kind kind, const char *name);

/*
 * All texts of the configuration that load_configuration() would read for FILE. 0; -EINVAL with an
 * error in PROBLEMS when one cannot be read; -ENOMEM. Nothing else is looked at: what is wrong in
 * them finds who loads them.
 */
int given_collect(const char *file, struct problems *problems, struct given *ret_given);

/* load_configuration_until() of what is given; no file is opened. */
int given_load(const struct given *given, const atomic_bool *cancel, struct problems *problems,
               struct loaded *ret_loaded);

#endif
