/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control server against clients of every kind: many, slow, dead, strange, and not allowed. */
#include "../unit.h"
#include "ipmodd/control/server.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TURNS = 2000,
    TEXT = 1 << 16,
    NOBODY = 65534,
    PATIENCE_MS = 60000, /* at least so long is waited for a child */
};

struct fixture {
    char directory[32];
    char path[64];
    struct event_base *base;
    struct control_server *server;
    struct control_owner owner;
    struct control_client *streaming; /* the last one that asked for a stream */
    unsigned streams_ended;
    uint64_t held;
};

/* Commands that show what the server does. */

static void run_echo(const struct control_call *call)
{
    control_reply(call->client, json_pack("{si}", "arguments", (int)call->argument_count));
}

static void run_large(const struct control_call *call)
{
    char *text = malloc(CONTROL_OUTPUT_HIGH);

    memset(text, 'x', CONTROL_OUTPUT_HIGH - 1);
    text[CONTROL_OUTPUT_HIGH - 1] = '\0';
    control_reply(call->client, json_pack("{ss}", "text", text));
    free(text);
}

static void run_change(const struct control_call *call)
{
    control_reply(call->client, json_pack("{sb}", "changed", 1));
}

static void run_usage(const struct control_call *call)
{
    control_refuse_arguments(call);
}

static void on_stream_end(void *context)
{
    struct fixture *fixture = context;

    fixture->streaming = NULL;
    fixture->streams_ended++;
}

static void run_stream(const struct control_call *call)
{
    struct fixture *fixture = call->context;

    fixture->streaming = call->client;
    control_stream(call->client, on_stream_end, fixture);
}

static void run_hold(const struct control_call *call)
{
    struct fixture *fixture = call->context;

    fixture->held = control_hold(call->client);
}

static void run_work(const struct control_call *call)
{
    struct fixture *fixture = call->context;

    fixture->streaming = call->client;
    control_hold_until(call->client, on_stream_end, fixture);
}

static const struct control_command commands[] = {
    {"echo", "[WORD...]", CONTROL_READ, run_echo}, {"large", "", CONTROL_READ, run_large},
    {"change", "", CONTROL_CHANGE, run_change},    {"usage", "NAME", CONTROL_READ, run_usage},
    {"stream", "", CONTROL_READ, run_stream},      {"hold", "", CONTROL_READ, run_hold},
    {"work", "", CONTROL_READ, run_work},
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int fd;

    strcpy(fixture->directory, "/tmp/ipmodd-unit-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    assert_int_equal(chmod(fixture->directory, 0755), 0);
    snprintf(fixture->path, sizeof(fixture->path), "%s/control", fixture->directory);
    fixture->base = event_base_new();
    fixture->owner = (struct control_owner){.uid = geteuid(), .gid = getegid()};
    assert_int_equal(control_listen(fixture->path, getegid(), &fd), 0);
    fixture->server = control_server_new(fixture->base, fd, &fixture->owner, commands,
                                         ARRAY_SIZE(commands), fixture);
    assert_non_null(fixture->server);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    control_server_free(fixture->server);
    event_base_free(fixture->base);
    unlink(fixture->path);
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

/* Lets the server work until nothing is to be done. */
static void turn(struct fixture *fixture)
{
    for (int i = 0; i < 50; i++)
        event_base_loop(fixture->base, EVLOOP_NONBLOCK);
}

static int connect_to(const struct fixture *fixture)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, fixture->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* What FD has to be read, the server working meanwhile. */
static char *hear(struct fixture *fixture, int fd, char text[static TEXT])
{
    size_t length = 0;

    for (int i = 0; i < 20; i++) {
        ssize_t more;

        turn(fixture);
        more = read(fd, text + length, TEXT - 1 - length);
        if (more > 0)
            length += (size_t)more;
    }
    text[length] = '\0';
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

static void test_answers_in_order(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];
    int fd = connect_to(fixture);

    say(fd, "echo\necho a\necho a b\nec");
    hear(fixture, fd, text);
    assert_string_equal(text, "{\"arguments\":0,\"schema\":1}\n{\"arguments\":1,\"schema\":1}\n"
                              "{\"arguments\":2,\"schema\":1}\n");
    say(fd, "ho a b c\n");
    assert_string_equal(hear(fixture, fd, text), "{\"arguments\":3,\"schema\":1}\n");
    close(fd);
    turn(fixture);
    assert_int_equal(control_server_clients(fixture->server), 0);
}

/* `echo status | nc -U` closes its side before the answer comes. */
static void test_requests_before_the_end_are_answered(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];
    int fd = connect_to(fixture);

    say(fd, "echo\nlarge\necho\nhal");
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 100; i++) {
        turn(fixture);
        (void)!read(fd, text, sizeof(text));
    }
    assert_int_equal(control_server_clients(fixture->server), 0);
    assert_int_equal(read(fd, text, sizeof(text)), 0);
    close(fd);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *line, *code;
    } cases[] = {
        {"\n", "bad-request"},        {"nonsense\n", "unknown-command"}, {"\"\n", "bad-request"},
        {"\"\\x\"\n", "bad-request"}, {"\xff\xfe\n", "unknown-command"}, {"usage\n", "usage"},
    };
    struct fixture *fixture = *state;
    char text[TEXT];
    int fd = connect_to(fixture);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *reply;

        say(fd, cases[i].line);
        reply = json_loads(hear(fixture, fd, text), JSON_DISABLE_EOF_CHECK, NULL);
        assert_non_null(reply);
        assert_int_equal(json_integer_value(json_object_get(reply, "schema")), 1);
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(reply, "error"), "code")),
            cases[i].code);
        json_decref(reply);
    }
    assert_int_equal(write(fd, "a\0b\n", 4), 4);
    assert_non_null(strstr(hear(fixture, fd, text), "NUL"));
    close(fd);
}

