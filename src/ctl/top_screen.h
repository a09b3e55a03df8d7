/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of `ipmodctl top`: what is on it, and the keys that were pressed. */
#ifndef IPMODD_CTL_TOP_SCREEN_H
#define IPMODD_CTL_TOP_SCREEN_H

#include "top_rows.h"

enum top_view {
    TOP_RULES,
    TOP_FLOWS,
    TOP_DROPS,
    TOP_VIEW_COUNT,
};

/* All of it. */
struct top_state {
    enum top_view view;
    enum top_order order;
    size_t first;           /* row at the top */
    const json_t *status;   /* borrowed, as the next; NULL: not asked yet */
    const json_t *before;   /* the status before; NULL: none */
    double seconds;         /* between the two */
    struct top_table table; /* of the view, sorted */
    bool is_cut;            /* there are more flows than are looked at */
};

/* 0, or -EINVAL when there is no terminal, or none that is known. */
int top_screen_open(void);
/* Gives the terminal back; safe in any state. */
void top_screen_close(void);

void top_screen_draw(const struct top_state *state);

/* What is to be done about a key. */
enum top_deed {
    TOP_NOTHING, /* the time is over */
    TOP_REDRAW,  /* STATE changed */
    TOP_ASK,     /* another view: ask the daemon */
    TOP_QUIT,
};

/* Waits MS milliseconds at most for a key, and does to STATE what it means. */
enum top_deed top_screen_key(struct top_state *state, int ms);

#endif
