/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger of changed settings: lock, file, entries. */
#include "kernel/ledger.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

enum { ENTRIES_MAX = 65536 };

static uint64_t netns_cookie(void)
{
    int fd CLEANUP(cleanup_fd) = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint64_t cookie = 0;
    socklen_t len = sizeof(cookie);

    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
        return 0;
    return cookie;
}

static int read_leftovers(struct ledger *ledger)
{
    FILE *in CLEANUP(cleanup_file) = fopen(ledger->path, "re");

    if (in == NULL)
        return errno == ENOENT ? 0 : -errno;
    return ledger_read(ledger, in);
}

static void set_state_path(struct ledger *ledger)
{
    char *end;

    lock_path(&ledger->instance, LOCK_TUN, ledger->path);
    end = strrchr(ledger->path, '.');
    strcpy(end, ".state"); /* lock_path() leaves room */
}

int ledger_open(struct ledger *ledger, const struct instance *instance, struct fault *fault)
{
    const char *directory = lock_directory();
    int r = lock_make_directory(directory);

    if (r < 0)
        return fault_set(fault, r, "making %s", directory);
    ledger->instance = *instance;
    ledger->cookie = netns_cookie();
    for (int which = 0; which < LOCK_INBOUND && r == 0; which++)
        r = lock_take(instance, (enum lock_kind)which, &ledger->locks[which], fault);
    if (r < 0)
        return r;
    set_state_path(ledger);
    r = read_leftovers(ledger);
    return r < 0 ? fault_set(fault, r, "reading %s", ledger->path) : 0;
}

/* Those of INSTANCE's locks that are other ones than those held. */
static int take_others(const struct ledger *ledger, const struct instance *instance,
                       int locks[static LOCK_COUNT], struct fault *fault)
{
    int r = 0;

    if (ledger->instance.table != instance->table)
        r = lock_take(instance, LOCK_TABLE, &locks[LOCK_TABLE], fault);
    if (r == 0 && ledger->instance.divert_priority != instance->divert_priority)
        r = lock_take(instance, LOCK_PRIORITY, &locks[LOCK_PRIORITY], fault);
    return r;
}

static void drop_all(const struct instance *instance, int locks[static LOCK_COUNT])
{
    for (int which = LOCK_COUNT - 1; which >= 0; which--)
        lock_drop(instance, (enum lock_kind)which, &locks[which]);
}

/* What both places share has one lock, which stays where it is. */
static void exchange_locks(struct ledger *ledger)
{
    for (int which = 0; which < LOCK_COUNT; which++) {
        int lock = ledger->locks[which];

        if (ledger->leaving_locks[which] < 0)
            continue;
        ledger->locks[which] = ledger->leaving_locks[which];
        ledger->leaving_locks[which] = lock;
    }
}

int ledger_move(struct ledger *ledger, const struct instance *instance, struct fault *fault)
{
    const struct instance before = ledger->instance;
    int fresh[LOCK_COUNT] = {-1, -1, -1, -1};
    int r;

    if (instance_same_place(&before, instance))
        return 0;
    r = take_others(ledger, instance, fresh, fault);
    if (r == 0) {
        ledger->instance = *instance;
        ledger->leaving = before;
        r = ledger_save(ledger);
        if (r < 0)
            fault_set(fault, r, "writing %s", ledger->path);
    }
    if (r < 0) {
        ledger->instance = before;
        ledger->leaving = (struct instance){.tun = ""};
        drop_all(instance, fresh);
        return r;
    }
    memcpy(ledger->leaving_locks, fresh, sizeof(fresh));
    exchange_locks(ledger);
    return 0;
}

void ledger_move_back(struct ledger *ledger)
{
    const struct instance instance = ledger->instance;

    if (!ledger_is_leaving(ledger))
        return;
    ledger->instance = ledger->leaving;
    ledger->leaving = instance;
    exchange_locks(ledger);
}

bool ledger_is_leaving(const struct ledger *ledger)
{
    return ledger->leaving.tun[0] != '\0';
}

void ledger_left(struct ledger *ledger)
{
    drop_all(&ledger->leaving, ledger->leaving_locks);
    ledger->leaving = (struct instance){.tun = ""};
    /* One that cannot be written names a place too many: there is nothing to find in it. */
    (void)ledger_save(ledger);
}

