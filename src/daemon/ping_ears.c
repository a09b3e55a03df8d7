/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes to the tun device's own prefix, from the threads of the packets. */
#include "ping_ears.h"

#include "ipmodd/base/macro.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>

enum { EAR_BYTES = 65536 };

/* On a thread of packets. */
static void hear(void *context, const struct packet *packet)
{
    struct ping_ear *ear = context;
    struct ping_answer *answer;

    if (packet->proto != IPPROTO_ICMP && packet->proto != IPPROTO_ICMPV6)
        return;
    answer = record_ring_claim(&ear->ring, sizeof(*answer));
    if (answer == NULL)
        return;
    answer->at_ns = path_now(ear->path)->now_ns;
    answer->length = MIN_OF(packet->length, (size_t)PING_ANSWER_BYTES);
    memcpy(answer->bytes, packet->data, answer->length);
    record_ring_push(&ear->ring);
    eventfd_write(ear->wake_fd, 1);
}

static void attach(struct mover *mover, void *argument)
{
    struct ping_ear *ear = argument;

    ear->path = mover->path;
    path_set_own_prefix_listener(mover->path, &ear->listener);
}

static void detach(struct mover *mover, void *argument)
{
    (void)argument;
    path_set_own_prefix_listener(mover->path, NULL);
}

int ping_ears_open(struct ping_ears *ears)
{
    int r = 0;

    for (unsigned i = 0; i < ears->engine->worker_count && r == 0; i++) {
        struct ping_ear *ear = &ears->ears[i];

        ear->listener = (struct own_prefix_listener){ear, hear};
        ear->wake_fd = ears->wake_fd;
        r = record_ring_init(&ear->ring, EAR_BYTES);
        if (r == 0)
            worker_call(ears->engine->workers[i], attach, ear);
    }
    if (r < 0)
        ping_ears_close(ears);
    return r;
}

void ping_ears_close(struct ping_ears *ears)
{
    engine_call(ears->engine, detach, NULL);
    for (unsigned i = 0; i < ears->engine->worker_count; i++)
        record_ring_clear(&ears->ears[i].ring);
}

const struct ping_answer *ping_ears_take(struct ping_ears *ears)
{
    const struct ping_answer *answer = NULL;

    for (unsigned i = 0; i < ears->engine->worker_count && answer == NULL; i++)
        answer = record_ring_pop(&ears->ears[i].ring);
    return answer;
}
