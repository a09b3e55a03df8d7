/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of keys, their names, and what is said of wrong ones. */
#include "ipmodd/datapath/value.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What is repeated of a wrong word; the rest of a long one says nothing more. */
#define WORD "'%.40s'"

/* How many names a message lists; the manual has them all. */
enum { NAMES_LISTED = 8 };

static const struct value_name dscp_names[] = {
    {"cs0", 0, 0},           {"cs1", 8, 8},    {"cs2", 16, 16},  {"cs3", 24, 24},  {"cs4", 32, 32},
    {"cs5", 40, 40},         {"cs6", 48, 48},  {"cs7", 56, 56},  {"af11", 10, 10}, {"af12", 12, 12},
    {"af13", 14, 14},        {"af21", 18, 18}, {"af22", 20, 20}, {"af23", 22, 22}, {"af31", 26, 26},
    {"af32", 28, 28},        {"af33", 30, 30}, {"af41", 34, 34}, {"af42", 36, 36}, {"af43", 38, 38},
    {"voice-admit", 44, 44}, {"ef", 46, 46},   {"le", 1, 1},     {"be", 0, 0},
};

static const struct value_name ecn_names[] = {
    {"not-ect", 0, 0},
    {"ect1", 1, 1},
    {"ect0", 2, 2},
    {"ce", 3, 3},
};

static const struct value_name yes_no_names[] = {{"no", 0, 0}, {"yes", 1, 1}};

static const struct value_name tcp_option_names[] = {
    {"any", 2, 255},          {"mss", 2, 2},
    {"window-scale", 3, 3},   {"wscale", 3, 3},
    {"sack-permitted", 4, 4}, {"sack", 5, 5},
    {"timestamps", 8, 8},     {"timestamp", 8, 8},
    {"md5", 19, 19},          {"user-timeout", 28, 28},
    {"ao", 29, 29},           {"mptcp", 30, 30},
    {"fast-open", 34, 34},    {"exp1", 253, 253},
    {"exp2", 254, 254},
};

const struct value_domain value_port = {.noun = "a port", .max = 65535};
const struct value_domain value_ttl = {.noun = "a TTL", .max = 255};
const struct value_domain value_dscp = {
    .noun = "a DSCP", .max = 63, .names = dscp_names, .name_count = ARRAY_SIZE(dscp_names)};
const struct value_domain value_ecn = {
    .noun = "an ECN value", .max = 3, .names = ecn_names, .name_count = ARRAY_SIZE(ecn_names)};
const struct value_domain value_yes_no = {.noun = "yes or no",
                                          .max = 1,
                                          .names = yes_no_names,
                                          .name_count = ARRAY_SIZE(yes_no_names),
                                          .names_only = true};
const struct value_domain value_ip_id = {.noun = "an IP identification", .max = 65535};
const struct value_domain value_flow_label = {.noun = "a flow label", .max = 0xfffff};
const struct value_domain value_window = {.noun = "a TCP window", .max = 65535};
const struct value_domain value_tcp_option = {.noun = "a TCP option",
                                              .min = 2,
                                              .max = 255,
                                              .names = tcp_option_names,
                                              .name_count = ARRAY_SIZE(tcp_option_names)};

int value_refuse(struct value_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

int value_keep(const void *parsed, size_t size, void **ret_value)
{
    void *value = malloc(size);

    if (value == NULL)
        return -ENOMEM;
    memcpy(value, parsed, size);
    *ret_value = value;
    return 0;
}

int value_refuse_empty_list(struct value_error *error)
{
    return value_refuse(error, "the list excludes all that it includes, so it never holds");
}

static const struct value_name *find_name(const struct value_domain *domain, const char *text)
{
    for (size_t i = 0; i < domain->name_count; i++) {
        if (strcmp(domain->names[i].name, text) == 0)
            return &domain->names[i];
    }
    return NULL;
}

/* A name or one number. 0, -EINVAL for neither, -ERANGE for a number outside the domain. */
static int parse_end(const char *text, const struct value_domain *domain,
                     struct value_name *ret_range)
{
    const struct value_name *name = find_name(domain, text);
    uint64_t number;
    int r;

    if (name != NULL) {
        *ret_range = *name;
        return 0;
    }
    if (domain->names_only)
        return -EINVAL;
    r = text_parse_number(text, domain->max, &number);
    if (r < 0)
        return r;
    if (number < domain->min)
        return -ERANGE;
    *ret_range = (struct value_name){.first = (uint32_t)number, .last = (uint32_t)number};
    return 0;
}

/* The first names of DOMAIN as "a, b, c", with an ellipsis where there are more. */
static void list_names(const struct value_domain *domain, char *buffer, size_t size)
{
    size_t used = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < domain->name_count && i <= NAMES_LISTED && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", i > 0 ? ", " : "",
                                 i < NAMES_LISTED ? domain->names[i].name : "…");
}

