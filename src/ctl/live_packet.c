/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live packets read from events of the daemon. */
#include "live_packet.h"

#include "ipmodd/base/macro.h"
#include "view.h"

#include <errno.h>
#include <string.h>

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Hex digits to bytes; how many, or -EINVAL. */
static ssize_t decode(const char *text, uint8_t *bytes, size_t room)
{
    size_t count = strlen(text) / 2;

    if (strlen(text) % 2 != 0 || count > room)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return (ssize_t)count;
}

static int read_bytes(struct live_bytes *bytes, const json_t *event, const char *data,
                      const char *length)
{
    ssize_t captured = decode(view_string(event, data), bytes->data, sizeof(bytes->data));
    long long whole = view_integer(event, length);

    if (captured < 0 || whole < captured || whole > LIVE_PACKET_MAX)
        return -EINVAL;
    bytes->captured = (size_t)captured;
    bytes->length = (size_t)whole;
    memset(bytes->data + captured, 0, bytes->length - bytes->captured);
    bytes->is_parsed = packet_read(&bytes->packet, bytes->data, bytes->length) == REASON_NONE;
    return 0;
}

/* Checksums follow from what else changed. */
static void leave_out_checksums(struct changes *changes)
{
    size_t kept = 0;

    for (size_t i = 0; i < changes->count; i++) {
        if (strstr(changes->items[i].name, "checksum") == NULL) {
            changes->items[kept++] = changes->items[i];
            continue;
        }
        free(changes->items[i].before);
        free(changes->items[i].after);
    }
    changes->count = kept;
}

static int find_changes(struct live_packet *packet)
{
    int r;

    if (!packet->before.is_parsed || !packet->after.is_parsed)
        return 0;
    r = changes_find(&packet->changes, &packet->before.packet, &packet->after.packet);
    leave_out_checksums(&packet->changes);
    return r;
}

int live_packet_read(struct live_packet *packet, const json_t *event)
{
    int r;

    packet->event = event;
    packet->changes = (struct changes){.count = 0};
    packet->time_ns = (uint64_t)view_integer(event, "time_ns");
    packet->is_edited = json_object_get(event, "data_after") != NULL;
    r = read_bytes(&packet->before, event, "data", "length");
    if (r == 0 && packet->is_edited)
        r = read_bytes(&packet->after, event, "data_after", "length_after");
    if (r == 0 && packet->is_edited)
        r = find_changes(packet);
    return r;
}

void live_packet_clear(struct live_packet *packet)
{
    changes_clear(&packet->changes);
}
