/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exporting: figures over HTTP at the place that the configuration names, and names anew.
 *
 * The first socket is made before privileges are given up. At a reload the next one is made before
 * anything is changed, so that a place that cannot be had refuses the reload; the old one is given
 * up when the new configuration is in force.
 */
#ifndef IPMODD_DAEMON_EXPORTING_H
#define IPMODD_DAEMON_EXPORTING_H

#include "ipmodd/control/exporter.h"

struct exporting {
    struct event_base *base; /* NULL before the start */
    const struct control_daemon *daemon;
    struct metrics_place place;
    int fd;                    /* that listens at `place`, until it is served; -1: none */
    struct exporter *exporter; /* NULL: none */
    /* What a reload that is under way asks for. */
    bool prepared;
    struct metrics_place next_place;
    struct exporter *next;
};

/* Listens at PLACE, if that is on. 0 or -errno (logged). */
int exporting_open(struct exporting *exporting, const struct metrics_place *place);

/* Serves in BASE's loop from here on, with figures of DAEMON. 0 or -ENOMEM. */
int exporting_start(struct exporting *exporting, struct event_base *base,
                    const struct control_daemon *daemon);

/* Gets PLACE ready. 0, or -errno with a sentence in TEXT. */
int exporting_prepare(struct exporting *exporting, const struct metrics_place *place, char *text,
                      size_t size);

/* What was prepared is to be used, or given up. */
void exporting_settle(struct exporting *exporting, bool in_force);

/* Safe from any state behind exporting_open(). */
void exporting_close(struct exporting *exporting);

#endif
