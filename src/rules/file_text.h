/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of one configuration file: read whole, bounded, without NUL bytes.
 *
 * What cannot be text is refused here, so that everything behind works on a C string.
 */
#ifndef IPMODD_RULES_FILE_TEXT_H
#define IPMODD_RULES_FILE_TEXT_H

#include "report.h"

enum { FILE_TEXT_MAX = 16 * 1024 * 1024 };

/*
 * The text of PATH, owned by the caller. 0; -EINVAL with
 * an error in REPORT (missing, a directory, unreadable, writable by others than root and this user,
 * too large, NUL bytes); -ENOMEM.
 */
int file_text_read(const char *path, struct report *report, char **ret_text);

#endif
