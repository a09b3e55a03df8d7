/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files make up the configuration, in the order in which they are read.
 *
 * As systemd does it: the first of /etc, /run, /usr/local/lib, /usr/lib that has ipmodd/ipmodd.conf
 * gives the main file; ipmodd/ipmodd.conf.d/NAME.conf of all four follow by NAME, and of two with
 * the same NAME the one in the earlier directory counts. So a link to /dev/null hides the later
 * ones of its name: it reads as an empty file.
 *
 * With a file given, only that file and FILE.d are looked at.
 */
#ifndef IPMODD_RULES_SEARCH_H
#define IPMODD_RULES_SEARCH_H

#include "report.h"

#include "ipmodd/rules/load.h"

/*
 * The files below ROOT ("" for the host's own; tests have a directory of their own). 0; -EINVAL
 * with an error in REPORT when there is none; -ENOMEM.
 */
int search_below(const char *root, struct report *report, struct file_list *ret_files);

/* FILE and what FILE.d has. */
int search_given(const char *file, struct report *report, struct file_list *ret_files);

#endif
