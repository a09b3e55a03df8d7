/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor found, shown; and the doctor for those that only need a reason. */
#ifndef IPMODD_CTL_EXAMINED_H
#define IPMODD_CTL_EXAMINED_H

#include "command.h"
#include "ipmodd/kernel/doctor.h"

#include <jansson.h>

/* Those that are not well, or all; a line each, and what mends it behind. */
void examined_print(const struct findings *findings, bool all, FILE *out);

/* Those that are not well, or all, as an array; NULL without memory. */
json_t *examined_json(const struct findings *findings, bool all);

unsigned examined_count(const struct findings *findings, enum finding_level level);

/*
 * Says which condition is missing when a ping from SRC, out of the device of the daemon of OPTIONS,
 * was not answered. EXIT_CODE_FAILED.
 */
enum exit_code examined_explain_ping(const struct options *options, const struct ip_addr *src);

#endif
