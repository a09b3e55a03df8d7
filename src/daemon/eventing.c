/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making event bases and events. */
#include "eventing.h"

#include <stdbool.h>

/* Without the limit events that make themselves active again would keep all others waiting. */
static bool configure(struct event_config *config)
{
    return event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
           event_config_set_max_dispatch_interval(config, NULL, 1, 1) == 0;
}

struct event_base *eventing_new_base(int priorities)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && configure(config))
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    if (base == NULL || event_base_priority_init(base, priorities) == 0)
        return base;
    event_base_free(base);
    return NULL;
}

struct event *eventing_watch(struct event_base *base, int fd, short what,
                             event_callback_fn callback, void *context, const struct timeval *wait)
{
    struct event *event = event_new(base, fd, what, callback, context);

    if (event == NULL || event_add(event, wait) == 0)
        return event;
    event_free(event);
    return NULL;
}

void eventing_forget(struct event *event)
{
    if (event != NULL)
        event_free(event);
}
