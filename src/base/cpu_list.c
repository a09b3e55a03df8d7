/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of processors, as lists and as masks. */
#include "ipmodd/base/cpu_list.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct cpu_list *list, uint32_t cpu)
{
    return cpu < CPU_LIST_MAX && (list->words[cpu / 32] & UINT32_C(1) << cpu % 32) != 0;
}

static void add(struct cpu_list *list, uint32_t cpu)
{
    list->words[cpu / 32] |= UINT32_C(1) << cpu % 32;
}

bool cpu_list_is_empty(const struct cpu_list *list)
{
    static const struct cpu_list empty;

    return cpu_list_equal(list, &empty);
}

bool cpu_list_equal(const struct cpu_list *a, const struct cpu_list *b)
{
    return memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

struct cpu_list cpu_list_common(const struct cpu_list *a, const struct cpu_list *b)
{
    struct cpu_list common;

    for (size_t i = 0; i < CPU_LIST_WORDS; i++)
        common.words[i] = a->words[i] & b->words[i];
    return common;
}

/* "2" or "2-3"; TEXT is cut in place. */
static int add_range(struct cpu_list *list, char *text)
{
    char *dash = strchr(text, '-');
    uint64_t first, last;
    int r;

    if (dash != NULL)
        *dash = '\0';
    r = text_parse_number(text_strip(text), CPU_LIST_MAX - 1, &first);
    last = first;
    if (r == 0 && dash != NULL)
        r = text_parse_number(text_strip(dash + 1), CPU_LIST_MAX - 1, &last);
    if (r < 0 || first > last)
        return r < 0 ? r : -EINVAL;
    for (uint64_t cpu = first; cpu <= last; cpu++)
        add(list, (uint32_t)cpu);
    return 0;
}

int cpu_list_parse(const char *text, struct cpu_list *ret_list)
{
    char *copy CLEANUP(cleanup_free) = strdup(text);
    struct cpu_list list = {.words = {0}};
    char *rest = copy;
    int r = copy == NULL ? -ENOMEM : 0;

    while (rest != NULL && r == 0)
        r = add_range(&list, strsep(&rest, ","));
    if (r == 0)
        *ret_list = list;
    return r;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

int cpu_list_parse_mask(const char *text, struct cpu_list *ret_list)
{
    struct cpu_list list = {.words = {0}};
    uint32_t digits = 0; /* of four bits, from the lowest on */

    for (size_t i = strcspn(text, "\n"); i > 0; i--) {
        int value = digit_value(text[i - 1]);

        if (text[i - 1] == ',')
            continue;
        if (value < 0 || digits == CPU_LIST_MAX / 4)
            return -EINVAL;
        list.words[digits / 8] |= (uint32_t)value << digits % 8 * 4;
        digits++;
    }
    if (digits == 0)
        return -EINVAL;
    *ret_list = list;
    return 0;
}

void cpu_list_print(const struct cpu_list *list, FILE *out)
{
    const char *separator = "";

    for (uint32_t cpu = 0; cpu < CPU_LIST_MAX; cpu++) {
        uint32_t first = cpu;

        if (!has(list, cpu))
            continue;
        while (has(list, cpu + 1))
            cpu++;
        fprintf(out, "%s%" PRIu32, separator, first);
        if (cpu > first)
            fprintf(out, "-%" PRIu32, cpu);
        separator = ",";
    }
}

void cpu_list_print_mask(const struct cpu_list *list, FILE *out)
{
    size_t highest = CPU_LIST_WORDS - 1;

    /* The kernel refuses words, even of zeros, beyond the last processor that it could have. */
    while (highest > 0 && list->words[highest] == 0)
        highest--;
    fprintf(out, "%" PRIx32, list->words[highest]);
    while (highest > 0)
        fprintf(out, ",%08" PRIx32, list->words[--highest]);
}
