/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling a ruleset, and searching it. */
#include "classifier.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether what MATCH says of one packet of a flow is true of all. */
static bool is_of_flow(const struct match_type *type)
{
    return !type->varies && type->state_new == NULL && (type->reads & ~FIELDS_OF_FLOW) == 0;
}

static field_set fields_read(const struct rule *rule)
{
    field_set fields = 0;

    for (size_t i = 0; i < rule->match_count; i++) {
        if (is_of_flow(rule->matches[i].type))
            fields |= rule->matches[i].type->reads;
    }
    return fields;
}

static uint8_t traits_of(const struct rule *rule, field_set read_later)
{
    unsigned traits = 0;

    for (size_t i = 0; i < rule->match_count; i++) {
        const struct match_type *type = rule->matches[i].type;

        traits |= is_of_flow(type) ? 0 : RULE_HAS_OTHER_MATCHES;
        traits |= type->per_wire_packet ? RULE_HAS_WIRE_MATCHES : 0;
        traits |= type->follows ? RULE_HAS_UPPER_MATCHES : 0;
    }
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct action_type *type = rule->actions[i].type;

        traits |= type->decides ? RULE_DECIDES : 0;
        traits |= (type->writes & read_later) != 0 ? RULE_CHANGES_LATER : 0;
    }
    return (uint8_t)traits;
}

/* From the last rule to the first, so that the fields read later are known. */
static field_set find_traits(struct classifier *classifier)
{
    const struct ruleset *ruleset = classifier->ruleset;
    field_set fields = 0;

    for (size_t i = ruleset->rule_count; i-- > 0;) {
        classifier->traits[i] = traits_of(&ruleset->rules[i], fields);
        fields |= fields_read(&ruleset->rules[i]);
    }
    return fields;
}

/* The protocols of SCOPE. */
static void bound_proto(struct box *box, const struct scope *scope)
{
    const uint64_t *words = scope->protos[box->family];
    struct cover cover = {.count = 0};

    if ((words[0] & words[1] & words[2] & words[3]) == UINT64_MAX)
        return;
    for (unsigned proto = 0; proto <= UINT8_MAX; proto++) {
        if (proto % 64 == 0 && words[proto / 64] == 0)
            proto += 63;
        else if (scope_has(scope, box->family, (uint8_t)proto))
            cover_add(&cover, proto, proto);
    }
    box_bound(box, DIMENSION_PROTO, &cover);
}

static void box_fill(struct box *box, const struct rule *rule)
{
    struct scope scope = scope_all();

    box->empty = false;
    memset(box->bounded, 0, sizeof(box->bounded));
    for (size_t i = 0; i < rule->match_count; i++) {
        const struct rule_match *match = &rule->matches[i];

        if (match->type->narrow != NULL)
            match->type->narrow(match->value, &scope);
        if (match->type->bound != NULL)
            match->type->bound(match->value, box);
    }
    bound_proto(box, &scope);
}

static int build_tree(struct classifier *classifier, enum ip_family family)
{
    const struct ruleset *ruleset = classifier->ruleset;
    struct box *box = malloc(sizeof(*box));
    struct box_list boxes;
    int r = box_list_init(&boxes, ruleset->rule_count);

    if (box == NULL)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && i < ruleset->rule_count; i++) {
        box->family = family;
        box_fill(box, &ruleset->rules[i]);
        r = box_list_add(&boxes, box);
    }
    if (r == 0)
        r = rule_tree_build(&boxes, &classifier->trees[family]);
    box_list_clear(&boxes);
    free(box);
    return r;
}

int classifier_new(const struct ruleset *ruleset, struct classifier **ret_classifier)
{
    struct classifier *classifier = calloc(1, sizeof(*classifier));
    field_set fields;
    int r = 0;

    if (classifier == NULL)
        return -ENOMEM;
    classifier->ruleset = ruleset;
    classifier->traits = calloc(ruleset->rule_count + 1, sizeof(*classifier->traits));
    if (classifier->traits == NULL) {
        classifier_free(classifier);
        return -ENOMEM;
    }
    fields = find_traits(classifier);
    for (unsigned family = 0; r == 0 && family < FAMILY_COUNT; family++) {
        classifier->masks[family] = flow_mask_of(fields, family);
        r = build_tree(classifier, family);
    }
    if (r < 0)
        classifier_free(classifier);
    else
        *ret_classifier = classifier;
    return r;
}

void classifier_free(struct classifier *classifier)
{
    if (classifier == NULL)
        return;
    for (unsigned family = 0; family < FAMILY_COUNT; family++)
        rule_tree_free(classifier->trees[family]);
    free(classifier->traits);
    free(classifier);
}

size_t classifier_memory(const struct classifier *classifier)
{
    size_t bytes = sizeof(*classifier) + classifier->ruleset->rule_count;

    for (unsigned family = 0; family < FAMILY_COUNT; family++)
        bytes += rule_tree_memory(classifier->trees[family]);
    return bytes;
}

static void take_address(struct point *point, enum dimension high, enum dimension low,
                         enum ip_family family, const uint8_t *bytes)
{
    if (family == FAMILY_IPV4) {
        point->values[high] = be32_load(bytes);
        point->values[low] = 0;
    } else {
        point->values[high] = be64_load(bytes);
        point->values[low] = be64_load(bytes + sizeof(uint64_t));
    }
}

