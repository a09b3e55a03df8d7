/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipeline over packets that are handed in. */
#include "offline.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define NS_PER_SECOND UINT64_C(1000000000)

enum { MTU_MIN = 68, MTU_MAX = 65535 };

bool offline_take_option(struct offline_wish *wish, int answer, const char *value)
{
    switch (answer) {
    case 'c':
        wish->file = value;
        return true;
    case OFFLINE_LOCAL:
        wish->locals = value;
        return true;
    case OFFLINE_MTU:
        wish->mtu = value;
        return true;
    case OFFLINE_SEED:
        wish->seed = value;
        return true;
    default:
        return false;
    }
}

static enum exit_code load(struct offline *offline, const char *file)
{
    struct problems problems = PROBLEMS_INIT;
    int r = load_configuration_to_try(file, &problems, &offline->loaded);

    problems_print(&problems, stderr);
    problems_clear(&problems);
    return r < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

/* "A/LEN,A,…" with those of [tun] behind. The count, or -EINVAL with *RET_WRONG, or -ENOMEM. */
static ssize_t collect_locals(const struct config_tun *tun, const struct text_list *texts,
                              struct ip_prefix **ret_prefixes, const char **ret_wrong)
{
    struct ip_prefix *prefixes CLEANUP(cleanup_free) =
        calloc(texts->count + tun->address_count + 1, sizeof(*prefixes));
    size_t count = 0;

    if (prefixes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < texts->count; i++) {
        if (texts->items[i].negated ||
            ip_prefix_parse(texts->items[i].text, &prefixes[count]) < 0) {
            *ret_wrong = texts->items[i].text;
            return -EINVAL;
        }
        count++;
    }
    for (size_t i = 0; i < tun->address_count; i++) {
        struct ip_addr addr = tun->addresses[i].addr;

        prefixes[count++] = (struct ip_prefix){addr, (uint8_t)IP_ADDR_BITS(addr.family)};
    }
    *ret_prefixes = TAKE_PTR(prefixes);
    return (ssize_t)count;
}

/*
 * What `masquerade` chooses from: the addresses of LOCALS that stand alone, as if they were those
 * of one device behind which all the world is.
 */
static int set_ways(struct host_view *view, const struct ip_prefix *locals, size_t count)
{
    struct host_source *sources CLEANUP(cleanup_free) = calloc(count + 1, sizeof(*sources));
    struct host_route world[FAMILY_COUNT];
    size_t used = 0;

    if (sources == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (locals[i].len == IP_ADDR_BITS(locals[i].addr.family))
            sources[used++] =
                (struct host_source){.addr = locals[i].addr, .subnet = locals[i], .ifindex = 1};
    }
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++)
        world[family] = (struct host_route){.prefix.addr.family = family, .egress.ifindex = 1};
    if (host_view_set_sources(view, sources, used) < 0)
        return -ENOMEM;
    return host_view_set_routes(view, world, FAMILY_COUNT);
}

/* A packet to a prefix of tun0 that is not an address of ours is dropped, as it is live. */
static int make_view(struct offline *offline, const struct ip_prefix *locals, size_t count)
{
    const struct config_tun *tun = &offline->loaded.config->tun;
    struct ip_prefix *networks CLEANUP(cleanup_free) =
        calloc(tun->address_count + 1, sizeof(*networks));
    size_t network_count = 0;

    if (networks == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < tun->address_count; i++) {
        if (tun->addresses[i].len < IP_ADDR_BITS(tun->addresses[i].addr.family))
            networks[network_count++] = ip_prefix_network(&tun->addresses[i]);
    }
    offline->view = host_view_new(NULL, 0, NULL, 0, networks, network_count);
    if (offline->view == NULL)
        return -ENOMEM;
    if (host_view_set_local_prefixes(offline->view, locals, count) < 0)
        return -ENOMEM;
    return set_ways(offline->view, locals, count);
}

static int set_mtu(struct host_view *view, uint32_t mtu)
{
    struct route_value routes[FAMILY_COUNT];

    for (enum ip_family family = 0; family < FAMILY_COUNT; family++)
        routes[family] = (struct route_value){.prefix.addr.family = family, .value = mtu};
    return host_view_set_path_mtus(view, routes, FAMILY_COUNT);
}

static enum exit_code describe_host(const struct command *command, const struct offline_wish *wish,
                                    struct offline *offline)
{
    struct text_list CLEANUP(text_list_clear) texts = {.items = NULL};
    struct ip_prefix *locals CLEANUP(cleanup_free) = NULL;
    const char *wrong = wish->locals;
    uint64_t mtu = 0;
    ssize_t count = 0;
    int r = wish->locals != NULL ? text_list_split(wish->locals, &texts) : 0;