static void test_ten_megabytes_in_one_line(void **state)
{
    struct fixture *fixture = *state;
    char *megabyte = malloc(1 << 20), text[TEXT];
    size_t left = 10 << 20;
    int fd = connect_to(fixture);

    memset(megabyte, 'a', 1 << 20);
    while (left > 0) {
        ssize_t taken = write(fd, megabyte, MIN_OF(left, (size_t)1 << 20));

        assert_true(taken > 0 || errno == EAGAIN);
        left -= taken > 0 ? (size_t)taken : 0;
        turn(fixture);
    }
    say(fd, "\necho\n");
    hear(fixture, fd, text);
    assert_int_equal(count_lines(text), 2);
    assert_non_null(strstr(text, "a line has at most"));
    assert_non_null(strstr(text, "\"arguments\":0"));
    free(megabyte);
    close(fd);
}

static void test_a_configuration_fits_into_a_line(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 3 << 20, done = 0;
    char *line = malloc(size), text[TEXT];
    int fd = connect_to(fixture);

    memset(line, 'a', size);
    memcpy(line, "echo ", 5);
    line[size - 1] = '\n';
    while (done < size) {
        ssize_t taken = write(fd, line + done, size - done);

        done += taken > 0 ? (size_t)taken : 0;
        turn(fixture);
    }
    assert_string_equal(hear(fixture, fd, text), "{\"arguments\":1,\"schema\":1}\n");
    free(line);
    close(fd);
}

static void test_two_hundred_clients_at_once(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];
    int fds[200];

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = connect_to(fixture);
        turn(fixture);
    }
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        say(fds[i], "echo a\n");
    turn(fixture);
    assert_int_equal(control_server_clients(fixture->server), ARRAY_SIZE(fds));
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        ssize_t length = read(fds[i], text, sizeof(text));

        assert_true(length > 0);
        assert_memory_equal(text, "{\"arguments\":1", 14);
        close(fds[i]);
    }
    turn(fixture);
    assert_int_equal(control_server_clients(fixture->server), 0);
}

static void test_more_clients_than_there_is_room_for(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];
    int fds[CONTROL_CLIENTS_MAX + 2];

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = connect_to(fixture);
        turn(fixture);
    }
    assert_int_equal(control_server_clients(fixture->server), CONTROL_CLIENTS_MAX);
    assert_non_null(strstr(hear(fixture, fds[CONTROL_CLIENTS_MAX], text), "\"busy\""));
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
}

