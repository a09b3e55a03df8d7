/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets: the journal stream is recognised, and no reader can make a writer wait. */
#include "../unit.h"
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

static void test_journal_stream_is_recognised(void **state)
{
    struct stat status;
    char name[64];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fstat(ends[1], &status), 0);
    snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    assert_true(stream_is_journal(ends[1], name));
    snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino + 1);
    assert_false(stream_is_journal(ends[1], name));
    assert_false(stream_is_journal(ends[1], NULL));
    assert_false(stream_is_journal(ends[1], "journal"));
    assert_false(stream_is_journal(-1, "1:1"));
    close(ends[0]);
    close(ends[1]);
}

static void test_line_arrives_whole(void **state)
{
    char text[64] = "";
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(stream_send(ends[1], "one line"), 0);
    assert_int_equal(read(ends[0], text, sizeof(text) - 1), 9);
    assert_string_equal(text, "one line\n");
    close(ends[0]);
    close(ends[1]);
}

static void test_full_pipe_is_refused(void **state)
{
    char line[1000];
    int ends[2], result = 0;
    size_t sent = 0;

    (void)state;
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    assert_int_equal(pipe(ends), 0);
    alarm(PATIENCE_S); /* a writer that waits never comes back */
    while (sent < 1000 && (result = stream_send(ends[1], line)) == 0)
        sent++;
    alarm(0);
    assert_int_equal(result, -EAGAIN);
    assert_in_range(sent, 1, 999);
    close(ends[0]);
    close(ends[1]);
}

static void test_gone_reader_is_an_error(void **state)
{
    int ends[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_true(stream_send(ends[1], "nobody") < 0);
    close(ends[1]);
    assert_true(stream_send(ends[1], "closed") < 0);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    strcpy(address.sun_path, path);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void test_stuck_journal_is_refused(void **state)
{
    char path[] = "/tmp/ipmodd-test-log-XXXXXX";
    char text[64] = "";
    int listener, fd, result = 0;
    size_t sent = 0;

    (void)state;
    assert_non_null(mkdtemp(path));
    char socket_path[sizeof(path) + 8];
    snprintf(socket_path, sizeof(socket_path), "%s/socket", path);
    assert_true(journal_connect(socket_path) < 0);
    listener = listen_at(socket_path);
    fd = journal_connect(socket_path);
    assert_true(fd >= 0);
    alarm(PATIENCE_S);
    while (sent < 100000 && (result = journal_send(fd, "A=b\n", 4)) == 0)
        sent++;
    alarm(0);
    assert_int_equal(result, -EAGAIN);
    assert_int_equal(read(listener, text, sizeof(text) - 1), 4);
    assert_string_equal(text, "A=b\n");
    assert_int_equal(journal_send(fd, "A=c\n", 4), 0);
    close(listener);
    assert_int_equal(journal_send(fd, "A=d\n", 4), -ECONNREFUSED);
    close(fd);
    unlink(socket_path);
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_stream_is_recognised),
        cmocka_unit_test(test_line_arrives_whole),
        cmocka_unit_test(test_full_pipe_is_refused),
        cmocka_unit_test(test_gone_reader_is_an_error),
        cmocka_unit_test(test_stuck_journal_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