    if (wish->mtu != NULL && (text_parse_number(wish->mtu, MTU_MAX, &mtu) < 0 || mtu < MTU_MIN))
        return command_refuse_usage(command, "--mtu %s is not a number of bytes from %d to %d",
                                    wish->mtu, MTU_MIN, MTU_MAX);
    if (r == 0)
        count = collect_locals(&offline->loaded.config->tun, &texts, &locals, &wrong);
    if (r == -EINVAL || count == -EINVAL)
        return command_refuse_usage(
            command, "--local: '%s' is not a list of addresses or prefixes such as 192.0.2.0/24",
            wrong);
    if (r == 0 && count >= 0)
        r = make_view(offline, locals, (size_t)count);
    if (r == 0 && mtu != 0)
        r = set_mtu(offline->view, (uint32_t)mtu);
    return r < 0 || count < 0 ? command_fail("not enough memory") : EXIT_CODE_OK;
}

static enum exit_code choose_seed(const struct command *command, const struct offline_wish *wish,
                                  struct offline *offline)
{
    const struct config_main *config = &offline->loaded.config->main;

    uint32_t drawn = 0; /* short, because somebody may have to type it */

    offline->seed = config->seed;
    if (wish->seed != NULL && text_parse_number(wish->seed, UINT64_MAX, &offline->seed) < 0)
        return command_refuse_usage(command, "--seed %s is not a number from 0 to %llu", wish->seed,
                                    (unsigned long long)UINT64_MAX);
    if (wish->seed != NULL || config->seeded)
        return EXIT_CODE_OK;
    if (getrandom(&drawn, sizeof(drawn), 0) != sizeof(drawn))
        return command_fail("no random seed to be had: %s", strerror(errno));
    offline->seed = drawn;
    return EXIT_CODE_OK;
}

static enum exit_code make_path(struct offline *offline)
{
    offline->batch = batch_new();
    offline->path = path_new(offline->loaded.ruleset, offline->view);
    if (offline->batch == NULL || offline->path == NULL)
        return command_fail("not enough memory");
    path_set_seed(offline->path, offline->seed);
    zone_load(&offline->zone);
    return EXIT_CODE_OK;
}

enum exit_code offline_open(const struct command *command, const struct offline_wish *wish,
                            struct offline *ret_offline)
{
    enum exit_code code;

    *ret_offline = (struct offline){.seed = 0};
    code = load(ret_offline, wish->file);
    if (code == EXIT_CODE_OK)
        code = describe_host(command, wish, ret_offline);
    if (code == EXIT_CODE_OK)
        code = choose_seed(command, wish, ret_offline);
    return code == EXIT_CODE_OK ? make_path(ret_offline) : code;
}

void offline_clear(struct offline *offline)
{
    path_free(TAKE_PTR(offline->path));
    batch_free(TAKE_PTR(offline->batch));
    host_view_free(TAKE_PTR(offline->view));
    loaded_clear(&offline->loaded);
}

/* A time before 1970 or beyond what 64 bits of nanoseconds hold is nobody's clock: 0. */
static uint64_t to_ns(const struct timespec *time)
{
    if (time->tv_sec < 0 || (uint64_t)time->tv_sec >= UINT64_MAX / NS_PER_SECOND)
        return 0;
    return (uint64_t)time->tv_sec * NS_PER_SECOND + (uint64_t)time->tv_nsec;
}

const struct packet *offline_run(struct offline *offline, const uint8_t *bytes, size_t length,
                                 const struct timespec *time)
{
    uint64_t wall_ns = to_ns(time);
    struct moment moment;

    offline->now_ns = MAX_OF(offline->now_ns, wall_ns);
    moment = (struct moment){
        .now_ns = offline->now_ns,
        .wall_ns = wall_ns,
        .utc_offset_s = zone_utc_offset(&offline->zone, (int64_t)(wall_ns / NS_PER_SECOND)),
    };
    batch_reset(offline->batch);
    memcpy(batch_next_buffer(offline->batch), bytes, length);
    batch_commit(offline->batch, length);
    path_run(offline->path, offline->batch, &moment);
    while (event_ring_pop(path_events(offline->path)) != NULL)
        continue; /* what rules log is the journal's; their counters tell as much */
    return &offline->batch->packets[0];
}

bool offline_reads_direction(const struct offline *offline)
{
    const struct ruleset *ruleset = offline->loaded.ruleset;

    for (size_t i = 0; i < ruleset->rule_count; i++) {
        for (size_t j = 0; j < ruleset->rules[i].match_count; j++) {
            if (strcmp(ruleset->rules[i].matches[j].type->key, "direction") == 0)
                return true;
        }
    }
    return false;
}
