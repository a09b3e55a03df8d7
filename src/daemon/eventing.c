/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making event bases and events. */
#include "eventing.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BASE_DESCRIPTORS = 3 }; /* of a base: for epoll, and a pair for signals */

/* Whether as many descriptors can be had. 0 or -errno. */
static int try_descriptors(void)
{
    int fds[BASE_DESCRIPTORS];
    int count = 0, error = 0;

    while (count < BASE_DESCRIPTORS && error == 0) {
        fds[count] = eventfd(0, EFD_CLOEXEC);
        if (fds[count] >= 0)
            count++;
        else
            error = -errno;
    }
    while (count > 0)
        close(fds[--count]);
    return error;
}

/* Without the limit events that make themselves active again would keep all others waiting. */
static bool configure(struct event_config *config)
{
    return event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
           event_config_set_max_dispatch_interval(config, NULL, 1, 1) == 0;
}

/* Without a descriptor for it libevent would end the process, with our rules in the kernel. */
int eventing_new_base(int priorities, struct event_base **ret_base)
{
    struct event_config *config;
    struct event_base *base = NULL;
    int error = try_descriptors();

    if (error < 0)
        return error;
    config = event_config_new();
    if (config != NULL && configure(config))
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    if (base == NULL)
        return -ENOMEM;
    if (event_base_priority_init(base, priorities) < 0) {
        event_base_free(base);
        return -ENOMEM;
    }
    *ret_base = base;
    return 0;
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
