/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing pcap files through libpcap. */
#include "capture_file.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_BUFFER = 1 << 18 };

struct capture_writer {
    const char *name; /* borrowed */
    pcap_t *shape;    /* link type, snap length and resolution */
    pcap_dumper_t *dumper;
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

static int open_dumper(struct capture_writer *writer, int fd, struct capture_error *error)
{
    FILE *stream = fdopen(fd, "w");

    if (stream == NULL) {
        close(fd);
        return capture_fail(error, "%s: %s", writer->name, strerror(errno));
    }
    setvbuf(stream, NULL, _IOFBF, WRITE_BUFFER);
    writer->dumper = pcap_dump_fopen(writer->shape, stream);
    if (writer->dumper == NULL) {
        fclose(stream);
        return capture_fail(error, "%s: %s", writer->name, pcap_geterr(writer->shape));
    }
    return 0;
}

static void destroy(struct capture_writer *writer)
{
    if (writer->dumper != NULL)
        pcap_dump_close(writer->dumper);
    if (writer->shape != NULL)
        pcap_close(writer->shape);
    free(writer);
}

int capture_writer_open(const char *path, const struct capture *like,
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
            pcap_datalink(like->pcap), pcap_snapshot(like->pcap),
            like->microseconds ? PCAP_TSTAMP_PRECISION_MICRO : PCAP_TSTAMP_PRECISION_NANO);
    if (writer == NULL || writer->shape == NULL) {
        close(fd);
        free(writer);
        return capture_fail(error, "not enough memory");
    }
    writer->name = strcmp(path, "-") == 0 ? "standard output" : path;
    r = open_dumper(writer, fd, error);
    if (r < 0) {
        destroy(writer);
        return r;
    }
    *ret_writer = writer;
    return 0;
}

void capture_writer_put(struct capture_writer *writer, const struct frame *frame)
{
    bool microseconds = pcap_get_tstamp_precision(writer->shape) == PCAP_TSTAMP_PRECISION_MICRO;
    const struct pcap_pkthdr header = {
        .ts = {.tv_sec = frame->time.tv_sec,
               .tv_usec = microseconds ? frame->time.tv_nsec / 1000 : frame->time.tv_nsec},
        .caplen = (bpf_u_int32)frame->captured,
        .len = (bpf_u_int32)frame->length,
    };

    pcap_dump((u_char *)writer->dumper, &header, frame->bytes);
}

int capture_writer_close(struct capture_writer *writer, struct capture_error *error)
{
    FILE *stream;
    int r = 0;

    if (writer == NULL)
        return 0;
    stream = pcap_dump_file(writer->dumper);
    errno = 0;
    if (fflush(stream) != 0 || ferror(stream) != 0)
        r = capture_fail(error, "%s: not everything could be written: %s", writer->name,
                         errno != 0 ? strerror(errno) : "an earlier write failed");
    destroy(writer);
    return r;
}