int ledger_claim_inbound(struct ledger *ledger, struct fault *fault)
{
    if (ledger_has_inbound(ledger))
        return 0;
    return lock_take(&ledger->instance, LOCK_INBOUND, &ledger->locks[LOCK_INBOUND], fault);
}

int ledger_try_inbound(struct ledger *ledger)
{
    if (ledger_has_inbound(ledger))
        return 0;
    return lock_try(&ledger->instance, LOCK_INBOUND, &ledger->locks[LOCK_INBOUND]);
}

bool ledger_has_inbound(const struct ledger *ledger)
{
    return ledger->locks[LOCK_INBOUND] >= 0;
}

void ledger_leave_inbound(struct ledger *ledger)
{
    lock_drop(&ledger->instance, LOCK_INBOUND, &ledger->locks[LOCK_INBOUND]);
}

int ledger_move_local(struct ledger *ledger, enum ip_family family, uint8_t protocol)
{
    uint8_t before = ledger->local_protocol[family];
    int r = 0;

    ledger->local_protocol[family] = protocol;
    if (before != protocol)
        r = ledger_save(ledger);
    if (r < 0)
        ledger->local_protocol[family] = before;
    return r;
}

/* Whether there is nothing that another process would have to put back. */
static bool is_settled(const struct ledger *ledger)
{
    return ledger->count == 0 && ledger->local_protocol[FAMILY_IPV4] == 0 &&
           ledger->local_protocol[FAMILY_IPV6] == 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger->locks[LOCK_PRIORITY] >= 0 && is_settled(ledger))
        unlink(ledger->path);
    drop_all(&ledger->leaving, ledger->leaving_locks);
    drop_all(&ledger->instance, ledger->locks);
    free(ledger->entries);
    *ledger = LEDGER_INIT;
}

const struct ledger_entry *ledger_find(const struct ledger *ledger, enum ip_family family,
                                       const char *device, const char *name)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const struct setting *ours = &ledger->entries[i].ours;

        if (ours->family == family && strcmp(ours->device, device) == 0 &&
            strcmp(ours->name, name) == 0)
            return &ledger->entries[i];
    }
    return NULL;
}

bool ledger_made(const struct ledger *ledger, enum ip_family family, const char *device,
                 const char *name, int32_t current)
{
    const struct ledger_entry *entry = ledger_find(ledger, family, device, name);

    return entry != NULL && entry->ours.value == current;
}

static int add_entry(struct ledger *ledger, const struct ledger_entry *entry)
{
    struct ledger_entry *entries;

    if (ledger->count >= ENTRIES_MAX)
        return -E2BIG;
    entries = reallocarray(ledger->entries, ledger->count + 1, sizeof(*entries));
    if (entries == NULL)
        return -ENOMEM;
    ledger->entries = entries;
    entries[ledger->count++] = *entry;
    return 0;
}

/* The whole file anew, on disk before its name is. */
int ledger_save(const struct ledger *ledger)
{
    char temporary[LOCK_PATH + 8];
    FILE *out;
    int r = 0;

    if (ledger->path[0] == '\0')
        return 0;
    snprintf(temporary, sizeof(temporary), "%s.new", ledger->path);
    out = fopen(temporary, "we");
    if (out == NULL)
        return -errno;
    ledger_write(ledger, out);
    if (fflush(out) != 0 || fsync(fileno(out)) < 0)
        r = -errno;
    if (fclose(out) != 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(temporary, ledger->path) < 0)
        r = -errno;
    if (r < 0)
        unlink(temporary);
    return r;
}

int ledger_record(struct ledger *ledger, const struct setting *setting, int32_t original)
{
    struct ledger_entry entry = {.ours = *setting, .original = original};
    int r;

    if (ledger_find(ledger, setting->family, setting->device, setting->name) != NULL)
        return 0;
    r = add_entry(ledger, &entry);
    return r < 0 ? r : ledger_save(ledger);
}

void ledger_forget(struct ledger *ledger, size_t index)
{
    memmove(&ledger->entries[index], &ledger->entries[index + 1],
            (ledger->count - index - 1) * sizeof(ledger->entries[0]));
    ledger->count--;
    (void)ledger_save(ledger);
}

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
        r = add_entry(ledger, &entry);
        if (r < 0)
            return r;
    }
    return 0;
}
