/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The credentials of a connected process. */
#include "peer.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

/* The supplementary groups of the peer in *RET_GROUPS, owned by the caller; their number. */
static size_t read_groups(int fd, gid_t **ret_groups)
{
    socklen_t size = 0;
    gid_t *groups;

    *ret_groups = NULL;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
        return 0;
    groups = malloc(size);
    if (groups == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) {
        free(groups);
        return 0;
    }
    *ret_groups = groups;
    return size / sizeof(*groups);
}

static bool is_in_group(int fd, const struct ucred *peer, gid_t gid)
{
    gid_t CLEANUP(cleanup_free) *groups = NULL;
    size_t count;

    if (peer->gid == gid)
        return true;
    count = read_groups(fd, &groups);
    for (size_t i = 0; i < count; i++) {
        if (groups[i] == gid)
            return true;
    }
    return false;
}

enum control_access peer_access(int fd, const struct control_owner *owner,
                                struct control_peer *ret_peer)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    *ret_peer = (struct control_peer){.uid = (uid_t)-1};
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || size != sizeof(peer))
        return CONTROL_NOTHING;
    *ret_peer = (struct control_peer){.uid = peer.uid, .pid = peer.pid};
    if (peer.uid == 0 || peer.uid == owner->uid)
        return CONTROL_CHANGE;
    return is_in_group(fd, &peer, owner->gid) ? CONTROL_READ : CONTROL_NOTHING;
}
