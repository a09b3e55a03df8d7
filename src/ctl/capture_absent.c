/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures in a build without libpcap: none can be opened. */
#include "capture.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int capture_open(const char *path, struct capture **ret_capture, struct capture_error *error)
{
    (void)ret_capture;
    snprintf(error->text, sizeof(error->text),
             "%s: this ipmodctl was built without libpcap and reads no captures", path);
    return -EINVAL;
}

int capture_open_fd(int fd, const char *name, struct capture **ret_capture,
                    struct capture_error *error)
{
    close(fd);
    return capture_open(name, ret_capture, error);
}

/* There is no capture to call the others with. */
void capture_close(struct capture *capture)
{
    (void)capture;
}

void capture_cleanup(struct capture **capture)
{
    (void)capture;
}

int capture_next(struct capture *capture, struct frame *ret_frame, struct capture_error *error)
{
    (void)capture;
    (void)ret_frame;
    (void)error;
    return -EINVAL;
}

enum link_type capture_link_type(const struct capture *capture)
{
    (void)capture;
    return LINK_RAW;
}

const char *capture_name(const struct capture *capture)
{
    (void)capture;
    return "";
}

double capture_progress(const struct capture *capture)
{
    (void)capture;
    return -1;
}

bool capture_is_file(const struct capture *capture, int fd)
{
    (void)capture;
    (void)fd;
    return false;
}

int capture_writer_open(const char *path, const struct capture *like, int largest,
                        struct capture_writer **ret_writer, struct capture_error *error)
{
    (void)path;
    (void)like;
    (void)largest;
    (void)ret_writer;
    (void)error;
    return -EINVAL;
}

bool capture_writer_shares(const struct capture_writer *writer, int fd)
{
    (void)writer;
    (void)fd;
    return false;
}

int capture_writer_put(struct capture_writer *writer, const struct frame *frame)
{
    (void)writer;
    (void)frame;
    return -EINVAL;
}

int capture_writer_close(struct capture_writer *writer, struct capture_error *error)
{
    (void)writer;
    (void)error;
    return 0;
}
