/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps: the places at which a probe was seen, in order, and what that means.
 *
 * A step is a place in netfilter's hooks, or the passage through the daemon. What the packet has at
 * one and not at the one before was changed between them; where it was seen last and not where it
 * had to be seen next, it vanished between these two.
 */
#ifndef IPMODD_CTL_PATH_STEPS_H
#define IPMODD_CTL_PATH_STEPS_H

#include "ipmodd/explain/explain.h"
#include "ipmodd/kernel/hook_trace.h"

#include <jansson.h>

enum { STEPS_MAX = 64 };

struct path_step {
    struct hook_sight sight;
    struct packet packet; /* of the sight's bytes; with is_parsed */
    bool is_parsed;
    struct changes changes; /* since the step before */
    bool enters_tun;        /* behind it the daemon has the packet */
};

struct steps {
    const char *tun; /* name of the tun device, borrowed; NULL: not known */
    struct path_step items[STEPS_MAX];
    size_t count;
    json_t *passage; /* what the daemon tells of the packet; owned, NULL: nothing */
};

/* False when there is no room. */
bool steps_add(struct steps *steps, const struct hook_sight *sight);
void steps_clear(struct steps *steps);

/* Whether the last step is one behind which nothing more is to be seen on this host. */
bool steps_are_over(const struct steps *steps);

/* Whether the packet went into the tun device. */
bool steps_enter_tun(const struct steps *steps);

enum path_end {
    PATH_LEFT,      /* this host, by a device */
    PATH_DELIVERED, /* to a program of this host */
    PATH_VANISHED,
    PATH_UNSEEN, /* at every hook */
    PATH_END_COUNT,
};

/* "left", "delivered", "vanished", "unseen". */
const char *path_end_name(enum path_end end);

/* What became of it, and in TEXT a sentence about that. */
enum { PATH_TEXT = 400 };
enum path_end steps_judge(const struct steps *steps, char text[static PATH_TEXT]);

void steps_print(const struct steps *steps, FILE *out);
json_t *steps_json(const struct steps *steps);

#endif
