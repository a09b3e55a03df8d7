/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling a ruleset, and searching it. */
#include "classifier.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How many rules a search looks for at once. */
enum { CANDIDATES = 32 };

/* Whether what a match of TYPE says of one packet of a flow is true of all. */
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

/* Bounds BOX by MATCH. Whether that takes the match's place. */
static bool bound_by(struct box *box, const struct rule_match *match)
{
    box->touched = 0;
    return match->type->bound != NULL && match->type->bound(match->value, box);
}

/* The box of RULE for FAMILY, to BOXES; BOX is room for it. 0 or -ENOMEM. */
static int add_box(struct box_list *boxes, const struct rule *rule, enum ip_family family,
                   struct box *box)
{
    struct scope scope = scope_all();
    uint16_t exact = 0;
    bool asks = false;

    box->family = family;
    box->empty = false;
    memset(box->bounded, 0, sizeof(box->bounded));
    for (size_t i = 0; i < rule->match_count; i++) {
        const struct rule_match *match = &rule->matches[i];

        if (match->type->narrow != NULL)
            match->type->narrow(match->value, &scope);
        if (bound_by(box, match))
            exact |= box->touched;
        else
            asks |= is_of_flow(match->type);
    }
    box_bound_protos(box, &scope);
    return box_list_add(boxes, box, asks, exact);
}

static int build_tree(struct classifier *classifier, enum ip_family family,
                      const atomic_bool *cancel)
{
    const struct ruleset *ruleset = classifier->ruleset;
    struct box *box = malloc(sizeof(*box));
    struct box_list boxes;
    int r = box_list_init(&boxes, ruleset->rule_count);

    if (box == NULL)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && i < ruleset->rule_count; i++)
        r = is_cancelled(cancel) ? -ECANCELED : add_box(&boxes, &ruleset->rules[i], family, box);
    if (r == 0)
        r = rule_tree_build(&boxes, cancel, &classifier->trees[family]);
    box_list_clear(&boxes);
    free(box);
    return r;
}

int classifier_new(const struct ruleset *ruleset, const atomic_bool *cancel,
                   struct classifier **ret_classifier)
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
        r = build_tree(classifier, family, cancel);
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

/* Whether what a match of TYPE says is known for the flow of PACKET. */
static bool is_settled(const struct match_type *type, const struct packet *packet)
{
    if (packet->segments > 1 && type->per_wire_packet)
        return false;
    if ((packet->flags & PACKET_ORPHAN) != 0 && type->follows)
        return false;
    return is_of_flow(type);
}

static bool holds_for_flow(const struct rule *rule, const struct match_context *context,
                           const struct packet *packet)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        const struct rule_match *match = &rule->matches[i];

        if (is_settled(match->type, packet) && !match->type->test(match->value, context, packet))
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

/* With the number of a candidate: its matches are to be asked. */
#define CANDIDATE_ASK UINT32_C(0x80000000)

static uint32_t number_of(uint32_t candidate)
{
    return candidate & ~CANDIDATE_ASK;
}

/* The lowest rules that a search came upon. */
struct candidates {
    struct rule_search search; /* first, so that one is found from the other */
    const struct classifier *classifier;
    const struct packet *packet;
    uint32_t count;
    uint32_t rules[CANDIDATES]; /* ascending */
};

/* Whether nothing behind a rule with TRAITS matters any more, if it holds for the flow of PACKET.
 */
static bool ends_run(uint8_t traits, const struct packet *packet)
{
    return (traits & RULE_CHANGES_LATER) != 0 ||
           ((traits & RULE_DECIDES) != 0 && !is_open(traits, packet));
}

/* Puts RULE at its place. What has no room any more is left to the next search. */
static void add_candidate(struct rule_search *search, uint32_t rule, bool asks)
{
    struct candidates *candidates = (struct candidates *)search;
    uint32_t *rules = candidates->rules, at = candidates->count;

    __builtin_prefetch(&candidates->classifier->ruleset->rules[rule]);
    while (at > 0 && number_of(rules[at - 1]) > rule)
        at--;
    if (candidates->count == CANDIDATES) {
        search->limit = MIN_OF(search->limit, MAX_OF(rule, number_of(rules[CANDIDATES - 1])));
        if (at == CANDIDATES)
            return;
        candidates->count--;
    }
    memmove(&rules[at + 1], &rules[at], (candidates->count - at) * sizeof(rules[0]));
    rules[at] = asks ? rule | CANDIDATE_ASK : rule;
    candidates->count++;
    if (!asks && ends_run(candidates->classifier->traits[rule], candidates->packet))
        search->limit = rule;
}

/* RULE holds for the flow of PACKET: into RUN. False when the run ends with it. */
static bool add_to_run(struct rule_run *run, uint32_t rule, uint8_t traits,
                       const struct packet *packet)
{
    run->rules[run->count++] = is_open(traits, packet) ? rule | RUN_ASK : rule;
    run->resume = rule + 1;
    return run->count < RUN_RULES && !ends_run(traits, packet);
}

static void candidates_begin(struct candidates *candidates, const struct classifier *classifier,
                             const struct packet *packet, const struct point *point, size_t from)
{
    candidates->count = 0;
    candidates->classifier = classifier;
    candidates->packet = packet;
    candidates->search = (struct rule_search){
        .point = point,
        .unknown = unknown_of(packet),
        .from = (uint32_t)from,
        .limit = (uint32_t)classifier->ruleset->rule_count,
        .found = add_candidate,
    };
}

/* Those of the CANDIDATES that hold for the flow, to RET_RUN. */
static void choose(const struct candidates *candidates, const struct match_context *context,
                   struct rule_run *ret_run)
{
    const struct classifier *classifier = candidates->classifier;
    const struct packet *packet = candidates->packet;

    ret_run->count = 0;
    for (uint32_t i = 0; i < candidates->count; i++) {
        uint32_t rule = number_of(candidates->rules[i]);

        if (candidates->rules[i] != rule &&
            !holds_for_flow(&classifier->ruleset->rules[rule], context, packet))
            continue;
        if (!add_to_run(ret_run, rule, classifier->traits[rule], packet))
            return;
    }
    ret_run->resume = candidates->search.limit;
}

void classifier_search(const struct classifier *classifier, const struct match_context *context,
                       const struct packet *packet, size_t from, struct rule_run *ret_run)
{
    const struct point point = point_of(packet);
    struct candidates candidates;

    candidates_begin(&candidates, classifier, packet, &point, from);
    rule_tree_search(classifier->trees[packet->family], &candidates.search);
    choose(&candidates, context, ret_run);
}

void classifier_foresee(const struct classifier *classifier, enum ip_family family,
                        const struct packet *const *packets, size_t count,
                        struct rule_foresight *ret_foresights)
{
    for (size_t i = 0; i < count; i++)
        ret_foresights[i] = (struct rule_foresight){point_of(packets[i]), NULL};
    rule_tree_fetch(classifier->trees[family], ret_foresights, count);
}

void classifier_search_on(const struct classifier *classifier, const struct match_context *context,
                          const struct packet *packet, const struct rule_foresight *foresight,
                          struct rule_run *ret_run)
{
    struct candidates candidates;

    candidates_begin(&candidates, classifier, packet, &foresight->point, 0);
    rule_tree_search_on(classifier->trees[packet->family], foresight, &candidates.search);
    choose(&candidates, context, ret_run);
}
