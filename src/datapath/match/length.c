/* SPDX-License-Identifier: GPL-2.0-or-later */
/* length: bytes of the IP packet, header included. */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

/* No IP packet is shorter than an IPv4 header. */
static const struct value_domain length_domain = {
    .noun = "a packet length", .min = 20, .max = 65535};

static int length_parse(const char *text, const struct scope *scope, void **ret_value,
                        struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &length_domain, ret_value, error);
}

static bool length_test(const void *value, const struct match_context *context,
                        const struct packet *packet)
{
    (void)context;
    return number_list_holds(value, (uint32_t)packet->length);
}

/* All segments are equally long, but the last one may be shorter. */
static enum holding length_test_segments(const void *value, const struct packet *packet)
{
    size_t size = packet->vnet.gso_size;
    size_t last = packet->length - (packet->segments - 1) * size;
    bool for_first = number_list_holds(value, (uint32_t)(packet->payload_offset + size));
    bool for_last = number_list_holds(value, (uint32_t)last);

    if (for_first != for_last)
        return HOLDS_FOR_SOME;
    return for_first ? HOLDS_FOR_ALL : HOLDS_FOR_NONE;
}

static void length_print(const void *value, FILE *out)
{
    number_list_print(value, &length_domain, out);
}

const struct match_type match_length = {
    .key = "length",
    .grammar = "numbers of bytes, 20 to 65535",
    .parse = length_parse,
    .free = free,
    .test = length_test,
    .reads = FIELD_BIT(FIELD_LENGTH),
    .implied = number_list_implied,
    .holds_always = number_list_holds_always,
    .print = length_print,
    .per_wire_packet = true,
    .test_segments = length_test_segments,
};
