/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet of a replay, explained. */
#include "replay.h"

#include "ipmodd/base/json.h"

#include <errno.h>
#include <inttypes.h>

enum { SCHEMA = 1, TIME_TEXT = 48 };

/* RFC 3339 in UTC with nanoseconds; seconds alone for years that it has no form for. */
static const char *format_time(const struct timespec *time, char text[static TIME_TEXT])
{
    struct tm utc;
    char date[TIME_TEXT];

    if (gmtime_r(&time->tv_sec, &utc) == NULL ||
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        snprintf(text, TIME_TEXT, "%lld.%09ld", (long long)time->tv_sec, time->tv_nsec);
    else
        snprintf(text, TIME_TEXT, "%.20s.%09ldZ", date, time->tv_nsec);
    return text;
}

static int print_json(const struct player *player, const struct frame *frame, json_t *object,
                      FILE *out)
{
    char time[TIME_TEXT];
    int r;

    json_object_set_new(object, "schema", json_integer(SCHEMA));
    json_object_set_new(object, "type", json_string("packet"));
    json_object_set_new(object, "number", json_uint(player->tallies.frames));
    json_object_set_new(object, "time", json_string(format_time(&frame->time, time)));
    r = json_dumpf(object, out, JSON_FORM);
    fputc('\n', out);
    return r < 0 ? -ENOMEM : 0;
}

static void print_text(const struct player *player, const struct frame *frame, const json_t *object,
                       FILE *out)
{
    char time[TIME_TEXT];

    fprintf(out, "#%" PRIu64 " %s ", player->tallies.frames, format_time(&frame->time, time));
    explain_print_head(object, out);
    explain_print(object, out);
}

int replay_explain(const struct player *player, const struct frame *frame,
                   const struct explanation *told, bool json, FILE *out)
{
    json_t *object = explain_to_json(told, player->offline->loaded.ruleset);
    int r = 0;

    if (object == NULL)
        return -ENOMEM;
    if (json)
        r = print_json(player, frame, object, out);
    else
        print_text(player, frame, object, out);
    json_decref(object);
    return r;
}