/* It asks for gigabytes and reads none. */
static void test_answers_that_nobody_reads_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];
    int fd = connect_to(fixture), other = connect_to(fixture);

    for (int i = 0; i < TURNS; i++) {
        if (write(fd, "large\n", 6) < 0)
            break;
        event_base_loop(fixture->base, EVLOOP_NONBLOCK);
    }
    say(other, "echo\n");
    assert_string_equal(hear(fixture, other, text), "{\"arguments\":0,\"schema\":1}\n");
    close(fd);
    close(other);
    turn(fixture);
    assert_int_equal(control_server_clients(fixture->server), 0);
}

/* Reads all that waits. What the last line says was left out. */
static json_int_t read_lost(struct fixture *fixture, int fd)
{
    static char text[4 << 20];
    size_t length = 0;
    json_t *document;
    json_int_t lost;
    char *last;

    for (int i = 0; i < 200; i++) {
        ssize_t count;

        turn(fixture);
        count = read(fd, text + length, sizeof(text) - 1 - length);
        length += count > 0 ? (size_t)count : 0;
    }
    assert_true(length > 1 && text[length - 1] == '\n');
    text[length - 1] = '\0';
    last = strrchr(text, '\n');
    document = json_loads(last + 1, 0, NULL);
    lost = json_integer_value(json_object_get(document, "lost"));
    json_decref(document);
    return lost;
}

static void test_stream_leaves_out_and_counts(void **state)
{
    struct fixture *fixture = *state;
    size_t sent = 0, left_out = 0;
    char text[TEXT];
    int fd = connect_to(fixture);

    say(fd, "stream\n");
    turn(fixture);
    assert_non_null(fixture->streaming);
    for (int i = 0; i < 100000; i++) {
        if (control_stream_send(fixture->streaming, json_pack("{si}", "number", i)))
            sent++;
        else
            left_out++;
        event_base_loop(fixture->base, EVLOOP_NONBLOCK);
    }
    assert_true(sent > 0 && left_out > 0);
    assert_int_equal(read_lost(fixture, fd), left_out);
    control_stream_lose(fixture->streaming, 3);
    assert_string_equal(hear(fixture, fd, text), "{\"event\":\"lost\",\"lost\":3,\"schema\":1}\n");
    assert_true(control_stream_send(fixture->streaming, json_pack("{si}", "number", -1)));
    assert_string_equal(hear(fixture, fd, text), "{\"number\":-1,\"schema\":1}\n");
    close(fd);
    turn(fixture);
    assert_int_equal(fixture->streams_ended, 1);
}

static void test_a_further_line_ends_a_stream(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];
    int fd = connect_to(fixture);

    say(fd, "stream\n");
    turn(fixture);
    control_stream_send(fixture->streaming, json_pack("{si}", "number", 1));
    say(fd, "echo\n");
    assert_string_equal(hear(fixture, fd, text),
                        "{\"number\":1,\"schema\":1}\n{\"arguments\":0,\"schema\":1}\n");
    assert_int_equal(fixture->streams_ended, 1);
    assert_null(fixture->streaming);
    close(fd);
}

static void test_held_answers(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];
    int fd = connect_to(fixture);

    say(fd, "hold\necho\n");
    shutdown(fd, SHUT_WR);
    assert_string_equal(hear(fixture, fd, text), "");
    control_reply(control_find(fixture->server, fixture->held), json_pack("{ss}", "late", "yes"));
    assert_string_equal(hear(fixture, fd, text),
                        "{\"late\":\"yes\",\"schema\":1}\n{\"arguments\":0,\"schema\":1}\n");
    assert_null(control_find(fixture->server, fixture->held));
    close(fd);
}

static void test_a_client_that_goes_while_it_is_held(void **state)
{
    struct fixture *fixture = *state;
    int fd = connect_to(fixture);

    say(fd, "hold\n");
    turn(fixture);
    close(fd);
    turn(fixture);
    if (control_find(fixture->server, fixture->held) != NULL)
        control_reply(control_find(fixture->server, fixture->held), json_pack("{}"));
    turn(fixture);
    assert_int_equal(control_server_clients(fixture->server), 0);
}

