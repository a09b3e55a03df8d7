/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU list: a set of processors by the kernel's numbers, and the two forms in which the kernel
 * writes such sets: lists ("0,2-3": cpulists) and masks ("0000000d": cpumasks, hexadecimal words of
 * 32 bits with commas between them, the lowest numbers last).
 *
 * Plain values without memory of their own, as large as any kernel's set; zeroed when empty.
 * Whether this machine has those processors is not known here.
 */
#ifndef IPMODD_BASE_CPU_LIST_H
#define IPMODD_BASE_CPU_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CPU_LIST_MAX = 8192, /* NR_CPUS at its largest (CONFIG_MAXSMP) */
    CPU_LIST_WORDS = CPU_LIST_MAX / 32,
};

struct cpu_list {
    uint32_t words[CPU_LIST_WORDS]; /* number N is bit N % 32 of word N / 32 */
};

bool cpu_list_is_empty(const struct cpu_list *list);
bool cpu_list_equal(const struct cpu_list *a, const struct cpu_list *b);

/* What both have. */
struct cpu_list cpu_list_common(const struct cpu_list *a, const struct cpu_list *b);

/*
 * "0,2-3" with blanks around the numbers: at least one. 0; -EINVAL for another text, -ERANGE for a
 * number that no kernel has, -ENOMEM. RET is written on success alone, as below.
 */
int cpu_list_parse(const char *text, struct cpu_list *ret_list);

/* A mask as the kernel prints it, with its line end or without. 0 or -EINVAL. */
int cpu_list_parse_mask(const char *text, struct cpu_list *ret_list);

/* In the forms above, without a line end; of an empty set nothing, and "0" as a mask. */
void cpu_list_print(const struct cpu_list *list, FILE *out);
void cpu_list_print_mask(const struct cpu_list *list, FILE *out);

#endif
