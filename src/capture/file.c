/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes one capture. */
#include "file.h"

#include "build_config.h"
#include "ipmodd/wire/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MODE = 0640,
    DIRECTORY_MODE = 0750,
    PATH_TEXT = CAPTURE_NAME_MAX + 32,
    WHAT_TEXT = CAPTURE_WHAT_MAX + 128,
};

#define RETRY_NS UINT64_C(1000000000)

struct capture_file *capture_file_new(const char *name)
{
    struct capture_file *file = calloc(1, sizeof(*file));

    if (file == NULL)
        return NULL;
    snprintf(file->state.name, sizeof(file->state.name), "%s", name);
    file->fd = -1;
    return file;
}

/* "NAME.pcapng", of older files "NAME.pcapng.AGE". */
static const char *path_of(const struct capture_file *file, unsigned age,
                           char text[static PATH_TEXT])
{
    if (age == 0)
        snprintf(text, PATH_TEXT, "%s.pcapng", file->state.name);
    else
        snprintf(text, PATH_TEXT, "%s.pcapng.%u", file->state.name, age);
    return text;
}

/* Makes way for a new file, so that there are FILES at most. 0 or -errno. */
static int make_way(const struct capture_file *file, int directory, unsigned files)
{
    char from[PATH_TEXT], to[PATH_TEXT];

    if (faccessat(directory, path_of(file, 0, from), F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    for (unsigned age = files; unlinkat(directory, path_of(file, age, to), 0) == 0; age++)
        continue;
    if (files == 1)
        return unlinkat(directory, from, 0) < 0 ? -errno : 0;
    for (unsigned age = files - 1; age > 0; age--) {
        if (renameat(directory, path_of(file, age - 1, from), directory, path_of(file, age, to)) <
                0 &&
            errno != ENOENT)
            return -errno;
    }
    return 0;
}

static int open_directory(struct capture_place *place)
{
    if (place->fd >= 0)
        return 0;
    if (mkdir(place->directory, DIRECTORY_MODE) < 0 && errno != EEXIST)
        return -errno;
    place->fd = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return place->fd < 0 ? -errno : 0;
}

/* The mode is what was asked for, whatever the umask. */
static int create(struct capture_file *file, struct capture_place *place, unsigned files)
{
    char path[PATH_TEXT];
    int r = open_directory(place);

    if (r == 0)
        r = make_way(file, place->fd, files);
    if (r < 0)
        return r;
    file->fd = openat(place->fd, path_of(file, 0, path),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (file->fd < 0)
        return -errno;
    return fchmod(file->fd, FILE_MODE) < 0 ? -errno : 0;
}

static void put_header(struct capture_file *file, const struct capture_place *place)
{
    const struct pcapng_section section = {.application = "ipmodd " IPMODD_VERSION,
                                           .comment = file->state.name};
    const struct pcapng_interface interface = {.link_type = PCAPNG_RAW, .name = place->interface};

    file->pending = pcapng_put_section(file->buffer, sizeof(file->buffer), &section);
    file->pending += pcapng_put_interface(file->buffer + file->pending,
                                          sizeof(file->buffer) - file->pending, &interface);
}

/* Writes all of the buffer. 0 or -errno with *RET_DONE bytes written. */
static int write_out(const struct capture_file *file, size_t *ret_done)
{
    *ret_done = 0;
    while (*ret_done < file->pending) {
        ssize_t written = write(file->fd, file->buffer + *ret_done, file->pending - *ret_done);

        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0)
            *ret_done += (size_t)written;
    }
    return 0;
}

/* Of the block at OFFSET of the buffer. */
static size_t block_length(const struct capture_file *file, size_t offset)
{
    return pcapng_block_length(file->buffer + offset);
}

/* The first LENGTH bytes of the buffer's packets are in the file: what of them is whole counts. */
static void count_written(struct capture_file *file, size_t length)
{
    size_t whole = 0;

    while (whole < length && whole + block_length(file, whole) <= length) {
        whole += block_length(file, whole);
        file->state.packets++;
        file->pending_packets--;
    }
    file->size += whole;
    file->state.bytes += whole;
}

/* Back to the last whole block. 0 or -errno. */
static int cut_back(const struct capture_file *file)
{
    if (ftruncate(file->fd, (off_t)file->size) < 0 ||
        lseek(file->fd, (off_t)file->size, SEEK_SET) < 0)
        return -errno;
    return 0;
}

static void forget(struct capture_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    file->size = 0;
}

void capture_file_flush(struct capture_file *file)
{
    size_t done;
    int r;

    if (file->fd < 0 || file->pending == 0)
        return;
    r = write_out(file, &done);
    count_written(file, done);
    if (r < 0) {
        file->state.error = -r;
        file->state.lost += file->pending_packets;
        if (cut_back(file) < 0)
            forget(file);
    }
    file->pending = 0;
    file->pending_packets = 0;
}

void capture_file_close(struct capture_file *file)
{
    capture_file_flush(file);
    forget(file);
}

/* A file with its header in it. 0 or -errno, and then there is none. */
static int begin(struct capture_file *file, struct capture_place *place, unsigned files)
{
    char path[PATH_TEXT];
    size_t done;
    int r = create(file, place, files);

    if (r == 0) {
        put_header(file, place);
        r = write_out(file, &done);
    }
    if (r == 0) {
        file->size = file->pending;
        file->state.bytes += file->pending;
    } else if (file->fd >= 0) {
        unlinkat(place->fd, path_of(file, 0, path), 0);
        forget(file);
    }
    file->pending = 0;
    return r;
}

/* Whether there is a file to write to. */
static bool be_open(struct capture_file *file, struct capture_place *place, unsigned files,
                    uint64_t now_ns)
{
    int r;

    if (file->fd >= 0)
        return true;
    if (now_ns < file->retry_ns)
        return false;
    r = begin(file, place, files);
    if (r == 0)
        return true;
    if (r == -ENOENT) { /* somebody took the directory away */
        close(place->fd);
        place->fd = -1;
    }
    file->state.error = -r;
    file->retry_ns = now_ns + RETRY_NS;
    return false;
}

/* "rule no-quic: verdict = reject (rejected)", "rule voice: set-dscp = ef, before". */
static const char *describe(const struct capture_record *record, char text[static WHAT_TEXT])
{
    static const char *const stages[] = {
        [CAPTURE_ONLY] = "", [CAPTURE_BEFORE] = ", before", [CAPTURE_AFTER] = ", after"};
    char packets[48] = "", reason[64] = "";

    if (record->segments > 1)
        snprintf(packets, sizeof(packets), ", %zu packets of the wire", record->segments);
    if (record->stage != CAPTURE_BEFORE && record->fate == FATE_DROP)
        snprintf(reason, sizeof(reason), " (%s)", reason_name(record->reason));
    snprintf(text, WHAT_TEXT, "%s%s%s%s", record->what, stages[record->stage], packets, reason);
    return text;
}

static enum pcapng_direction direction_of(const struct capture_record *record)
{
    switch (record->direction) {
    case DIRECTION_OUT:
        return PCAPNG_OUTBOUND;
    case DIRECTION_IN:
        return PCAPNG_INBOUND;
    case DIRECTION_FORWARD:
    case DIRECTION_COUNT:
        break;
    }
    return PCAPNG_UNKNOWN; /* it comes in and goes out */
}

static void put(struct capture_file *file, const struct capture_record *record, uint64_t id)
{
    char text[WHAT_TEXT];
    const struct pcapng_packet packet = {
        .time_ns = record->time_ns,
        .data = record->data,
        .captured = record->captured,
        .length = record->length,
        .direction = direction_of(record),
        .dropped = record->record.lost,
        .has_id = true,
        .id = id,
        .comment = describe(record, text),
    };

    file->pending += pcapng_put_packet(file->buffer + file->pending,
                                       sizeof(file->buffer) - file->pending, &packet);
    file->pending_packets++;
}

void capture_file_add(struct capture_file *file, struct capture_place *place,
                      const struct capture_record *record, uint64_t id, uint64_t now_ns)
{
    size_t most = record->captured + PCAPNG_PACKET_OVERHEAD;

    if (most > sizeof(file->buffer) - file->pending)
        capture_file_flush(file);
    if (file->fd >= 0 && file->size + file->pending + most > record->file_size)
        capture_file_close(file);
    if (be_open(file, place, record->files, now_ns))
        put(file, record, id);
    else
        file->state.lost++;
}
