/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger of changed settings: locks, entries, and the file on disk. */
#include "kernel/ledger.h"

#include <errno.h>
#include <fcntl.h>
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

/*
 * A stream of PATH, which may stand in a directory of a service's user: what that user has put
 * there leads root nowhere else, and keeps nobody waiting. NULL with errno.
 */
static FILE *open_stream(const char *path, int flags, const char *mode)
{
    int fd CLEANUP(cleanup_fd) = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    FILE *stream = fd >= 0 ? fdopen(fd, mode) : NULL;

    if (stream != NULL)
        (void)TAKE_FD(fd);
    return stream;
}

static int read_leftovers(struct ledger *ledger)
{
    FILE *in CLEANUP(cleanup_file) = open_stream(ledger->path, O_RDONLY, "r");

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
    char text[PATH_MAX];
    const char *directory = lock_directory(text);
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
    if (r == 0)
        return 0;
    fault_set(fault, r, "reading %s", ledger->path);
    ledger->path[0] = '\0'; /* what it says is for whoever can read it */
    return r;
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

/* Whether there is nothing that another process would have to put back or take away. */
static bool is_settled(const struct ledger *ledger)
{
    return ledger->count == 0 && ledger->left_count == 0 &&
           ledger->local_protocol[FAMILY_IPV4] == 0 && ledger->local_protocol[FAMILY_IPV6] == 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger->path[0] != '\0' && is_settled(ledger))
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

int ledger_add(struct ledger *ledger, const struct ledger_entry *entry)
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
    unlink(temporary); /* of a process that was killed here */
    out = open_stream(temporary, O_WRONLY | O_CREAT | O_EXCL, "w");
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

int ledger_swept(struct ledger *ledger)
{
    ledger->left_count = 0;
    return ledger_save(ledger);
}

int ledger_record(struct ledger *ledger, const struct setting *setting, int32_t original)
{
    struct ledger_entry entry = {.ours = *setting, .original = original};
    int r;

    if (ledger_find(ledger, setting->family, setting->device, setting->name) != NULL)
        return 0;
    r = ledger_add(ledger, &entry);
    if (r < 0)
        return r;
    r = ledger_save(ledger);
    if (r < 0)
        ledger->count--; /* or the next try would find it and write the setting */
    return r;
}

void ledger_forget(struct ledger *ledger, size_t index)
{
    memmove(&ledger->entries[index], &ledger->entries[index + 1],
            (ledger->count - index - 1) * sizeof(ledger->entries[0]));
    ledger->count--;
    (void)ledger_save(ledger);
}
