/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [main], [tun], [divert] and [flows]: from text into the configuration, and what only fits
 * together. */
#include "setting.h"

#include "later.h"

#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    /* The least MTU of a link that carries IPv6 (RFC 8200 5). */
    IPV6_MTU_MIN = 1280,
    /* From `priority` on: the rule itself, its guard, and the exclusions above the divert rule. */
    PRIORITIES_NEEDED = 3,
    /* Tables default, main and local of every host (rtnetlink(7)) begin here. */
    KERNEL_TABLE_FIRST = 253,
};

const struct setting_group *const setting_groups[SETTING_GROUPS] = {
    &setting_main,
    &setting_tun,
    &setting_divert,
    &setting_flows,
};

const struct setting_group *setting_group_find(const char *section)
{
    for (size_t i = 0; i < SETTING_GROUPS; i++) {
        if (strcmp(setting_groups[i]->section, section) == 0)
            return setting_groups[i];
    }
    return NULL;
}

static const struct setting *find_setting(const struct setting_group *group, const char *key)
{
    for (size_t i = 0; i < group->count; i++) {
        if (strcmp(group->settings[i].key, key) == 0)
            return &group->settings[i];
    }
    return NULL;
}

const char *setting_section_of(const char *key)
{
    for (size_t i = 0; i < SETTING_GROUPS; i++) {
        if (find_setting(setting_groups[i], key) != NULL)
            return setting_groups[i]->section;
    }
    return NULL;
}

static void report_unknown(const struct setting_group *group, const struct section *section,
                           const struct entry *entry, struct report *report)
{
    const struct place place = entry_place(section, entry);
    const char *home = setting_section_of(entry->key);
    struct text_guess guess = TEXT_GUESS(entry->key);

    for (size_t i = 0; i < group->count; i++)
        text_guess_offer(&guess, group->settings[i].key);
    if (later_has_key(group->section, entry->key))
        report_error(report, &place, "is not in this version yet: leave it out");
    else if (home != NULL)
        report_error(report, &place, "is a key of [%s], not of [%s]", home, group->section);
    else if (guess.name != NULL)
        report_error(report, &place, "unknown key; did you mean '%s'?", guess.name);
    else
        report_error(report, &place, "unknown key: ipmodd.conf(5) lists those of [%s]",
                     group->section);
}

/* The value of ENTRY as its setting parses it, owned by the caller. NULL without memory. */
static char *value_of(const struct setting_group *group, const struct section *section,
                      const struct entry *entry)
{
    if (group->path_key == NULL || strcmp(entry->key, group->path_key) != 0 ||
        strcmp(entry->value, "auto") == 0 || strcmp(entry->value, "off") == 0)
        return strdup(entry->value);
    return section_resolve_path(section, entry->value);
}

static int apply_entry(const struct setting_group *group, const struct section *section,
                       const struct entry *entry, struct config *config, struct report *report)
{
    const struct setting *setting = find_setting(group, entry->key);
    const struct place place = entry_place(section, entry);
    char CLEANUP(cleanup_free) *value = NULL;
    struct value_error error;
    int r;

    if (setting == NULL) {
        report_unknown(group, section, entry, report);
        return 0;
    }
    if (*entry->value == '\0') {
        report_error(report, &place, "has no value: %s", setting->grammar);
        return 0;
    }
    value = value_of(group, section, entry);
    if (value == NULL)
        return -ENOMEM;
    r = setting->parse(value, config, &error);
    if (r == -EINVAL)
        report_error(report, &place, "%s", error.text);
    return r == -EINVAL ? 0 : r;
}

int setting_apply_section(const struct setting_group *group, const struct section *section,
                          struct config *config, struct report *report)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        int r = apply_entry(group, section, &section->entries[i], config, report);

        if (r < 0)
            return r;
    }
    return 0;
}

/* Where KEY of SECTION got the value that counts; the section as such when it is the default. */
static struct place place_of(const struct document *document, const char *section, const char *key)
{
    struct place place = {.file = document->section_count > 0 ? document->sections[0].file : NULL,
                          .section = section,
                          .key = key};

    for (size_t i = 0; i < document->section_count; i++) {
        const struct section *candidate = &document->sections[i];
        const struct entry *entry = section_find_entry(candidate, key);

        if (strcmp(candidate->name, section) == 0 && entry != NULL)
            place = entry_place(candidate, entry);
    }
    return place;
}

static void check_priorities(const struct config_divert *divert, const struct document *document,
                             struct report *report)
{
    const struct place place = place_of(document, "divert", "divert-priority");

    if (divert->divert_priority >= divert->priority + PRIORITIES_NEEDED)
        return;
    report_error(report, &place,
                 "%" PRIu32 " must be at least %d above priority = %" PRIu32
                 ": the loop guard and the exclusions stand between the two",
                 divert->divert_priority, PRIORITIES_NEEDED, divert->priority);
}

/* What comes in has the table behind the configured one. */
static void check_inbound_table(const struct config_divert *divert, const struct document *document,
                                struct report *report)
{
    const struct place place = place_of(document, "divert", "table");

    if ((divert->directions & DIRECTIONS_IN) == 0 ||
        (divert->table < UINT32_MAX && divert->table + 1 != KERNEL_TABLE_FIRST))
        return;
    report_error(report, &place,
                 "%" PRIu32 " leaves no table behind it for direction = in: another one",
                 divert->table);
}

static void check_interfaces(const struct config *config, const struct document *document,
                             struct report *report)
{
    const struct place place = place_of(document, "divert", "interfaces");

    if (config->divert.interface_count > 0 &&
        config_diverts_device(&config->divert, config->tun.name))
        report_error(report, &place, "%s is the tun device itself: name those that lead out",
                     config->tun.name);
}

static void check_mtu(const struct config *config, const struct document *document,
                      struct report *report)
{
    const struct place place = place_of(document, "tun", "mtu");

    if (config->tun.mtu == 0 || config->tun.mtu >= IPV6_MTU_MIN ||
        (config->divert.families & FAMILIES_IPV6) == 0)
        return;
    report_error(report, &place,
                 "%" PRIu32 " is too small for IPv6: at least %d, or [divert] family = ipv4",
                 config->tun.mtu, IPV6_MTU_MIN);
}

static void check_addresses(const struct config *config, const struct document *document,
                            struct report *report)
{
    const struct place place = place_of(document, "tun", "address");
    unsigned given = 0;

    for (size_t i = 0; i < config->tun.address_count; i++)
        given |= 1u << config->tun.addresses[i].addr.family;
    if (given == 0)
        return;
    if ((given & ~config->divert.families) != 0)
        report_error(report, &place,
                     "has an address of a family that [divert] family does not divert");
    if ((config->divert.families & ~given) != 0)
        report_error(report, &place,
                     "has no address of %s: give one, write borrow, or leave the family out of "
                     "[divert] family",
                     (config->divert.families & ~given) == FAMILIES_IPV4 ? "ipv4" : "ipv6");
}

void setting_check(const struct config *config, const struct document *document,
                   struct report *report)
{
    check_priorities(&config->divert, document, report);
    check_inbound_table(&config->divert, document, report);
    check_interfaces(config, document, report);
    check_mtu(config, document, report);
    check_addresses(config, document, report);
}
