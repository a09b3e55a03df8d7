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
    if ((packet->flags & PACKET_ORPHAN) == 0 || (packet->flags & PACKET_WAITED) != 0)
        return false;
    return path->flows != NULL || path->hands_over || classify_needs_first(path, packet);
}

/* PACKET has been taken out. */
static void end_wait(struct path *path, struct packet *packet)
{
    path_understand(packet);
    path->counters.parked -= packet->segments;
}

/* PACKET has waited in vain. */
static void give_up(struct path *path, struct packet *packet, enum reason reason)
{
    end_wait(path, packet);
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

void path_park(struct path *path, struct packet *packet)
{
    struct packet *surplus = fragment_park_take_surplus(path->park);

    if (surplus != NULL) {
        give_up(path, surplus, REASON_FRAGMENT_BEFORE_FIRST);
        /* again: the other one came in between */
        observe_receipt(path, path->observer != NULL, packet);
    }
    observe_arrival(path, path->observer != NULL, packet, REASON_NONE);
    packet->fate = fragment_park_put(path->park, packet) ? FATE_PARKED : FATE_DROP;
    if (packet->fate == FATE_DROP)
        packet->reason = REASON_FRAGMENT_BEFORE_FIRST;
    observe_fate(path, path->observer != NULL, packet);
}

struct packet *path_unpark(struct path *path, const struct fragment_key *key)
{
    struct packet *packet = fragment_park_take(path->park, key);

    if (packet == NULL)
        return NULL;
    end_wait(path, packet);
    path->counters.in -= packet->segments; /* it arrives again, perhaps on another path */
    path->counters.in_bytes -= packet_wire_bytes(packet);
    return packet;
}
