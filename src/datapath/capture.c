/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies packets for the writer of captures. */
#include "capture.h"

#include "fixup.h"
#include "ipmodd/base/macro.h"

#include <stdlib.h>
#include <string.h>

void rule_capture_free(struct rule_capture *capture)
{
    if (capture == NULL)
        return;
    free(capture->name);
    free(capture->what);
    free(capture);
}

/* TEXT as far as ROOM reaches. */
static void copy_text(char *to, size_t room, const char *text)
{
    size_t length = strnlen(text, room - 1);

    memcpy(to, text, length);
    to[length] = '\0';
}

/* A copy of PACKET for CAPTURE; NULL, and counted, without room. */
static struct capture_record *copy(struct path *path, const struct rule_capture *capture,
                                   const struct packet *packet)
{
    size_t captured = MIN_OF(packet->length, (size_t)capture->snap_length);
    struct capture_record *record = record_ring_claim(&path->captures, sizeof(*record) + captured);

    if (record == NULL)
        return NULL;
    record->direction = packet->direction;
    record->fate = packet->fate;
    record->reason = packet->reason;
    record->time_ns = path->matching.time.wall_ns;
    record->length = packet->length;
    record->captured = captured;
    record->segments = packet->segments;
    record->file_size = capture->file_size;
    record->files = capture->files;
    copy_text(record->name, sizeof(record->name), capture->name);
    copy_text(record->what, sizeof(record->what), capture->what);
    memcpy(record->data, packet->data, captured);
    return record;
}

void capture_before(struct path *path, size_t rule, struct packet *packet)
{
    const struct rule_capture *capture = path->ruleset->rules[rule].capture;

    path->captured = NULL;
    if (capture == NULL)
        return;
    fixup_packet(packet);
    path->captured = copy(path, capture, packet);
    if (path->captured != NULL)
        path->captured->id = path->captures_made++;
}

void capture_after(struct path *path, size_t rule, struct packet *packet)
{
    struct capture_record *before = path->captured, *after;

    if (before == NULL)
        return;
    fixup_packet(packet);
    before->stage = CAPTURE_ONLY;
    if (memcmp(before->data, packet->data, before->captured) == 0) {
        before->fate = packet->fate;
        before->reason = packet->reason;
        record_ring_push(&path->captures);
        return;
    }
    before->stage = CAPTURE_BEFORE;
    after = copy(path, path->ruleset->rules[rule].capture, packet);
    if (after != NULL) {
        after->stage = CAPTURE_AFTER;
        after->id = before->id;
    }
    record_ring_push(&path->captures);
}
