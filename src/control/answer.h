/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answer: the half of a client that writes (server.h has what commands call of it).
 *
 * A document becomes a line in the connection's output buffer at once, or is never seen: half a
 * line is no answer, so a client for which even a refusal finds no memory is hung up on. What a
 * client leaves unread is bounded: a reply waits in full, for the client is not listened to until
 * it has read it, and counts against all clients together; a document of a stream that finds no
 * room is left out and counted, and the count is told before anything else that follows.
 */
#ifndef IPMODD_CONTROL_ANSWER_H
#define IPMODD_CONTROL_ANSWER_H

#include "client.h"

/* Tells the client of a stream what was left out of it. False when there is no room even for that.
 */
bool answer_tell_lost(struct control_client *client);

#endif
