/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fragments and flows, as the path asks about them. */
#include "path_track.h"

#include "flow/track_flow.h"
#include "hand_over.h"
#include "track.h"

static struct tracking tracking_of(struct path *path)
{
    return (struct tracking){path->flows,         path->view,
                             &path->rng,          path->answerer.now_ns,
                             path->view_since_ns, path->ruleset->shares_addresses};
}

/* Why PACKET, a fragment, is refused; its place in its datagram otherwise. */
static enum reason follow_datagram(struct path *path, struct packet *packet)
{
    if ((packet->flags & PACKET_FRAGMENT) == 0 ||
        (path->flows == NULL && !path->ruleset->reads_upper_layer && !path->hands_over))
        return REASON_NONE;
    if (path->hands_over && hand_over_fragment(path, packet))
        return REASON_NONE;
    return fragments_follow(path->fragments, packet);
}

enum reason path_track(struct path *path, struct packet *packet)
{
    enum reason fault = follow_datagram(path, packet);

    if (fault == REASON_NONE && packet->fate == FATE_PENDING && path->flows != NULL) {
        const struct tracking tracking = tracking_of(path);

        fault = track_flow(&tracking, packet);
        if ((packet->flags & PACKET_EDITED) != 0)
            track_packet(packet, path->view); /* it was sent back to an address of ours, or on */
    } else if (fault == REASON_NONE && packet->fate == FATE_PENDING && path->hands_over) {
        fault = hand_over_stranger(path, packet);
    }
    return fault;
}

enum reason path_track_leaving(struct path *path, struct packet *packet)
{
    const struct tracking tracking = tracking_of(path);

    return track_leaving(&tracking, packet);
}
