/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger of changed settings: lock, file, entries. */
#include "kernel/ledger.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

enum { ENTRIES_MAX = 65536 };

static const char *runtime_directory(void)
{
    const char *directory = getenv("RUNTIME_DIRECTORY");

    return directory != NULL && directory[0] == '/' ? directory : "/run/ipmodd";
}

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
 * Opens and locks PATH. The file may have been removed by the instance that held the lock before:
 * then the lock is on a file that nobody else will find, and it is tried again.
 */
static int lock_file(const char *path, int *ret_fd)
{
    for (;;) {
        int fd CLEANUP(cleanup_fd) = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat held, named;

        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (fstat(fd, &held) < 0)
            return -errno;
        if (stat(path, &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
            *ret_fd = TAKE_FD(fd);
            return 0;
        }
    }
}

static int read_leftovers(struct ledger *ledger)
{
    FILE *in CLEANUP(cleanup_file) = fopen(ledger->path, "re");

    if (in == NULL)
        return errno == ENOENT ? 0 : -errno;
    return ledger_read(ledger, in);
}

int ledger_open(struct ledger *ledger, struct fault *fault)
{
    const char *directory = runtime_directory();
    struct stat netns;
    int r;

    if (stat("/proc/self/ns/net", &netns) < 0)
        return fault_set(fault, -errno, "/proc/self/ns/net");
    if (mkdir(directory, 0755) < 0 && errno != EEXIST)
        return fault_set(fault, -errno, "making %s", directory);
    ledger->cookie = netns_cookie();
    snprintf(ledger->path, sizeof(ledger->path), "%s/netns-%ju.state", directory,
             (uintmax_t)netns.st_ino);
    snprintf(ledger->lock_path, sizeof(ledger->lock_path), "%s/netns-%ju.lock", directory,
             (uintmax_t)netns.st_ino);
    r = lock_file(ledger->lock_path, &ledger->lock_fd);
    if (r == -EBUSY)
        return fault_explain(fault, r,
                             "another ipmodd runs in this network namespace (it holds %s): stop "
                             "it first",
                             ledger->lock_path);
    if (r < 0)
        return fault_set(fault, r, "locking %s", ledger->lock_path);
    r = read_leftovers(ledger);
    return r < 0 ? fault_set(fault, r, "reading %s", ledger->path) : 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger->lock_fd >= 0) {
        if (ledger->count == 0)
            unlink(ledger->path);
        unlink(ledger->lock_path);
        close(ledger->lock_fd);
    }
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
static int save_file(const struct ledger *ledger)
{
    char temporary[LEDGER_PATH + 8];
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
    return r < 0 ? r : save_file(ledger);
}

int ledger_forget(struct ledger *ledger, size_t index)
{
    memmove(&ledger->entries[index], &ledger->entries[index + 1],
            (ledger->count - index - 1) * sizeof(ledger->entries[0]));
    ledger->count--;
    return save_file(ledger);
}

void ledger_write(const struct ledger *ledger, FILE *out)
{
    fprintf(out, "ipmodd 1 %" PRIu64 "\n", ledger->cookie);
    for (size_t i = 0; i < ledger->count; i++) {
        const struct ledger_entry *entry = &ledger->entries[i];

        fprintf(out, "%s %s %s %" PRId32 " %" PRId32 "\n", ip_family_name(entry->ours.family),
                entry->ours.device, entry->ours.name, entry->ours.value, entry->original);
    }
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
    if (strchr(entry.ours.device, '/') != NULL || strchr(entry.ours.name, '/') != NULL ||
        strcmp(entry.ours.device, "..") == 0 || strcmp(entry.ours.device, ".") == 0)
        return false; /* they become parts of a path */
    if (strcmp(family, "ipv4") != 0 && strcmp(family, "ipv6") != 0)
        return false;
    entry.ours.family = strcmp(family, "ipv4") == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
    *ret_entry = entry;
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
        int r;

        if (!parse_entry(line, &entry) ||
            ledger_find(ledger, entry.ours.family, entry.ours.device, entry.ours.name) != NULL)
            continue;
        r = add_entry(ledger, &entry);
        if (r < 0)
            return r;
    }
    return 0;
}
