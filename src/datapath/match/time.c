/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * time: hours, days of the week and dates, as clocks on the wall of this host show them.
 *
 * An item is a conjunction of words: dates, days, hours. Hours that run past midnight belong to the
 * day on which they began. What summer time does to clocks it does to this match as well: an hour
 * that is left out does not come, one that is repeated comes twice.
 */
#include "list.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAY = 86400, /* seconds */
    DAYS_PER_WEEK = 7,
    EVERY_DAY = (1 << DAYS_PER_WEEK) - 1,
    DATE_LENGTH = 10, /* "2026-12-24" */
};

static const char day_names[DAYS_PER_WEEK][sizeof("mon")] = {"mon", "tue", "wed", "thu",
                                                             "fri", "sat", "sun"};

struct time_item {
    bool negated;
    unsigned days;               /* bit 0: Monday */
    int64_t first_day, last_day; /* since 1970-01-01, inclusive */
    uint32_t from, to; /* seconds of the day; TO is not in it; TO <= FROM: past midnight */
    bool has_dates, has_hours;
};

struct time_list {
    size_t count;
    struct time_item items[];
};

/* COUNT decimal digits at TEXT. */
static bool read_digits(const char *text, size_t count, uint32_t *ret_number)
{
    uint32_t number = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = 10 * number + (uint32_t)(text[i] - '0');
    }
    *ret_number = number;
    return true;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar, years counted from March. */
