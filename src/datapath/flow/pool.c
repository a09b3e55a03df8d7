/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic on addresses of a pool, and which of them a client gets. */
#include "pool.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t pool_size(const struct address_range *range)
{
    uint64_t difference = 0;

    for (size_t i = 0; i < IP_ADDR_BYTES(range->first.family); i++) {
        difference = (difference << 8) + range->last.bytes[i] - range->first.bytes[i];
        if (difference >> 32 != 0)
            return UINT64_C(1) << 32;
    }
    return difference + 1;
}

void pool_put_address(const struct address_range *range, uint64_t number, uint8_t *ret_bytes)
{
    for (size_t i = IP_ADDR_BYTES(range->first.family); i-- > 0;) {
        number += range->first.bytes[i];
        ret_bytes[i] = (uint8_t)number;
        number >>= 8;
    }
}

uint64_t pool_hash_host(const struct flow_tuple *tuple)
{
    struct flow_tuple host = {.sport = 0};

    memcpy(host.src, tuple->src, sizeof(host.src));
    return XXH3_64bits(&host, sizeof(host));
}

uint64_t pool_hash_client(const struct flow_tuple *tuple)
{
    struct flow_tuple client = {.sport = tuple->sport, .proto = tuple->proto};

    memcpy(client.src, tuple->src, sizeof(client.src));
    return XXH3_64bits(&client, sizeof(client));
}
