/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows [main] metrics. */
#include "exporting.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool same_place(const struct metrics_place *a, const struct metrics_place *b)
{
    if (!a->on || !b->on)
        return a->on == b->on;
    return a->port == b->port && ip_addr_equal(&a->addr, &b->addr);
}

/* A socket at PLACE; -1 if that is off. 0, or -errno with a sentence in TEXT. */
static int listen_at(const struct metrics_place *place, int *ret_fd, char *text, size_t size)
{
    char addr[IP_PREFIX_TEXT];
    int r;

    *ret_fd = -1;
    if (!place->on)
        return 0;
    r = exporter_listen(&place->addr, place->port, ret_fd);
    if (r < 0)
        snprintf(text, size, "[main] metrics: cannot listen at %s port %u: %s",
                 ip_addr_format(&place->addr, addr), place->port, strerror(-r));
    return r;
}

int exporting_open(struct exporting *exporting, const struct metrics_place *place)
{
    struct log_fields fields = {.count = 0};
    char text[256], addr[IP_PREFIX_TEXT];
    int r;

    *exporting = (struct exporting){.place = *place, .fd = -1};
    r = listen_at(place, &exporting->fd, text, sizeof(text));
    if (r == 0)
        return 0;
    log_fields_add(&fields, "IPMODD_ADDRESS", "%s", ip_addr_format(&place->addr, addr));
    log_fields_add(&fields, "IPMODD_PORT", "%u", place->port);
    log_fields_add(&fields, "ERRNO", "%d", -r);
    log_write(LEVEL_ERROR, LOG_ID_CONTROL_UNSERVED, &fields, "%s", text);
    return r;
}

int exporting_start(struct exporting *exporting, struct event_base *base,
                    const struct control_daemon *daemon)
{
    exporting->base = base;
    exporting->daemon = daemon;
    if (exporting->fd < 0)
        return 0;
    exporting->exporter = exporter_new(base, TAKE_FD(exporting->fd), daemon);
    return exporting->exporter != NULL ? 0 : -ENOMEM;
}

int exporting_prepare(struct exporting *exporting, const struct metrics_place *place, char *text,
                      size_t size)
{
    int fd, r;

    if (same_place(&exporting->place, place))
        return 0;
    r = listen_at(place, &fd, text, size);
    if (r < 0)
        return r;
    if (fd >= 0 &&
        (exporting->next = exporter_new(exporting->base, fd, exporting->daemon)) == NULL) {
        snprintf(text, size, "[main] metrics: not enough memory");
        return -ENOMEM;
    }
    exporting->next_place = *place;
    exporting->prepared = true;
    return 0;
}

void exporting_settle(struct exporting *exporting, bool in_force)
{
    struct exporter *next = TAKE_PTR(exporting->next);

    if (!exporting->prepared)
        return;
    exporting->prepared = false;
    if (!in_force) {
        exporter_free(next);
        return;
    }
    exporter_free(exporting->exporter);
    exporting->exporter = next;
    exporting->place = exporting->next_place;
}

void exporting_close(struct exporting *exporting)
{
    exporter_free(TAKE_PTR(exporting->next));
    exporter_free(TAKE_PTR(exporting->exporter));
    if (exporting->fd >= 0)
        close(TAKE_FD(exporting->fd));
}