static struct point point_of(const struct packet *packet)
{
    bool has_ports = packet_has_ports(packet);
    struct point point = {
        .values = {
            [DIMENSION_DPORT] = has_ports ? packet_dport(packet) : (uint64_t)NO_PORT,
            [DIMENSION_SPORT] = has_ports ? packet_sport(packet) : (uint64_t)NO_PORT,
            [DIMENSION_PROTO] = packet->proto,
            [DIMENSION_ICMP_TYPE] = packet_is_icmp(packet) ? packet_icmp_type(packet)
                                                           : (uint64_t)NO_ICMP_TYPE,
            [DIMENSION_TTL] = packet_ttl(packet),
            [DIMENSION_DSCP] = packet_tos(packet) >> 2,
            [DIMENSION_DIRECTION] = packet->direction,
        }};

    take_address(&point, DIMENSION_DST, DIMENSION_DST_LOW, packet->family, packet_dst(packet));
    take_address(&point, DIMENSION_SRC, DIMENSION_SRC_LOW, packet->family, packet_src(packet));
    return point;
}

/* Dimensions of which PACKET does not tell the value, a bit each (classify.h on orphans). */
static unsigned unknown_of(const struct packet *packet)
{
    unsigned unknown = 1u << DIMENSION_DPORT | 1u << DIMENSION_SPORT | 1u << DIMENSION_ICMP_TYPE;

    if ((packet->flags & PACKET_ORPHAN) == 0)
        return 0;
    return packet->family == FAMILY_IPV6 ? unknown | 1u << DIMENSION_PROTO : unknown;
}

/* A search, and the run that it fills. */
struct collection {
    struct rule_search search; /* first, so that one is found from the other */
    const struct classifier *classifier;
    const struct match_context *context;
    const struct packet *packet;
    struct rule_run *run;
};

/* Whether what a match of TYPE says is known for the flow of PACKET. */
static bool is_settled(const struct match_type *type, const struct packet *packet)
{
    if (packet->segments > 1 && type->per_wire_packet)
        return false;
    if ((packet->flags & PACKET_ORPHAN) != 0 && type->follows)
        return false;
    return is_of_flow(type);
}

static bool holds_for_flow(const struct collection *collection, const struct rule *rule)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        const struct rule_match *match = &rule->matches[i];

        if (is_settled(match->type, collection->packet) &&
            !match->type->test(match->value, collection->context, collection->packet))
            return false;
    }
    return true;
}

/* Whether a rule with TRAITS may still not hold for PACKET when it holds for its flow. */
static bool is_open(uint8_t traits, const struct packet *packet)
{
    unsigned open = RULE_HAS_OTHER_MATCHES;

    open |= packet->segments > 1 ? RULE_HAS_WIRE_MATCHES : 0;
    open |= (packet->flags & PACKET_ORPHAN) != 0 ? RULE_HAS_UPPER_MATCHES : 0;
    return (traits & open) != 0;
}

/* Nothing behind RULE, which is in the run, is to be found out. */
static bool ends_run(const struct collection *collection, uint32_t rule)
{
    uint8_t traits = collection->classifier->traits[rule & ~RUN_ASK];

    return (traits & RULE_CHANGES_LATER) != 0 ||
           ((traits & RULE_DECIDES) != 0 && (rule & RUN_ASK) == 0);
}

static uint32_t number_of(uint32_t rule)
{
    return rule & ~RUN_ASK;
}

/* Where RULE belongs in RUN: behind all that come before it. */
static uint32_t place_in(const struct rule_run *run, uint32_t rule)
{
    uint32_t at = run->count;

    while (at > 0 && number_of(run->rules[at - 1]) >= number_of(rule))
        at--;
    return at;
}

/* Puts RULE at its place, once. What has no room any more is found by the next search. */
static void insert(struct collection *collection, uint32_t rule)
{
    struct rule_run *run = collection->run;
    uint32_t at = place_in(run, rule);

    if (at < run->count && run->rules[at] == rule)
        return;
    if (at == RUN_RULES) {
        collection->search.limit = number_of(rule);
        return;
    }
    if (run->count == RUN_RULES)
        collection->search.limit = number_of(run->rules[--run->count]);
    memmove(&run->rules[at + 1], &run->rules[at], (run->count - at) * sizeof(run->rules[0]));
    run->rules[at] = rule;
    run->count++;
    if (ends_run(collection, rule)) {
        run->count = at + 1;
        collection->search.limit = number_of(rule);
    }
}

static void collect(struct rule_search *search, uint32_t rule)
{
    struct collection *collection = (struct collection *)search;
    const struct classifier *classifier = collection->classifier;

    if (!holds_for_flow(collection, &classifier->ruleset->rules[rule]))
        return;
    insert(collection,
           is_open(classifier->traits[rule], collection->packet) ? rule | RUN_ASK : rule);
}

void classifier_search(const struct classifier *classifier, const struct match_context *context,
                       const struct packet *packet, size_t from, struct rule_run *ret_run)
{
    const struct point point = point_of(packet);
    struct collection collection = {
        .search = {.point = &point,
                   .unknown = unknown_of(packet),
                   .from = (uint32_t)from,
                   .limit = (uint32_t)classifier->ruleset->rule_count,
                   .found = collect},
        .classifier = classifier,
        .context = context,
        .packet = packet,
        .run = ret_run,
    };

    ret_run->count = 0;
    rule_tree_search(classifier->trees[packet->family], &collection.search);
    ret_run->resume = collection.search.limit;
    if (ret_run->count > 0 && ends_run(&collection, ret_run->rules[ret_run->count - 1]))
        ret_run->resume = number_of(ret_run->rules[ret_run->count - 1]) + 1;
}
