/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offline: the pipeline without the daemon. The configuration is loaded and packets go through
 * path_run() as in the daemon; what the daemon finds out from the host is told on the command line
 * or left out:
 *
 *   - the host's own addresses: `--local`, and those of `[tun] address`;
 *   - path MTUs: `--mtu` for every destination, or none;
 *   - time: that of the packet. It never runs backwards: a packet with an earlier time than one
 *     before it counts as of the same moment, for rates; the time of day is the packet's own;
 *   - random numbers: from `--seed`, `[main] seed`, or a seed that is drawn and told.
 */
#ifndef IPMODD_CTL_OFFLINE_H
#define IPMODD_CTL_OFFLINE_H

#include "command.h"
#include "ipmodd/base/zone.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/rules/load.h"

#include <time.h>

/* What the command line says; texts are borrowed. */
struct offline_wish {
    const char *file;   /* -c; NULL: the search path */
    const char *locals; /* --local; NULL: none */
    const char *mtu;    /* --mtu; NULL: unknown */
    const char *seed;   /* --seed; NULL: the configuration's, or one that is drawn */
};

struct offline {
    struct loaded loaded;
    struct host_view *view;
    struct path *path;
    struct batch *batch;
    struct zone zone;
    uint64_t seed;
    uint64_t now_ns;
};

/*
 * Ready to run packets; EXIT_CODE_OK, or another code with the reasons on stderr. COMMAND: who
 * asks. OFFLINE is to be cleared in any case.
 */
enum exit_code offline_open(const struct command *command, const struct offline_wish *wish,
                            struct offline *ret_offline);
void offline_clear(struct offline *offline);

/* The options of a wish, for getopt_long(3): values, table lines, and help. */
enum { OFFLINE_LOCAL = 512, OFFLINE_MTU, OFFLINE_SEED };
/* clang-format off */
#define OFFLINE_OPTIONS                              \
    {"local", required_argument, NULL, OFFLINE_LOCAL}, \
    {"mtu", required_argument, NULL, OFFLINE_MTU},     \
    {"seed", required_argument, NULL, OFFLINE_SEED}
/* clang-format on */
#define OFFLINE_HELP                                                                       \
    "  -c FILE              read FILE and FILE.d/*.conf instead of the search path\n"      \
    "      --local PREFIX,… addresses of this host; otherwise every packet is passing\n" \
    "                       through\n"                                                     \
    "      --mtu BYTES      path MTU to everywhere, for clamp-mss = pmtu\n"                \
    "      --seed N         where random numbers begin\n"

/* Takes ANSWER of getopt_long(3) if it is one of those. */
bool offline_take_option(struct offline_wish *wish, int answer, const char *value);

/*
 * Runs one packet of LENGTH bytes, at most PACKET_CAPACITY, read at TIME: it and its answers are in
 * the batch then, until the next call.
 */
const struct packet *offline_run(struct offline *offline, const uint8_t *bytes, size_t length,
                                 const struct timespec *time);

/* Whether a rule asks for the direction of packets. */
bool offline_reads_direction(const struct offline *offline);

#endif
