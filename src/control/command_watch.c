/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the words of a request to what a watcher wants. */
#include "command_watch.h"

#include "flow_filter.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/control/commands.h"
#include "ipmodd/rules/filter.h"

#include <errno.h>
#include <string.h>

enum {
    SNAP_DEFAULT = 192, /* bytes: all headers of nearly every packet */
    SAMPLE_MAX = 1000000000,
    COUNT_MAX = 1000,
};

/* An option of a command, and how its value is read into a wish. */
struct watch_option {
    const char *name;
    int (*read)(const char *value, struct watch_wish *wish, struct value_error *error);
};

static int read_number(const char *value, uint64_t min, uint64_t max, uint64_t *ret_number,
                       struct value_error *error)
{
    uint64_t number;

    if (text_parse_number(value, max, &number) < 0 || number < min)
        return value_refuse(error, "'%.40s' is not a number from %llu to %llu", value,
                            (unsigned long long)min, (unsigned long long)max);
    *ret_number = number;
    return 0;
}

static int read_sample(const char *value, struct watch_wish *wish, struct value_error *error)
{
    return read_number(value, 1, SAMPLE_MAX, &wish->sample, error);
}

static int read_snap_length(const char *value, struct watch_wish *wish, struct value_error *error)
{
    uint64_t bytes = 0;
    int r = read_number(value, WATCH_SNAP_MIN, WATCH_SNAP_MAX, &bytes, error);

    if (r == 0)
        wish->snap_length = bytes;
    return r;
}

/* A bit that has a name; the last of some has none. */
struct named_bit {
    const char *name;
    unsigned bit;
};

static unsigned bit_from_name(const struct named_bit *bits, const char *name)
{
    while (bits->name != NULL && strcmp(bits->name, name) != 0)
        bits++;
    return bits->bit;
}

/* A list of names; 0, -EINVAL or -ENOMEM. */
static int read_bits(const char *value, const struct named_bit *bits, unsigned *ret_bits)
{
    struct text_list CLEANUP(text_list_clear) list = {.items = NULL};
    int r = text_list_split(value, &list);
    unsigned sum = 0;

    for (size_t i = 0; r == 0 && i < list.count; i++) {
        unsigned bit = list.items[i].negated ? 0 : bit_from_name(bits, list.items[i].text);

        if (bit == 0)
            r = -EINVAL;
        sum |= bit;
    }
    if (r == 0)
        *ret_bits = sum;
    return r;
}

static int read_stages(const char *value, struct watch_wish *wish, struct value_error *error)
{
    static const struct named_bit stages[] = {
        {"in", WATCH_IN}, {"out", WATCH_OUT}, {"drop", WATCH_DROP}, {NULL, 0}};
    int r = read_bits(value, stages, &wish->stages);

    if (r == 0 || r == -ENOMEM)
        return r;
    return value_refuse(error, "'%.40s' is not a list of in, out and drop", value);
}

static int read_changes(const char *value, struct watch_wish *wish, struct value_error *error)
{
    static const struct named_bit changes[] = {{"new", WATCH_CHANGE(FLOW_BEGINS)},
                                               {"update", WATCH_CHANGE(FLOW_CHANGES)},
                                               {"end", WATCH_CHANGE(FLOW_ENDS)},
                                               {NULL, 0}};
    int r = read_bits(value, changes, &wish->changes);

    if (r == 0 || r == -ENOMEM)
        return r;
    return value_refuse(error, "'%.40s' is not a list of new, update and end", value);
}

static int read_count(const char *value, struct watch_wish *wish, struct value_error *error)
{
    return read_number(value, 1, COUNT_MAX, &wish->limit, error);
}

static const struct watch_option monitor_options[] = {{"--sample", read_sample},
                                                      {"--snaplen", read_snap_length},
                                                      {"--stage", read_stages},
                                                      {NULL, NULL}};
static const struct watch_option flow_options[] = {{"--event", read_changes}, {NULL, NULL}};
static const struct watch_option trace_options[] = {{"--count", read_count}, {NULL, NULL}};

/* Puts the NAME of the option in front of what is wrong with its value. -EINVAL. */
static int name_option(const char *name, struct value_error *error)
{
    const struct value_error reason = *error;

    return value_refuse(error, "%s: %s", name, reason.text);
}

/* Reads the OPTIONS in front; *RET_USED: words that they were. */
static int read_options(const struct control_call *call, const struct watch_option *options,
                        struct watch_wish *wish, size_t *ret_used, struct value_error *error)
{
    size_t used = 0;

    while (used < call->argument_count && call->arguments[used][0] == '-') {
        const char *name = call->arguments[used++];
        const struct watch_option *option = options;
        int r;

        while (option->name != NULL && strcmp(option->name, name) != 0)
            option++;
        if (option->name == NULL)
            return value_refuse(error, "'%.40s' is no option: %s %s", name, call->command->name,
                                call->command->arguments);
        if (used == call->argument_count)
            return value_refuse(error, "%s has no value", name);
        r = option->read(call->arguments[used++], wish, error);
        if (r < 0)
            return r == -EINVAL ? name_option(name, error) : r;
    }
    *ret_used = used;
    return 0;
}

/* The words behind the first USED are the filter. */
static int read_filter(const struct control_call *call, size_t used, struct watch_wish *wish,
                       struct value_error *error)
{
    const struct control_daemon *daemon = call->context;
    const struct ruleset *ruleset = daemon->ruleset(daemon->context);
    char *const *words = call->arguments + used;
    size_t count = call->argument_count - used;

    if (count == 0)
        return 0;
    if (wish->kind == WATCH_FLOWS)
        return flow_filter_parse(words, count, ruleset, &wish->flows, error->text,
                                 sizeof(error->text));
    return filter_parse(words, count, ruleset, &wish->filter, error);
}

static void watch(const struct control_call *call, struct watch_wish wish,
                  const struct watch_option *options)
{
    const struct control_daemon *daemon = call->context;
    struct value_error error;
    size_t used = 0;
    int r = read_options(call, options, &wish, &used, &error);

    if (r == 0)
        r = read_filter(call, used, &wish, &error);
    if (r == -EINVAL)
        control_refuse(call->client, "usage", "%s", error.text);
    else if (r < 0)
        control_refuse(call->client, "failed", "not enough memory");
    else
        daemon->watch(daemon->context, call->client, &wish);
}

void command_run_monitor(const struct control_call *call)
{
    const struct watch_wish wish = {
        .kind = WATCH_PACKETS,
        .sample = 1,
        .stages = WATCH_STAGES,
        .snap_length = SNAP_DEFAULT,
    };

    watch(call, wish, monitor_options);
}

void command_run_monitor_flows(const struct control_call *call)
{
    const struct watch_wish wish = {.kind = WATCH_FLOWS, .sample = 1, .changes = WATCH_CHANGES};

    watch(call, wish, flow_options);
}

void command_run_trace(const struct control_call *call)
{
    const struct watch_wish wish = {
        .kind = WATCH_EXPLANATIONS, .sample = 1, .stages = WATCH_STAGES, .limit = 1};

    watch(call, wish, trace_options);
}
