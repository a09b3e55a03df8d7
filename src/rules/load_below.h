/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading from another root directory, for tests of the search path. */
#ifndef IPMODD_RULES_LOAD_BELOW_H
#define IPMODD_RULES_LOAD_BELOW_H

#include "ipmodd/rules/load.h"

/* As load_configuration() without FILE, with every directory of the search path below ROOT. */
int load_configuration_below(const char *root, struct problems *problems,
                             struct loaded *ret_loaded);

#endif
