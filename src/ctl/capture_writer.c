/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing pcap files through libpcap, and pcapng files, which it does not write. */
#include "capture_file.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_BUFFER = 1 << 18 };

struct capture_writer {
    const char *name; /* borrowed */
    pcap_t *shape;    /* link type, snap length and resolution */
    FILE *stream;
    pcap_dumper_t *dumper; /* owns the stream; NULL: pcapng */
    uint8_t *block;        /* of pcapng: memory for one, grown as needed */
    size_t block_size;
};

/* An open descriptor, or -EINVAL. The file that is being read must not be emptied. */
static int open_file(const char *path, const struct capture *like, struct capture_error *error)
{
    CLEANUP(cleanup_fd) int fd = -1;

    if (strcmp(path, "-") == 0)
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    else
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return capture_fail(error, "%s: %s", path, strerror(errno));
    if (capture_is_file(like, fd))
        return capture_fail(error, "%s is what is read: it cannot be written to as well", path);
    if (strcmp(path, "-") != 0 && ftruncate(fd, 0) < 0 && errno != EINVAL) /* pipes, devices */
        return capture_fail(error, "%s: %s", path, strerror(errno));
    return TAKE_FD(fd);
}

static int open_stream(struct capture_writer *writer, int fd, struct capture_error *error)
{
    writer->stream = fdopen(fd, "w");
    if (writer->stream == NULL) {
        close(fd);
        return capture_fail(error, "%s: %s", writer->name, strerror(errno));
    }
    setvbuf(writer->stream, NULL, _IOFBF, WRITE_BUFFER);
    return 0;
}

/* The number that files have for a link type; libpcap's own differs for raw IP. */
static uint16_t link_type_of_file(int dlt)
{
    return dlt == DLT_RAW ? (uint16_t)PCAPNG_RAW : (uint16_t)dlt;
}

static int begin_pcapng(struct capture_writer *writer, struct capture_error *error)
{
    static const struct pcapng_section section = {.application = "ipmodctl"};
    const struct pcapng_interface interface = {
        .link_type = link_type_of_file(pcap_datalink(writer->shape)),
        .snap_length = (uint32_t)pcap_snapshot(writer->shape),
    };
    uint8_t head[PCAPNG_PACKET_OVERHEAD];
    size_t size = pcapng_put_section(head, sizeof(head), &section);

    size += pcapng_put_interface(head + size, sizeof(head) - size, &interface);
    if (fwrite(head, size, 1, writer->stream) != 1)
        return capture_fail(error, "%s: %s", writer->name, strerror(errno));
    return 0;
}

static int begin_pcap(struct capture_writer *writer, struct capture_error *error)
{
    writer->dumper = pcap_dump_fopen(writer->shape, writer->stream);
    if (writer->dumper == NULL)
        return capture_fail(error, "%s: %s", writer->name, pcap_geterr(writer->shape));
    return 0;
}

static bool is_pcapng(const char *path)
{
    size_t length = strlen(path);

    return length > strlen(".pcapng") && strcmp(path + length - strlen(".pcapng"), ".pcapng") == 0;
}

static void destroy(struct capture_writer *writer)
{
    if (writer->dumper != NULL)
        pcap_dump_close(writer->dumper);
    else if (writer->stream != NULL)
        fclose(writer->stream);
    if (writer->shape != NULL)
        pcap_close(writer->shape);
    free(writer->block);
    free(writer);
}

int capture_writer_open(const char *path, const struct capture *like, int largest,
                        struct capture_writer **ret_writer, struct capture_error *error)
{
    struct capture_writer *writer;
    int fd = open_file(path, like, error);
    int r;

    if (fd < 0)
        return fd;
    writer = calloc(1, sizeof(*writer));
    if (writer != NULL)
        writer->shape = pcap_open_dead_with_tstamp_precision(
            pcap_datalink(like->pcap), MAX_OF(pcap_snapshot(like->pcap), largest),
            like->microseconds ? PCAP_TSTAMP_PRECISION_MICRO : PCAP_TSTAMP_PRECISION_NANO);
    if (writer == NULL || writer->shape == NULL) {
        close(fd);
        free(writer);
        return capture_fail(error, "not enough memory");
    }
    writer->name = strcmp(path, "-") == 0 ? "standard output" : path;
    r = open_stream(writer, fd, error);
    if (r == 0)
        r = is_pcapng(path) ? begin_pcapng(writer, error) : begin_pcap(writer, error);
    if (r < 0) {
        destroy(writer);
        return r;
    }
    *ret_writer = writer;
    return 0;
}

bool capture_writer_shares(const struct capture_writer *writer, int fd)
{
    struct stat own, other;

    return fstat(fileno(writer->stream), &own) == 0 && fstat(fd, &other) == 0 &&
           !S_ISCHR(own.st_mode) && own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static int put_pcap(struct capture_writer *writer, const struct frame *frame)
{
    bool microseconds = pcap_get_tstamp_precision(writer->shape) == PCAP_TSTAMP_PRECISION_MICRO;
    const struct pcap_pkthdr header = {
        .ts = {.tv_sec = frame->time.tv_sec,
               .tv_usec = microseconds ? frame->time.tv_nsec / 1000 : frame->time.tv_nsec},
        .caplen = (bpf_u_int32)frame->captured,
        .len = (bpf_u_int32)frame->length,
    };

    pcap_dump((u_char *)writer->dumper, &header, frame->bytes);
    return 0;
}

static int put_pcapng(struct capture_writer *writer, const struct frame *frame)
{
    const struct pcapng_packet packet = {
        .time_ns = (uint64_t)frame->time.tv_sec * 1000000000 + (uint64_t)frame->time.tv_nsec,
        .data = frame->bytes,
        .captured = frame->captured,
        .length = frame->length,
    };
    size_t needed = frame->captured + PCAPNG_PACKET_OVERHEAD, size;

    if (needed > writer->block_size) {
        uint8_t *block = realloc(writer->block, needed);

        if (block == NULL)
            return -ENOMEM;
        writer->block = block;
        writer->block_size = needed;
    }
    size = pcapng_put_packet(writer->block, writer->block_size, &packet);
    (void)!fwrite(writer->block, size, 1, writer->stream); /* an error stays in the stream */
    return 0;
}

int capture_writer_put(struct capture_writer *writer, const struct frame *frame)
{
    return writer->dumper != NULL ? put_pcap(writer, frame) : put_pcapng(writer, frame);
}

int capture_writer_close(struct capture_writer *writer, struct capture_error *error)
{
    int r = 0;

    if (writer == NULL)
        return 0;
    errno = 0;
    if (fflush(writer->stream) != 0 || ferror(writer->stream) != 0)
        r = capture_fail(error, "%s: not everything could be written: %s", writer->name,
                         errno != 0 ? strerror(errno) : "an earlier write failed");
    destroy(writer);
    return r;
}
