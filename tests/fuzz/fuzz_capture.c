/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures: any file is read to its end or to a fault that is said, each frame goes through rules
 * that edit, answer and drop, and what comes out is a capture that is read to its end. Without
 * rules each frame comes out as it went in.
 */
#include "target.h"

#include "ipmodd/base/macro.h"
#include "player.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char *const rules = "[main]\nseed = 1\nmalformed = pass\n"
                                 "[rule echo]\nicmp-type = echo-request\nreply = echo\n"
                                 "[rule refuse]\nproto = tcp\ntcp-flags = syn\nverdict = reject\n"
                                 "[rule drop]\nfragment = yes\nverdict = drop\n"
                                 "[rule edit]\nset-ttl = 9\nset-dscp = ef\n";

/* A descriptor on SIZE bytes of memory, at their beginning. */
static int make_file(const void *bytes, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    REQUIRE(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, bytes, size) == (ssize_t)size &&
            lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* A path that leads to what FD is open on. */
static const char *path_of(int fd, char path[static 32])
{
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return path;
}

static void open_pipeline(struct offline *offline, const char *text)
{
    static const struct command nobody = {.name = "fuzz"};
    int fd = make_file(text, strlen(text));
    char path[32];
    const struct offline_wish wish = {.file = path_of(fd, path), .seed = "1"};

    REQUIRE(offline_open(&nobody, &wish, offline) == EXIT_CODE_OK);
    close(fd);
}

/* Two frames of equal content: what is compared is what libpcap handed out of both files. */
static void require_same(const struct frame *in, const struct frame *out)
{
    REQUIRE(in->captured == out->captured && in->length == out->length);
    REQUIRE(memcmp(in->bytes, out->bytes, in->captured) == 0);
}

/* Plays CAPTURE into OUT_FD; the number of frames that were read. */
static uint64_t play(struct offline *offline, struct capture *capture, int out_fd)
{
    struct capture_error error = {.text = ""};
    struct player player = {.offline = offline, .capture = capture};
    struct frame frame;
    char path[32];
    uint64_t frames;
    int r;

    REQUIRE(capture_writer_open(path_of(out_fd, path), capture, 0, &player.writer, &error) == 0);
    while ((r = capture_next(capture, &frame, &error)) > 0)
        REQUIRE(player_play(&player, &frame) >= 0);
    REQUIRE(r == 0 || *error.text != '\0');
    frames = player.tallies.frames;
    REQUIRE(capture_writer_close(player.writer, &error) == 0);
    player_clear(&player);
    return frames;
}

/* What was written is read without a fault; with ORIGINAL, frame for frame the same. */
static void check_output(int out_fd, const uint8_t *original, size_t size, uint64_t frames)
{
    struct capture CLEANUP(capture_cleanup) *out = NULL, CLEANUP(capture_cleanup) *in = NULL;
    struct capture_error error;
    struct frame written, read;
    uint64_t count = 0;
    int r;

    REQUIRE(lseek(out_fd, 0, SEEK_SET) == 0);
    REQUIRE(capture_open_fd(dup(out_fd), "output", &out, &error) == 0);
    if (original != NULL)
        REQUIRE(capture_open_fd(make_file(original, size), "input", &in, &error) == 0);
    while ((r = capture_next(out, &written, &error)) > 0) {
        count++;
        if (in == NULL)
            continue;
        REQUIRE(capture_next(in, &read, &error) == 1);
        require_same(&read, &written);
    }
    REQUIRE(r == 0);
    REQUIRE(in == NULL || count == frames);
}

static void run(struct offline *offline, const uint8_t *input, size_t size, bool compare)
{
    struct capture CLEANUP(capture_cleanup) *capture = NULL;
    struct capture_error error = {.text = ""};
    int out CLEANUP(cleanup_fd) = make_file("", 0);
    uint64_t frames;

    if (capture_open_fd(make_file(input, size), "input", &capture, &error) < 0) {
        REQUIRE(*error.text != '\0');
        return;
    }
    frames = play(offline, capture, out);
    check_output(out, compare ? input : NULL, size, frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct offline with_rules, without;

    if (with_rules.path == NULL) {
        open_pipeline(&with_rules, rules);
        open_pipeline(&without, "[main]\nmalformed = pass\n");
    }
    run(&with_rules, input, size, false);
    run(&without, input, size, true);
    return 0;
}
