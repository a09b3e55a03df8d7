/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault: the sentence that goes with a failed step.
 *
 * Errors travel as -errno; what failed, where, and what would be right travels beside them in one
 * struct that the owner of the whole operation hands down. The first sentence of an operation stays
 * until fault_clear(), since what fails afterwards is mostly a consequence.
 */
#ifndef IPMODD_KERNEL_FAULT_H
#define IPMODD_KERNEL_FAULT_H

#include "ipmodd/base/macro.h"

struct fault {
    char text[512];
};

/* Keeps "FORMAT: strerror(-ERROR)" if nothing is kept yet. Returns ERROR, a -errno. */
int fault_set(struct fault *fault, int error, const char *format, ...) PRINTF_LIKE(3, 4);

/* Same without the strerror() part: FORMAT says it all. */
int fault_explain(struct fault *fault, int error, const char *format, ...) PRINTF_LIKE(3, 4);

/* More words behind those that are there, as far as they fit. */
void fault_append(struct fault *fault, const char *format, ...) PRINTF_LIKE(2, 3);

void fault_clear(struct fault *fault);

#endif