/* Who stops writing still waits; who hangs up does not, and the work is told; once, or never. */
static void test_work_that_nobody_waits_for_any_more(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];
    int fd = connect_to(fixture);

    say(fd, "work\n");
    shutdown(fd, SHUT_WR);
    turn(fixture);
    assert_int_equal(fixture->streams_ended, 0);
    control_reply(fixture->streaming, json_pack("{s:s}", "work", "done"));
    assert_non_null(strstr(hear(fixture, fd, text), "done"));
    close(fd);
    turn(fixture);
    assert_int_equal(fixture->streams_ended, 0);

    fd = connect_to(fixture);
    say(fd, "work\n");
    turn(fixture);
    assert_int_equal(fixture->streams_ended, 0);
    close(fd);
    while (control_server_clients(fixture->server) > 0)
        turn(fixture);
    assert_int_equal(fixture->streams_ended, 1);
}

/* Runs in a child as somebody else; the answer to LINE is in TEXT. False: connecting was refused.
 */
static bool ask_as(struct fixture *fixture, uid_t uid, gid_t gid, const char *line,
                   char text[static TEXT])
{
    int ready[2];
    pid_t child;
    ssize_t length;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ready), 0);
    child = fork();
    if (child == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        strcpy(address.sun_path, fixture->path);
        if (setgroups(1, &gid) < 0 || setgid(NOBODY) < 0 || setuid(uid) < 0)
            _exit(3);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
            _exit(2);
        (void)!write(fd, line, strlen(line));
        length = read(fd, text, TEXT - 1);
        (void)!write(ready[1], text, length > 0 ? (size_t)length : 0);
        _exit(0);
    }
    close(ready[1]);
    fcntl(ready[0], F_SETFL, O_NONBLOCK);
    for (int i = 0, status; i < PATIENCE_MS; i++) {
        turn(fixture);
        if (waitpid(child, &status, WNOHANG) == child) {
            assert_int_not_equal(WEXITSTATUS(status), 3);
            length = read(ready[0], text, TEXT - 1);
            text[length > 0 ? length : 0] = '\0';
            close(ready[0]);
            return WEXITSTATUS(status) == 0;
        }
        usleep(1000);
    }
    fail_msg("the child did not end");
    return false;
}

static void test_who_may_what(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT];

    if (geteuid() != 0) {
        print_message("not root: this cannot be tried here\n");
        skip();
    }
    assert_false(ask_as(fixture, NOBODY, NOBODY, "echo\n", text));
    chmod(fixture->path, 0666); /* whatever the mode says */
    assert_true(ask_as(fixture, NOBODY, NOBODY, "echo\n", text));
    assert_non_null(strstr(text, "not-permitted"));
    assert_true(ask_as(fixture, NOBODY, fixture->owner.gid, "echo\n", text));
    assert_non_null(strstr(text, "\"arguments\":0"));
    assert_true(ask_as(fixture, NOBODY, fixture->owner.gid, "change\n", text));
    assert_non_null(strstr(text, "not-permitted"));
    assert_true(ask_as(fixture, 0, NOBODY, "change\n", text));
    assert_non_null(strstr(text, "\"changed\":true"));
}

static void test_place_in_the_file_system(void **state)
{
    struct fixture *fixture = *state;
    char path[80], longest[200];
    struct stat status;
    int fd, again;

    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    assert_int_equal(control_listen(fixture->path, getegid(), &again), -EADDRINUSE);

    snprintf(path, sizeof(path), "%s/left", fixture->directory);
    assert_int_equal(control_listen(path, getegid(), &fd), 0);
    close(fd); /* as a crash leaves it */
    assert_int_equal(control_listen(path, getegid(), &fd), 0);
    close(fd);
    unlink(path);

    fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_int_equal(control_listen(path, getegid(), &fd), -EEXIST);
    unlink(path);

    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(control_listen(longest, getegid(), &fd), -ENAMETOOLONG);
    assert_int_equal(control_listen("/nonexistent/control", getegid(), &fd), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_requests_before_the_end_are_answered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ten_megabytes_in_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_configuration_fits_into_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_hundred_clients_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_clients_than_there_is_room_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_answers_that_nobody_reads_are_bounded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_stream_leaves_out_and_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_further_line_ends_a_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_held_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_client_that_goes_while_it_is_held, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_work_that_nobody_waits_for_any_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_may_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_place_in_the_file_system, set_up, tear_down),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
