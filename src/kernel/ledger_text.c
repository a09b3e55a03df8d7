/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger as lines of text. */
#include "kernel/ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static void write_instance(const struct instance *instance, FILE *out)
{
    fprintf(out, "instance %s %" PRIu32 " %" PRIu32 "\n", instance->tun, instance->table,
            instance->divert_priority);
}

void ledger_write(const struct ledger *ledger, FILE *out)
{
    fprintf(out, "ipmodd 1 %" PRIu64 "\n", ledger->cookie);
    write_instance(&ledger->instance, out);
    if (ledger_is_leaving(ledger))
        write_instance(&ledger->leaving, out);
    for (size_t i = 0; i < ledger->left_count; i++)
        write_instance(&ledger->left[i], out);
    for (int family = 0; family < FAMILY_COUNT; family++) {
        if (ledger->local_protocol[family] != 0)
            fprintf(out, "local %s %u\n", ip_family_name((enum ip_family)family),
                    ledger->local_protocol[family]);
    }
    for (size_t i = 0; i < ledger->count; i++) {
        const struct ledger_entry *entry = &ledger->entries[i];

        fprintf(out, "%s %s %s %" PRId32 " %" PRId32 "\n", ip_family_name(entry->ours.family),
                entry->ours.device, entry->ours.name, entry->ours.value, entry->original);
    }
}

static bool parse_family(const char *word, enum ip_family *ret_family)
{
    if (strcmp(word, "ipv4") != 0 && strcmp(word, "ipv6") != 0)
        return false;
    *ret_family = strcmp(word, "ipv4") == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
    return true;
}

static bool parse_local(const char *line, struct ledger *ledger)
{
    enum ip_family family;
    char word[8];
    uint8_t protocol;

    if (sscanf(line, "local %7s %" SCNu8, word, &protocol) != 2 || !parse_family(word, &family))
        return false;
    ledger->local_protocol[family] = protocol;
    return true;
}

/* They become parts of a path. */
static bool is_path_safe(const struct setting *setting)
{
    if (strchr(setting->name, '/') != NULL || strcmp(setting->name, "..") == 0)
        return false;
    if (strcmp(setting->device, SETTING_OF_FAMILY) == 0)
        return true;
    return strchr(setting->device, '/') == NULL && strcmp(setting->device, "..") != 0 &&
           strcmp(setting->device, ".") != 0;
}

static bool parse_entry(const char *line, struct ledger_entry *ret_entry)
{
    struct ledger_entry entry = {.original = 0};
    char family[8];
    int end = 0;

    static_assert(sizeof(entry.ours.device) == 16 && sizeof(entry.ours.name) == 24,
                  "the widths below");
    if (sscanf(line, "%7s %15s %23s %" SCNd32 " %" SCNd32 " %n", family, entry.ours.device,
               entry.ours.name, &entry.ours.value, &entry.original, &end) != 5 ||
        line[end] != '\0')
        return false;
    if (!is_path_safe(&entry.ours) || !parse_family(family, &entry.ours.family))
        return false;
    *ret_entry = entry;
    return true;
}

/* What comes in is not told by the line: who claims it sees to what is left of that. */
static bool parse_instance(const char *line, struct instance *ret_instance)
{
    struct instance instance = {.inbound = false};

    static_assert(sizeof(instance.tun) == 16, "the width below");
    if (sscanf(line, "instance %15s %" SCNu32 " %" SCNu32, instance.tun, &instance.table,
               &instance.divert_priority) != 3)
        return false;
    *ret_instance = instance;
    return true;
}

int ledger_read(struct ledger *ledger, FILE *in)
{
    char line[160];
    uint64_t cookie = 0;

    if (fgets(line, sizeof(line), in) == NULL || sscanf(line, "ipmodd 1 %" SCNu64, &cookie) != 1 ||
        cookie != ledger->cookie)
        return 0;
    while (fgets(line, sizeof(line), in) != NULL) {
        struct ledger_entry entry;
        struct instance left;
        int r;

        if (parse_local(line, ledger))
            continue;
        if (parse_instance(line, &left)) {
            if (ledger->left_count < LEDGER_LEFT_MAX)
                ledger->left[ledger->left_count++] = left;
            continue;
        }
        if (!parse_entry(line, &entry) ||
            ledger_find(ledger, entry.ours.family, entry.ours.device, entry.ours.name) != NULL)
            continue;
        r = ledger_add(ledger, &entry);
        if (r < 0)
            return r;
    }
    return 0;
}
