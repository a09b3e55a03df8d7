/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snat, dnat, masquerade, redirect, netmap: what a flow's source or destination is translated to
 * (translation.h). */
#include "table.h"
#include "translation_value.h"

#include "ipmodd/datapath/ruleset.h"

#include <stdlib.h>

static int snat_parse(const char *text, const struct scope *scope, void **ret_value,
                      struct value_error *error)
{
    (void)scope;
    return translation_parse_target(text, TRANSLATION_SNAT, ret_value, error);
}

static int dnat_parse(const char *text, const struct scope *scope, void **ret_value,
                      struct value_error *error)
{
    (void)scope;
    return translation_parse_target(text, TRANSLATION_DNAT, ret_value, error);
}

static int masquerade_parse(const char *text, const struct scope *scope, void **ret_value,
                            struct value_error *error)
{
    (void)scope;
    return translation_parse_masquerade(text, ret_value, error);
}

static int redirect_parse(const char *text, const struct scope *scope, void **ret_value,
                          struct value_error *error)
{
    (void)scope;
    return translation_parse_redirect(text, ret_value, error);
}

static int netmap_parse(const char *text, const struct scope *scope, void **ret_value,
                        struct value_error *error)
{
    (void)scope;
    return translation_parse_prefix(text, ret_value, error);
}

/* FAMILIES_* that it translates to. */
static unsigned families_of(const struct translation *translation)
{
    switch (translation->kind) {
    case TRANSLATION_SNAT:
    case TRANSLATION_DNAT:
        return 1u << translation->addresses.first.family;
    case TRANSLATION_NETMAP_SRC:
    case TRANSLATION_NETMAP_DST:
        return 1u << translation->prefix.addr.family;
    case TRANSLATION_MASQUERADE:
    case TRANSLATION_REDIRECT:
        break;
    }
    return FAMILIES_ALL;
}

enum packet_end translation_end(const struct translation *translation)
{
    switch (translation->kind) {
    case TRANSLATION_SNAT:
    case TRANSLATION_MASQUERADE:
    case TRANSLATION_NETMAP_SRC:
        break;
    case TRANSLATION_DNAT:
    case TRANSLATION_REDIRECT:
    case TRANSLATION_NETMAP_DST:
        return PACKET_DST;
    }
    return PACKET_SRC;
}

/* A port to send to says that there are ports; one to send from is for what has any. */
static bool needs_ports(const struct translation *translation)
{
    return translation_end(translation) == PACKET_DST && translation->has_ports;
}

static void translation_narrow(const void *value, struct scope *scope)
{
    const struct translation *translation = value;
    const struct scope ports = scope_ports();

    scope_keep_families(scope, families_of(translation));
    if (needs_ports(translation))
        scope_intersect(scope, &ports);
}

/*
 * This host's answers to itself never leave it: what it sends cannot be led back to it, as nothing
 * would give them the address that was asked.
 */
static bool applies(const struct translation *translation, const struct packet *packet)
{
    if ((families_of(translation) & 1u << packet->family) == 0)
        return false;
    if (translation->kind == TRANSLATION_REDIRECT && packet->direction == DIRECTION_OUT)
        return false;
    return !needs_ports(translation) || packet_has_ports(packet);
}

/* The first rule that speaks of an end decides about it. */
static enum step translation_apply(const void *value, const struct action_context *context,
                                   struct packet *packet)
{
    const struct translation *translation = value;
    struct translation_note *note = &packet->notes[translation_end(translation)];

    if (note->translation == NULL && applies(translation, packet))
        *note = (struct translation_note){translation, context->rule->identity};
    return STEP_NEXT;
}

static void value_print(const void *value, FILE *out)
{
    translation_print(value, out);
}

/* Parts that went elsewhere, or came from elsewhere, would never be one datagram again. */
static bool translation_needs_all_fragments(const void *value)
{
    (void)value;
    return true;
}

/* They differ in what their values say alone. */
#define TRANSLATION_ACTION(name, words)                         \
    const struct action_type action_##name = {                  \
        .key = #name,                                           \
        .grammar = words,                                       \
        .parse = name##_parse,                                  \
        .free = free,                                           \
        .narrow = translation_narrow,                           \
        .apply = translation_apply,                             \
        .print = value_print,                                   \
        .needs_all_fragments = translation_needs_all_fragments, \
        .needs_flow = true,                                     \
    }

TRANSLATION_ACTION(snat, "ADDRESS[-ADDRESS][:PORT[-PORT]] [random] [persistent]");
TRANSLATION_ACTION(dnat, "ADDRESS[-ADDRESS][:PORT[-PORT]] [random] [persistent]");
TRANSLATION_ACTION(masquerade, "yes or :PORT[-PORT], then random or nothing");
TRANSLATION_ACTION(redirect, ":PORT[-PORT]");
TRANSLATION_ACTION(netmap, "src PREFIX or dst PREFIX");
