/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of a packet, compared detail by detail. */
#include "changes.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <string.h>

int packet_copy_init(struct packet_copy *copy)
{
    copy->bytes = malloc(PACKET_CAPACITY);
    return copy->bytes != NULL ? 0 : -ENOMEM;
}

void packet_copy_clear(struct packet_copy *copy)
{
    free(TAKE_PTR(copy->bytes));
}

void packet_copy_take(struct packet_copy *copy, const struct packet *packet)
{
    copy->packet = *packet;
    copy->packet.data = copy->bytes;
    copy->packet.shadow = NULL;
    memcpy(copy->bytes, packet->data, packet->length);
}

static bool is_same(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

/* Takes over the texts of CHANGE, also on failure. */
static int append(struct changes *changes, const struct change *change)
{
    struct change *items = reallocarray(changes->items, changes->count + 1, sizeof(*items));

    if (items == NULL) {
        free(change->before);
        free(change->after);
        return -ENOMEM;
    }
    changes->items = items;
    changes->items[changes->count++] = *change;
    return 0;
}

int changes_find(struct changes *changes, const struct packet *before, const struct packet *after)
{
    struct packet now = *after;

    now.shadow = NULL;
    if (before->length == now.length && memcmp(before->data, now.data, now.length) == 0)
        return 0;
    for (size_t i = 0; i < detail_count; i++) {
        const struct change change = {
            .name = details[i].name,
            .before = detail_text(&details[i], before),
            .after = detail_text(&details[i], &now),
        };

        if (is_same(change.before, change.after)) {
            free(change.before);
            free(change.after);
        } else if (append(changes, &change) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

void changes_clear(struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].before);
        free(changes->items[i].after);
    }
    free(changes->items);
    *changes = (struct changes){.count = 0};
}