static int refuse_word(const char *text, const struct value_domain *domain,
                       struct value_error *error)
{
    struct text_guess guess = TEXT_GUESS(text);
    char names[128];

    for (size_t i = 0; i < domain->name_count; i++)
        text_guess_offer(&guess, domain->names[i].name);
    if (guess.name != NULL)
        return value_refuse(error, WORD " is not %s; did you mean '%s'?", text, domain->noun,
                            guess.name);
    list_names(domain, names, sizeof(names));
    if (domain->names_only)
        return value_refuse(error, WORD " is not %s: %s", text, domain->noun, names);
    return value_refuse(error, WORD " is not %s: a number from %" PRIu32 " to %" PRIu32 "%s%s",
                        text, domain->noun, domain->min, domain->max,
                        domain->name_count > 0 ? " or one of " : "", names);
}

static int refuse_number(const char *text, const struct value_domain *domain,
                         struct value_error *error)
{
    return value_refuse(error, WORD " is out of range: %s is a number from %" PRIu32 " to %" PRIu32,
                        text, domain->noun, domain->min, domain->max);
}

/*
 * `a-b`, whose ends may be names that hold a `-` themselves: every `-` is tried. 0; -EINVAL: not of
 * that form; -ERANGE: an end outside the domain; -EDOM: inverted; -ENOMEM.
 */
static int parse_two_ends(const char *text, const struct value_domain *domain,
                          struct value_name *ret_range)
{
    for (const char *dash = strchr(text, '-'); dash != NULL; dash = strchr(dash + 1, '-')) {
        char CLEANUP(cleanup_free) *memory = strndup(text, (size_t)(dash - text));
        struct value_name from = {.first = 0}, to = {.first = 0};
        int from_r, to_r;

        if (memory == NULL)
            return -ENOMEM;
        from_r = parse_end(text_strip(memory), domain, &from);
        to_r = parse_end(dash + 1 + strspn(dash + 1, " \t"), domain, &to);
        if (from_r == -EINVAL || to_r == -EINVAL)
            continue;
        if (from_r < 0 || to_r < 0)
            return -ERANGE;
        if (from.first > to.last)
            return -EDOM;
        *ret_range = (struct value_name){.first = from.first, .last = to.last};
        return 0;
    }
    return -EINVAL;
}

int value_parse_range(const char *text, const struct value_domain *domain,
                      struct value_name *ret_range, struct value_error *error)
{
    int r = parse_end(text, domain, ret_range);

    if (r == -EINVAL)
        r = parse_two_ends(text, domain, ret_range);
    switch (r) {
    case -EINVAL:
        return refuse_word(text, domain, error);
    case -ERANGE:
        return refuse_number(text, domain, error);
    case -EDOM:
        return value_refuse(error, "the range " WORD " is inverted: the smaller end comes first",
                            text);
    default:
        return r;
    }
}

int value_parse_number(const char *text, const struct value_domain *domain, uint32_t *ret_number,
                       struct value_error *error)
{
    struct value_name range;
    int r = parse_end(text, domain, &range);

    if (r == -ERANGE)
        return refuse_number(text, domain, error);
    if (r < 0 || range.first != range.last)
        return refuse_word(text, domain, error);
    *ret_number = range.first;
    return 0;
}

int value_split_list(const char *text, struct text_list *ret_list, struct value_error *error)
{
    int r = text_list_split(text, ret_list);

    if (r == -EINVAL)
        return value_refuse(error, "the list has an empty item: write items separated by commas");
    return r;
}

int value_parse_list(const char *text, const struct value_list *kind, const void *context,
                     void **ret_list, struct value_error *error)
{
    struct text_list CLEANUP(text_list_clear) texts = {.items = NULL};
    void *list;
    int r = value_split_list(text, &texts, error);

    if (r < 0)
        return r;
    list = calloc(1, kind->head + texts.count * kind->item);
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < texts.count; i++)
        r = kind->add(list, &texts.items[i], context, error);
    if (r < 0)
        kind->free(list);
    else
        *ret_list = list;
    return r;
}

/* The name that stands for exactly FIRST to LAST, or NULL. */
static const char *name_of(const struct value_domain *domain, uint32_t first, uint32_t last)
{
    for (size_t i = 0; i < domain->name_count; i++) {
        if (domain->names[i].first == first && domain->names[i].last == last)
            return domain->names[i].name;
    }
    return NULL;
}

static void print_end(const struct value_domain *domain, uint32_t number, FILE *out)
{
    const char *name = name_of(domain, number, number);

    if (name != NULL)
        fputs(name, out);
    else
        fprintf(out, "%" PRIu32, number);
}

void value_print_range(const struct value_domain *domain, uint32_t first, uint32_t last, FILE *out)
{
    const char *name = name_of(domain, first, last);

    if (name != NULL) {
        fputs(name, out);
        return;
    }
    print_end(domain, first, out);
    if (first == last)
        return;
    fputc('-', out);
    print_end(domain, last, out);
}
