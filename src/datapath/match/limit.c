/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit: holds as long as wire packets do not come more often than a rate, counted for all of them
 * together or for each source, destination or flow by itself.
 *
 * Buckets of their own stand in a table of fixed size, in rows of four. Only the theoretical
 * arrival time is kept (bucket.h). A key without a bucket takes the place of the one in its row
 * that is full, or will be first: a full bucket is worth as much as none, so nothing is forgotten
 * before all places of a row are taken by sources that are being limited. Keys are known by a
 * seeded 64-bit hash alone.
 */
#include "table.h"

#include "ipmodd/base/bucket.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/rng.h"
#include "ipmodd/base/text.h"
#include "ipmodd/datapath/rate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    DEFAULT_BURST = 5, /* as nft and iptables have it */
    ROWS = 8192,       /* a power of two */
    PLACES = 4,        /* in a row */
};

enum limit_key {
    PER_RULE,
    PER_SRC,
    PER_DST,
    PER_FLOW,
    LIMIT_KEY_COUNT,
};

static const char *const key_names[LIMIT_KEY_COUNT] = {
    [PER_RULE] = "", [PER_SRC] = "src", [PER_DST] = "dst", [PER_FLOW] = "flow"};

struct limit {
    struct rate rate;
    uint64_t burst;
    enum limit_key key;
};

struct place {
    uint64_t hash;
    uint64_t arrival_ns;
};

struct row {
    struct place places[PLACES];
};

struct limit_state {
    struct bucket bucket; /* PER_RULE: the bucket; otherwise what each of them is like */
    uint64_t seed;        /* drawn at the first packet, so that it follows the path's */
    bool seeded;
    struct row rows[]; /* none with PER_RULE */
};

/* What a packet is counted under: addresses, ports where it has them, protocol. */
struct flow_key {
    uint8_t src[16], dst[16];
    uint16_t sport, dport;
    uint8_t proto;
    uint8_t family;
    uint8_t unused[2];
};

static int parse_key(const char *name, enum limit_key *ret_key)
{
    for (enum limit_key key = PER_SRC; name != NULL && key < LIMIT_KEY_COUNT; key++) {
        if (strcmp(key_names[key], name) == 0) {
            *ret_key = key;
            return 0;
        }
    }
    return -EINVAL;
}

/* "burst N" and "per KEY", each once at most, in this order. */
static int parse_rest(char *rest, struct limit *limit)
{
    const char *word = text_next_word(&rest);

    if (word != NULL && strcmp(word, "burst") == 0) {
        word = text_next_word(&rest);
        if (word == NULL || rate_parse_burst(word, &limit->burst) < 0)
            return -EINVAL;
        word = text_next_word(&rest);
    }
    if (word != NULL && strcmp(word, "per") == 0) {
        if (parse_key(text_next_word(&rest), &limit->key) < 0)
            return -EINVAL;
        word = text_next_word(&rest);
    }
    return word == NULL ? 0 : -EINVAL;
}

static int limit_parse(const char *text, const struct scope *scope, void **ret_value,
                       struct value_error *error)
{
    char CLEANUP(cleanup_free) *memory = strdup(text);
    struct limit parsed = {.burst = DEFAULT_BURST};
    char *rest = memory;
    const char *word;

    (void)scope;
    if (memory == NULL)
        return -ENOMEM;
    word = text_next_word(&rest);
    if (word == NULL || rate_parse(word, &parsed.rate) < 0 || parse_rest(rest, &parsed) < 0)
        return value_refuse(
            error,
            "'%.40s' is not right: N/s, N/min or N/h, then burst N or nothing, then "
            "per src, per dst, per flow or nothing, N from 1 to %d",
            text, RATE_MAX);
    return value_keep(&parsed, sizeof(parsed), ret_value);
}

static void *limit_state_new(const void *pointer)
{
    const struct limit *value = pointer;
    size_t rows = value->key == PER_RULE ? 0 : ROWS;
    struct limit_state *state = calloc(1, sizeof(*state) + rows * sizeof(struct row));

    if (state != NULL)
        state->bucket = bucket_make(value->rate.count, value->rate.period_ns, value->burst);
    return state;
}

static void fill_flow(struct flow_key *key, const struct packet *packet)
{
    memcpy(key->src, packet_src(packet), IP_ADDR_BYTES(packet->family));
    memcpy(key->dst, packet_dst(packet), IP_ADDR_BYTES(packet->family));
    key->proto = packet->proto;
    if (packet_has_ports(packet)) {
        key->sport = packet_sport(packet);
        key->dport = packet_dport(packet);
    }
}

static uint64_t hash_packet(const struct packet *packet, enum limit_key kind, uint64_t seed)
{
    struct flow_key key = {.family = (uint8_t)packet->family};

    if (kind == PER_SRC)
        memcpy(key.src, packet_src(packet), IP_ADDR_BYTES(packet->family));
    else if (kind == PER_DST)
        memcpy(key.dst, packet_dst(packet), IP_ADDR_BYTES(packet->family));
    else
        fill_flow(&key, packet);
    return XXH3_64bits_withSeed(&key, sizeof(key), seed);
}

/* The place of HASH in its row; one that was another's is emptied. */
static struct place *find_place(struct row *row, uint64_t hash)
{
    struct place *oldest = &row->places[0];

    for (size_t i = 0; i < PLACES; i++) {
        struct place *place = &row->places[i];

        if (place->hash == hash)
            return place;
        if (place->arrival_ns < oldest->arrival_ns)
            oldest = place;
    }
    *oldest = (struct place){.hash = hash};
    return oldest;
}

static bool take_own(struct limit_state *state, enum limit_key kind,
                     const struct match_context *context, const struct packet *packet)
{
    struct bucket bucket = state->bucket;
    struct place *place;
    uint64_t hash;
    bool taken;

    if (!state->seeded) {
        state->seed = rng_u64(context->rng);
        state->seeded = true;
    }
    hash = hash_packet(packet, kind, state->seed);
    place = find_place(&state->rows[hash % ROWS], hash);
    bucket.arrival_ns = place->arrival_ns;
    taken = bucket_take(&bucket, context->time.now_ns);
    place->arrival_ns = bucket.arrival_ns;
    return taken;
}

static bool limit_test(const void *pointer, const struct match_context *context,
                       const struct packet *packet)
{
    const struct limit *value = pointer;
    struct limit_state *state = context->state;

    if (value->key == PER_RULE)
        return bucket_take(&state->bucket, context->time.now_ns);
    return take_own(state, value->key, context, packet);
}

static void limit_print(const void *pointer, FILE *out)
{
    const struct limit *value = pointer;

    rate_print(&value->rate, out);
    fprintf(out, " burst %" PRIu64, value->burst);
    if (value->key != PER_RULE)
        fprintf(out, " per %s", key_names[value->key]);
}

const struct match_type match_limit = {
    .key = "limit",
    .grammar = "N/s, N/min or N/h [burst N] [per src | per dst | per flow]",
    .parse = limit_parse,
    .free = free,
    .test = limit_test,
    .reads = FIELD_BIT(FIELD_FAMILY) | FIELD_BIT(FIELD_PROTO) | FIELD_BIT(FIELD_FRAGMENT) |
             FIELD_BIT(FIELD_SRC) | FIELD_BIT(FIELD_DST) | FIELD_BIT(FIELD_SPORT) |
             FIELD_BIT(FIELD_DPORT),
    .print = limit_print,
    .state_new = limit_state_new,
    .state_free = free,
    .per_wire_packet = true,
    .varies = true,
    .spends = true,
};
