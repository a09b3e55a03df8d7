/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fragments that wait for their first one, as the path counts and tells of them. */
#include "path_park.h"

#include "classify.h"
#include "observe.h"
#include "offload.h"
#include "parse.h"
#include "track.h"

void path_understand(struct packet *packet)
{
    packet->reason = parse_packet(packet);
    if (packet->reason == REASON_NONE)
        packet->reason = offload_accept(packet);
}

bool path_waits(struct path *path, const struct packet *packet)
{
    return path->flows != NULL || path->hands_over || classify_needs_first(path, packet);
}

/* PACKET has waited in vain. */
static void give_up(struct path *path, struct packet *packet, enum reason reason)
{
    path_understand(packet);
    count_arrival(path, packet);
    track_packet(packet, path->view);
    observe_receipt(path, path->observer != NULL, packet);
    observe_arrival(path, path->observer != NULL, packet, REASON_NONE);
    packet->fate = FATE_DROP;
    packet->reason = reason;
    observe_fate(path, path->observer != NULL, packet);
}

void path_park_expire(struct path *path)
{
    struct packet *packet;

    while ((packet = fragment_park_take_expired(path->park)) != NULL)
        give_up(path, packet, REASON_FRAGMENT_TIMEOUT);
}

void path_expire(struct path *path, const struct moment *now)
{
    path->matching.time = *now;
    fragment_park_begin(path->park, now->now_ns);
    path_park_expire(path);
}

uint64_t path_expires_ns(const struct path *path)
{
    return fragment_park_expires_ns(path->park);
}

/* Another one may have to make room. */
static bool put(struct path *path, const struct packet *packet)
{
    struct packet *surplus = fragment_park_take_surplus(path->park);

    if (surplus != NULL) {
        give_up(path, surplus, REASON_FRAGMENT_BEFORE_FIRST);
        /* again: the other one came in between */
        observe_receipt(path, path->observer != NULL, packet);
    }
    return fragment_park_put(path->park, packet);
}

/* The first one of what has waited on another path was lost on the way here. */
void path_park(struct path *path, struct packet *packet)
{
    bool waits = (packet->flags & PACKET_WAITED) == 0 && put(path, packet);

    observe_arrival(path, path->observer != NULL, packet, REASON_NONE);
    packet->fate = waits ? FATE_PARKED : FATE_DROP;
    if (!waits)
        packet->reason = REASON_FRAGMENT_BEFORE_FIRST;
    observe_fate(path, path->observer != NULL, packet);
}

struct packet *path_unpark(struct path *path, const struct fragment_key *key)
{
    struct packet *packet = fragment_park_take(path->park, key);

    if (packet != NULL)
        path_understand(packet);
    return packet;
}
