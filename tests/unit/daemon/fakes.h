/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-ins for rules/ and kernel/, so that the daemon's own decisions can be tested without
 * privileges: the next configuration and the next answers are set by hand. The packet path is the
 * real one.
 */
#ifndef IPMODD_TESTS_FAKES_H
#define IPMODD_TESTS_FAKES_H

#include "ipmodd/kernel/divert.h"
#include "ipmodd/rules/load.h"

struct fakes {
    const char *config_error; /* next load fails with this text at a.conf:7; NULL: it succeeds */
    const char *rule_name;    /* the one rule of the next configuration that is loaded */
    const char *tun_name;
    int start_error;  /* of divert_start() */
    int reload_error; /* of divert_reload() */
    int tun_fd;       /* what divert_tun_fd() gives for every queue */
    unsigned queues;
    uint32_t busy_poll_us;
    unsigned reloads, stops, withdrawals;
    unsigned given_up; /* 1u << enum offload_class of each divert_give_up_offload() */
};

extern struct fakes fakes;

/* Defaults: everything succeeds, rule "first" through "tun0", no descriptor. */
void fakes_reset(void);

#endif
