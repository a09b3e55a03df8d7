/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet of a replay, explained. */
#include "replay.h"

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

static int print_json(const struct player *player, const struct frame *frame,
                      const struct explanation *told, FILE *out)
{
    json_t *object = explain_to_json(told, player->offline->loaded.ruleset);
    char time[TIME_TEXT];
    int r;

    if (object == NULL)
        return -ENOMEM;
    json_object_set_new(object, "schema", json_integer(SCHEMA));
    json_object_set_new(object, "type", json_string("packet"));
    json_object_set_new(object, "number", json_integer((json_int_t)player->tallies.frames));
    json_object_set_new(object, "time", json_string(format_time(&frame->time, time)));
    r = json_dumpf(object, out, JSON_COMPACT);
    json_decref(object);
    fputc('\n', out);
    return r < 0 ? -ENOMEM : 0;
}

int replay_explain(const struct player *player, const struct frame *frame,
                   const struct explanation *told, bool json, FILE *out)
{
    char time[TIME_TEXT];

    if (json)
        return print_json(player, frame, told, out);
    fprintf(out, "#%" PRIu64 " %s ", player->tallies.frames, format_time(&frame->time, time));
    if (told->parsed)
        fprintf(out, "%s\n", told->line);
    else
        fprintf(out, "%zu bytes\n", told->before.length);
    explain_print(told, player->offline->loaded.ruleset, out);
    return 0;
}
