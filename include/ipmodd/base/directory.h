/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories that the service manager makes for a service and names in the environment:
 * RUNTIME_DIRECTORY and STATE_DIRECTORY (systemd.exec(5)). There can be several, with colons in
 * between; the first is the one of the unit, behind which others add theirs.
 */
#ifndef IPMODD_BASE_DIRECTORY_H
#define IPMODD_BASE_DIRECTORY_H

#include <limits.h>

/* The first directory that VARIABLE names, in TEXT; USUAL where it names none by an absolute path.
 */
const char *directory_of_service(const char *variable, const char *usual,
                                 char text[static PATH_MAX]);

#endif
