/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the daemon for its packets and picks the probe. */
#include "path_daemon.h"

#include "ipmodd/base/clock.h"
#include "ipmodd/base/macro.h"
#include "stream.h"
#include "view.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* How long the daemon may take for each event, and for that of the probe among those of others. */
enum { PATIENCE_MS = 1000, PATIENCE_ALL_SECONDS = 5 };

void path_daemon_open(struct path_daemon *daemon, const struct options *options,
                      const struct probe *probe)
{
    char proto[16], more[40] = "icmp-type=echo-request";
    const char *words[] = {"monitor", proto, more};
    json_t *start = NULL;
    int r;

    *daemon = (struct path_daemon){.device = ""};
    snprintf(proto, sizeof(proto), "proto=%s", probe_proto_name(probe));
    if (probe->proto != IPPROTO_ICMP)
        snprintf(more, sizeof(more), "sport=%u", probe->sport);
    r = connection_try(&daemon->connection, options, PATIENCE_MS);
    if (r == 0 && connection_send(&daemon->connection, words, ARRAY_SIZE(words)) == EXIT_CODE_OK)
        r = connection_next(&daemon->connection, &start);
    daemon->is_mute = r == -EAGAIN;
    if (start == NULL)
        connection_close(&daemon->connection);
    else
        snprintf(daemon->device, sizeof(daemon->device), "%s", view_string(start, "device"));
    json_decref(start);
}

json_t *path_daemon_find(struct path_daemon *daemon, const struct probe *probe)
{
    double until = clock_monotonic_seconds() + PATIENCE_ALL_SECONDS;
    char cookie[16];
    json_t *event;

    if (daemon->connection.input == NULL)
        return NULL;
    snprintf(cookie, sizeof(cookie), "%08x", probe->cookie);
    while (clock_monotonic_seconds() < until && connection_next(&daemon->connection, &event) == 0) {
        if (stream_is_event(event, "packet") && strstr(view_string(event, "data"), cookie) != NULL)
            return event;
        json_decref(event);
    }
    return NULL;
}

void path_daemon_close(struct path_daemon *daemon)
{
    connection_close(&daemon->connection);
}
