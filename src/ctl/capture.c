/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading captures through libpcap. */
#include "capture.h"

#include "capture_file.h"
#include "ipmodd/base/macro.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of our own reads: large, because each is a system call. */
enum { READ_BUFFER = 1 << 18 };

int capture_fail(struct capture_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* libpcap's numbers of link types. */
static const struct {
    int dlt;
    enum link_type type;
} link_types[] = {
    {DLT_RAW, LINK_RAW},         {DLT_IPV4, LINK_RAW},      {DLT_IPV6, LINK_RAW},
    {DLT_EN10MB, LINK_ETHERNET}, {DLT_LINUX_SLL, LINK_SLL}, {DLT_LINUX_SLL2, LINK_SLL2},
    {DLT_NULL, LINK_NULL},       {DLT_LOOP, LINK_LOOP},
};

/* 0 or -EINVAL. */
static int find_link_type(struct capture *capture, struct capture_error *error)
{
    int dlt = pcap_datalink(capture->pcap);
    const char *name = pcap_datalink_val_to_name(dlt);

    for (size_t i = 0; i < ARRAY_SIZE(link_types); i++) {
        if (link_types[i].dlt == dlt) {
            capture->link_type = link_types[i].type;
            return 0;
        }
    }
    return capture_fail(error,
                        "%s: link type %s (%d) is not one of raw IP, Ethernet, Linux cooked and "
                        "loopback",
                        capture->name, name != NULL ? name : "unknown", dlt);
}

/* The first bytes have been taken already. */
static ssize_t read_on(void *cookie, char *buffer, size_t size)
{
    struct capture *capture = cookie;
    size_t ahead = MIN_OF(capture->magic_size - capture->magic_given, size);
    ssize_t count;

    if (ahead > 0) {
        memcpy(buffer, capture->magic + capture->magic_given, ahead);
        capture->magic_given += ahead;
        return (ssize_t)ahead;
    }
    do
        count = read(capture->fd, buffer, size);
    while (count < 0 && errno == EINTR);
    if (count > 0)
        capture->bytes_read += (uint64_t)count;
    return count;
}

/* 0, or -errno. Fewer bytes at the end of the file. */
static int read_magic(struct capture *capture)
{
    while (capture->magic_size < sizeof(capture->magic)) {
        ssize_t count = read(capture->fd, capture->magic + capture->magic_size,
                             sizeof(capture->magic) - capture->magic_size);

        if (count == 0)
            return 0;
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0)
            capture->magic_size += (size_t)count;
    }
    return 0;
}

/* Compressed captures are common, and libpcap's words for them are not helpful. */
static const char *compression(const struct capture *capture)
{
    static const struct {
        uint8_t magic[4];
        size_t size;
        const char *reader;
    } formats[] = {
        {{0x1f, 0x8b}, 2, "zcat"},
        {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstdcat"},
        {{0xfd, '7', 'z', 'X'}, 4, "xzcat"},
        {{'B', 'Z', 'h'}, 3, "bzcat"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (capture->magic_size >= formats[i].size &&
            memcmp(capture->magic, formats[i].magic, formats[i].size) == 0)
            return formats[i].reader;
    }
    return NULL;
}

/* Microseconds are the older of pcap's two resolutions; pcapng says it interface by interface. */
static bool has_microseconds(const struct capture *capture)
{
    static const uint8_t big[4] = {0xa1, 0xb2, 0xc3, 0xd4}, little[4] = {0xd4, 0xc3, 0xb2, 0xa1};

    return memcmp(capture->magic, big, 4) == 0 || memcmp(capture->magic, little, 4) == 0;
}

/* libpcap reads through a stream of ours, which it closes. */
static int open_pcap(struct capture *capture, struct capture_error *error)
{
    const cookie_io_functions_t functions = {.read = read_on};
    char text[PCAP_ERRBUF_SIZE];
    const char *reader = compression(capture);
    FILE *stream;

    if (reader != NULL)
        return capture_fail(error, "%s is compressed: try %s %s | ipmodctl … - …", capture->name,
                            reader, capture->name);
    stream = fopencookie(capture, "r", functions);
    if (stream == NULL)
        return capture_fail(error, "%s: %s", capture->name, strerror(errno));
    setvbuf(stream, NULL, _IOFBF, READ_BUFFER);
    capture->pcap =
        pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, text);
    if (capture->pcap == NULL) {
        fclose(stream);
        return capture_fail(error, "%s is no capture that can be read: %s", capture->name, text);
    }
    return 0;
}

static int look_at_file(struct capture *capture, struct capture_error *error)
{
    int r;

    if (fstat(capture->fd, &capture->status) < 0)
        return capture_fail(error, "%s: %s", capture->name, strerror(errno));
    if (S_ISDIR(capture->status.st_mode))
        return capture_fail(error, "%s is a directory", capture->name);
    r = read_magic(capture);
    if (r < 0)
        return capture_fail(error, "%s: %s", capture->name, strerror(-r));
    capture->microseconds = has_microseconds(capture);
    return 0;
}

int capture_open_fd(int fd, const char *name, struct capture **ret_capture,
                    struct capture_error *error)
{
    struct capture *capture = calloc(1, sizeof(*capture));
    int r;

    if (capture == NULL) {
        close(fd);
        return capture_fail(error, "not enough memory");
    }
    capture->fd = fd;
    capture->name = name;
    r = look_at_file(capture, error);
    if (r == 0)
        r = open_pcap(capture, error);
    if (r == 0)
        r = find_link_type(capture, error);
    if (r < 0) {
        capture_close(capture);
        return r;
    }
    *ret_capture = capture;
    return 0;
}

int capture_open(const char *path, struct capture **ret_capture, struct capture_error *error)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return capture_fail(error, "%s: %s", path, strerror(errno));
    return capture_open_fd(fd, standard ? "standard input" : path, ret_capture, error);
}

void capture_close(struct capture *capture)
{
    if (capture == NULL)
        return;
    if (capture->pcap != NULL)
        pcap_close(capture->pcap);
    close(capture->fd);
    free(capture);
}

void capture_cleanup(struct capture **capture)
{
    capture_close(*capture);
}

int capture_next(struct capture *capture, struct frame *ret_frame, struct capture_error *error)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    int r = pcap_next_ex(capture->pcap, &header, &bytes);

    if (r == PCAP_ERROR_BREAK)
        return 0;
    if (r != 1)
        return capture_fail(error, "%s: after packet %llu: %s", capture->name,
                            (unsigned long long)capture->frames, pcap_geterr(capture->pcap));
    capture->frames++;
    *ret_frame = (struct frame){
        .bytes = bytes,
        .captured = header->caplen,
        .length = header->len,
        .time = {.tv_sec = header->ts.tv_sec, .tv_nsec = header->ts.tv_usec},
    };
    return 1;
}

enum link_type capture_link_type(const struct capture *capture)
{
    return capture->link_type;
}

const char *capture_name(const struct capture *capture)
{
    return capture->name;
}

double capture_progress(const struct capture *capture)
{
    if (!S_ISREG(capture->status.st_mode) || capture->status.st_size <= 0)
        return -1;
    return MIN_OF((double)capture->bytes_read / (double)capture->status.st_size, 1.0);
}

bool capture_is_file(const struct capture *capture, int fd)
{
    struct stat other;

    return S_ISREG(capture->status.st_mode) && fstat(fd, &other) == 0 &&
           other.st_dev == capture->status.st_dev && other.st_ino == capture->status.st_ino;
}