static int64_t day_of_date(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = month > 2 ? year : year - 1;
    uint32_t month_from_march = (month + 9) % 12;
    uint32_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;

    return (int64_t)365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static uint32_t days_of_month(uint32_t year, uint32_t month)
{
    uint32_t next_year = month == 12 ? year + 1 : year;

    return (uint32_t)(day_of_date(next_year, month % 12 + 1, 1) - day_of_date(year, month, 1));
}

/* "2026-12-24", of which *RET_DAY becomes the day since 1970. */
static bool read_date(const char *text, int64_t *ret_day)
{
    uint32_t year, month, day;

    if (!read_digits(text, 4, &year) || text[4] != '-' || !read_digits(text + 5, 2, &month) ||
        text[7] != '-' || !read_digits(text + 8, 2, &day))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return false;
    *ret_day = day_of_date(year, month, day);
    return true;
}

/* "DATE" or "DATE-DATE". */
static bool read_dates(const char *text, struct time_item *item)
{
    if (item->has_dates || strlen(text) < DATE_LENGTH || !read_date(text, &item->first_day))
        return false;
    item->has_dates = true;
    text += DATE_LENGTH;
    item->last_day = item->first_day;
    if (*text == '\0')
        return true;
    return *text == '-' && strlen(text) == DATE_LENGTH + 1 &&
           read_date(text + 1, &item->last_day) && item->last_day >= item->first_day;
}

/* "08:00" or "08:00:30" at *TEXT, which is moved behind it. */
static bool read_clock(const char **text, uint32_t *ret_second)
{
    const char *at = *text;
    uint32_t hour, minute, second = 0;

    if (!read_digits(at, 2, &hour) || at[2] != ':' || !read_digits(at + 3, 2, &minute))
        return false;
    at += 5;
    if (*at == ':') {
        if (!read_digits(at + 1, 2, &second))
            return false;
        at += 3;
    }
    if (minute > 59 || second > 59)
        return false;
    *ret_second = hour * 3600 + minute * 60 + second;
    *text = at;
    return *ret_second <= DAY;
}

/* "08:00-17:00" */
static bool read_hours(const char *text, struct time_item *item)
{
    if (item->has_hours || !read_clock(&text, &item->from) || *text++ != '-' ||
        !read_clock(&text, &item->to))
        return false;
    item->has_hours = true;
    return *text == '\0' && item->from < DAY && item->from != item->to;
}

static bool find_day(const char *name, size_t length, uint32_t *ret_day)
{
    for (uint32_t day = 0; day < DAYS_PER_WEEK; day++) {
        if (strlen(day_names[day]) == length && strncmp(day_names[day], name, length) == 0) {
            *ret_day = day;
            return true;
        }
    }
    return false;
}

/* "mon" or "fri-mon" */
static bool read_days(const char *text, struct time_item *item)
{
    size_t length = strcspn(text, "-");
    uint32_t first, last;

    if (!find_day(text, length, &first))
        return false;
    last = first;
    if (text[length] == '-' && !find_day(text + length + 1, strlen(text + length + 1), &last))
        return false;
    for (uint32_t day = first; day != last; day = (day + 1) % DAYS_PER_WEEK)
        item->days |= 1u << day;
    item->days |= 1u << last;
    return true;
}

static bool read_item(char *text, struct time_item *item)
{
    const char *word;

    while ((word = text_next_word(&text)) != NULL) {
        if (!read_days(word, item) && !read_hours(word, item) && !read_dates(word, item))
            return false;
    }
    if (item->days == 0)
        item->days = EVERY_DAY;
    if (!item->has_hours)
        item->to = DAY;
    return true;
}

static int add_item(void *pointer, const struct text_item *text, const void *context,
                    struct value_error *error)
{
    char CLEANUP(cleanup_free) *memory = strdup(text->text);
    struct time_list *list = pointer;
    struct time_item *item = &list->items[list->count];

    (void)context;
    if (memory == NULL)
        return -ENOMEM;
    item->negated = text->negated;
    if (!read_item(memory, item))
        return value_refuse(error,
                            "'%.40s' is not a time: days (mon-fri), hours (08:00-17:00, "
                            "22:00-06:00) and dates (2026-12-24-2027-01-06), each or all "
                            "of them, separated by blanks",
                            text->text);
    list->count++;
    return 0;
}

static int time_parse(const char *text, const struct scope *scope, void **ret_value,
                      struct value_error *error)
{
    static const struct value_list kind = {sizeof(struct time_list), sizeof(struct time_item),
                                           add_item, free};

    (void)scope;
    return value_parse_list(text, &kind, NULL, ret_value, error);
}

/* 1970-01-01 was a Thursday. */
static unsigned weekday_of(int64_t day)
{
    return (unsigned)(((day + 3) % DAYS_PER_WEEK + DAYS_PER_WEEK) % DAYS_PER_WEEK);
}

/* Whether hours of ITEM that begin on DAY are meant. */
static bool begins_on(const struct time_item *item, int64_t day)
{
    if (item->has_dates && (day < item->first_day || day > item->last_day))
        return false;
    return (item->days & 1u << weekday_of(day)) != 0;
}

static bool item_holds(const struct time_item *item, int64_t day, uint32_t second)
{
    if (item->from < item->to)
        return second >= item->from && second < item->to && begins_on(item, day);
    return (second >= item->from && begins_on(item, day)) ||
           (second < item->to && begins_on(item, day - 1));
}

static bool time_test(const void *pointer, const struct match_context *context,
                      const struct packet *packet)
{
    const struct time_list *list = pointer;
    int64_t local_s = moment_local_s(&context->time);
    uint32_t second = (uint32_t)((local_s % DAY + DAY) % DAY);
    struct list_tally tally = {.held = false};

    (void)packet;
    for (size_t i = 0; i < list->count && !tally.excluded; i++)
        list_tally_add(&tally, list->items[i].negated,
                       item_holds(&list->items[i], (local_s - second) / DAY, second));
    return list_tally_holds(&tally);
}

static void print_date(int64_t day, FILE *out)
{
    uint32_t year = 1970, month = 1;

    while (day_of_date(year + 1, 1, 1) <= day)
        year++;
    while (month < 12 && day_of_date(year, month + 1, 1) <= day)
        month++;
    fprintf(out, "%04" PRIu32 "-%02" PRIu32 "-%02" PRId64, year, month,
            day - day_of_date(year, month, 1) + 1);
}

static void print_clock(uint32_t second, FILE *out)
{
    fprintf(out, "%02" PRIu32 ":%02" PRIu32, second / 3600, second / 60 % 60);
    if (second % 60 != 0)
        fprintf(out, ":%02" PRIu32, second % 60);
}

/* "mon-wed sat": runs of three days and more as ranges. */
static void print_days(unsigned days, const char **separator, FILE *out)
{
    for (unsigned day = 0; day < DAYS_PER_WEEK; day++) {
        unsigned last = day;

        if ((days & 1u << day) == 0)
            continue;
        while (last + 1 < DAYS_PER_WEEK && (days & 1u << (last + 1)) != 0)
            last++;
        fprintf(out, "%s%s", *separator, day_names[day]);
        *separator = " ";
        if (last - day < 2)
            continue;
        fprintf(out, "-%s", day_names[last]);
        day = last;
    }
}

static void print_item(const struct time_item *item, FILE *out)
{
    const char *separator = item->negated ? "!" : "";

    if (item->has_dates) {
        fputs(separator, out);
        print_date(item->first_day, out);
        if (item->last_day != item->first_day) {
            fputc('-', out);
            print_date(item->last_day, out);
        }
        separator = " ";
    }
    if (item->days != EVERY_DAY || (!item->has_dates && !item->has_hours))
        print_days(item->days, &separator, out);
    if (!item->has_hours)
        return;
    fputs(separator, out);
    print_clock(item->from, out);
    fputc('-', out);
    print_clock(item->to, out);
}

static void time_print(const void *pointer, FILE *out)
{
    const struct time_list *list = pointer;

    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_item(&list->items[i], out);
    }
}

const struct match_type match_time = {
    .key = "time",
    .grammar = "days, hours and dates, as mon-fri 08:00-17:00",
    .parse = time_parse,
    .free = free,
    .test = time_test,
    .print = time_print,
    .varies = true,
};
