/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From configuration files to a struct config and a ruleset.
 *
 * Files are found in systemd's order (ipmodd.conf(5)), read whole, split into sections and keys by
 * inih with our own line reader in front (it counts lines and knows no length limit), checked key
 * by key against tables, and built into new objects. All problems are collected; with one error
 * nothing is handed out. Loading changes nothing anywhere: a reload loads beside what is in force.
 */
#ifndef IPMODD_RULES_LOAD_H
#define IPMODD_RULES_LOAD_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/problem.h"
#include "ipmodd/datapath/ruleset.h"

#include <stdio.h>

/* Paths of files, in the order in which they were read. */
struct file_list {
    char **paths;
    size_t count;
};

/* Frees and empties; safe on a zeroed list. */
void file_list_clear(struct file_list *files);

struct loaded {
    struct config *config;
    struct ruleset *ruleset;
    struct file_list files;
};

/*
 * FILE: as with -c, that file and FILE.d; NULL: the search path.
 * 0; -EINVAL with at least one error in PROBLEMS (wrong, missing or unreadable files included);
 * -ENOMEM. Warnings may be added in any case. RET is written on success alone and owned by the
 * caller.
 */
int load_configuration(const char *file, struct problems *problems, struct loaded *ret_loaded);

/* The same, given up with -ECANCELED soon after *CANCEL has become true (cancel.h). */
int load_configuration_until(const char *file, const atomic_bool *cancel, struct problems *problems,
                             struct loaded *ret_loaded);

/*
 * The same for who tries rules out, and puts them in force nowhere: a file that others than root
 * and this user own or can write is warned of, and read.
 */
int load_configuration_to_try(const char *file, struct problems *problems,
                              struct loaded *ret_loaded);

/* Frees what LOADED holds and empties it. */
void loaded_clear(struct loaded *loaded);

/*
 * The effective configuration in the form that load_configuration() reads, each rule behind a
 * comment with its FILE:LINE. Every setting is written out but lists that are empty, which have no
 * form.
 */
void dump_configuration(const struct loaded *loaded, FILE *out);

#endif
