/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peer: who is at the other end of a control connection, and what they may ask.
 *
 * The kernel says who connected (SO_PEERCRED, unix(7)), so nothing has to be sent. Root and the
 * daemon's own user may change things and see what is in packets. Members of the daemon's group may
 * read: theirs is the group of the connecting process, also a supplementary one (SO_PEERGROUPS,
 * Linux 4.13). Everybody else may nothing; mostly the socket's mode has kept them away already.
 */
#ifndef IPMODD_CONTROL_PEER_H
#define IPMODD_CONTROL_PEER_H

#include "ipmodd/control/server.h"

/* The access of the process at the other end of FD, *RET_PEER; CONTROL_NOTHING, of nobody, when the
 * kernel does not tell. */
enum control_access peer_access(int fd, const struct control_owner *owner,
                                struct control_peer *ret_peer);

#endif
