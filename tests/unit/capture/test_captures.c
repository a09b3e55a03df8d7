/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of captures: what is in them, rotation, a disk that is full, slow or not there. */
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/capture/captures.h"
#include "ipmodd/wire/bytes.h"
#include "src/capture/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

enum {
    SMALL = 200000,
    FILE_MAX = 1 << 20,
    PATIENCE_MS = 60000, /* at least so long is waited for a thread */
};

/* What the disk still takes, and whether a write waits. Descriptors of others are not asked. */
static size_t disk_left;
static bool disk_waits;
static sem_t disk_is_asked, disk_answers;

/* Seconds that the time of day is ahead of what it will be. */
static time_t wall_ahead;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
ssize_t __real_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int r = __real_clock_gettime(clock, now);

    if (clock == CLOCK_REALTIME)
        now->tv_sec += wall_ahead;
    return r;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return __real_write(fd, bytes, count);
    if (disk_waits) {
        sem_post(&disk_is_asked);
        sem_wait(&disk_answers);
    }
    if (disk_left == 0) {
        errno = ENOSPC;
        return -1;
    }
    count = MIN_OF(count, disk_left);
    disk_left -= count;
    return __real_write(fd, bytes, count);
}

static char directory[] = "/tmp/ipmodd-captures-XXXXXX";
static char interface[] = "tun0";
static struct capture_place place;
static union {
    struct capture_record record;
    uint8_t room[sizeof(struct capture_record) + 65536];
} made;

static int set_up(void **state)
{
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    disk_left = SIZE_MAX;
    disk_waits = false;
    if (mkdtemp(directory) == NULL)
        return -1;
    place = (struct capture_place){directory, interface, -1};
    return 0;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    if (place.fd >= 0)
        close(place.fd);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

static void make_record(uint64_t id, size_t length)
{
    made.record = (struct capture_record){
        .id = id,
        .time_ns = SECOND + id,
        .length = length,
        .captured = length,
        .segments = 1,
        .file_size = SMALL,
        .files = 3,
        .name = "some",
        .what = "rule r",
    };
    memset(made.record.data, (uint8_t)id, length);
}

static void add(struct capture_file *file, uint64_t id, size_t length)
{
    make_record(id, length);
    capture_file_add(file, &place, &made.record, made.record.id, SECOND);
}

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static bool exists(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static uint8_t *read_file(const char *name, size_t *ret_length)
{
    static uint8_t bytes[4 * FILE_MAX];
    FILE *file = fopen(path_of(name), "r");

    assert_non_null(file);
    *ret_length = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return bytes;
}

/* The file is whole blocks; how many of them are packets, and the ids of the first and last. */
static size_t count_packets(const char *name, uint64_t *ret_first, uint64_t *ret_last)
{
    size_t length, count = 0, block;
    const uint8_t *bytes = read_file(name, &length);

    for (size_t at = 0; at < length; at += block) {
        assert_true(length - at >= 12);
        block = le32_load(bytes + at + 4);
        assert_true(block >= 12 && block % 4 == 0 && block <= length - at);
        assert_int_equal(le32_load(bytes + at + block - 4), block);
        if (le32_load(bytes + at) != 6)
            continue;
        *ret_last = (uint64_t)le32_load(bytes + at + 16) - SECOND;
        if (count++ == 0)
            *ret_first = *ret_last;
    }
    return count;
}

static void assert_packets(const char *name, size_t count, uint64_t first, uint64_t last)
{
    uint64_t found_first = 0, found_last = 0;

    assert_int_equal(count_packets(name, &found_first, &found_last), count);
    assert_int_equal(found_first, first);
    assert_int_equal(found_last, last);
}

static struct capture_file *new_file(void)
{
    struct capture_file *file = capture_file_new("some");

    assert_non_null(file);
    return file;
}

static void close_and_free(struct capture_file *file)
{
    capture_file_close(file);
    free(file);
}

static bool holds(const uint8_t *bytes, size_t length, const char *text)
{
    return memmem(bytes, length, text, strlen(text)) != NULL;
}

static void test_what_is_in_a_file(void **state)
{
    struct capture_file *file = new_file();
    struct stat status;
    mode_t mask = umask(0077);
    uint8_t *bytes;
    size_t length;

    (void)state;
    make_record(1, 60);
    made.record.stage = CAPTURE_BEFORE;
    capture_file_add(file, &place, &made.record, made.record.id, SECOND);
    made.record.stage = CAPTURE_AFTER;
    made.record.segments = 45;
    capture_file_add(file, &place, &made.record, made.record.id, SECOND);
    make_record(2, 60);
    made.record.fate = FATE_DROP;
    made.record.reason = REASON_REJECTED;
    capture_file_add(file, &place, &made.record, made.record.id, SECOND);
    capture_file_flush(file);
    umask(mask);
    assert_packets("some.pcapng", 3, 1, 2);
    bytes = read_file("some.pcapng", &length);
    assert_int_equal(le32_load(bytes), 0x0a0d0d0a);
    assert_true(holds(bytes, length, "tun0"));
    assert_true(holds(bytes, length, "rule r, before"));
    assert_true(holds(bytes, length, "rule r, after, 45 packets of the wire"));
    assert_true(holds(bytes, length, "rule r (rejected)"));
    assert_int_equal(stat(path_of("some.pcapng"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(file->state.packets, 3);
    assert_int_equal(file->state.bytes, status.st_size);
    assert_int_equal(file->state.lost, 0);
    close_and_free(file);
}

static void assert_file_size(const char *name)
{
    struct stat status;

    assert_int_equal(stat(path_of(name), &status), 0);
    assert_in_range(status.st_size, SMALL / 2, SMALL);
}

/* The newest ones stay, in order, none larger than asked for. */
static void test_rotation(void **state)
{
    struct capture_file *file = new_file();
    uint64_t first, last, next = 999;

    (void)state;
    for (uint64_t id = 0; id < 1000; id++)
        add(file, id, 1400);
    capture_file_close(file);
    for (unsigned age = 0; age < 3; age++) {
        static const char *const names[] = {"some.pcapng", "some.pcapng.1", "some.pcapng.2"};

        assert_true(count_packets(names[age], &first, &last) > 50 || age == 0);
        assert_int_equal(last, next);
        if (age > 0)
            assert_file_size(names[age]);
        next = first - 1;
    }
    assert_false(exists("some.pcapng.3"));
    free(file);
}

/* What an earlier run left is older; with fewer files asked for, the surplus goes. */
static void test_files_of_before(void **state)
{
    struct capture_file *file = new_file();

    (void)state;
    for (uint64_t id = 0; id < 5; id++) {
        add(file, id, 100);
        capture_file_close(file);
    }
    assert_packets("some.pcapng", 1, 4, 4);
    assert_packets("some.pcapng.2", 1, 2, 2);
    make_record(9, 100);
    made.record.files = 2;
    capture_file_add(file, &place, &made.record, made.record.id, SECOND);
    capture_file_close(file);
    assert_packets("some.pcapng", 1, 9, 9);
    assert_packets("some.pcapng.1", 1, 4, 4);
    assert_false(exists("some.pcapng.2"));
    make_record(10, 100);
    made.record.files = 1;
    capture_file_add(file, &place, &made.record, made.record.id, SECOND);
    close_and_free(file);
    assert_packets("some.pcapng", 1, 10, 10);
    assert_false(exists("some.pcapng.1"));
}

static void test_a_full_disk(void **state)
{
    struct capture_file *file = new_file();

    (void)state;
    add(file, 0, 1000);
    capture_file_flush(file);
    disk_left = 1500; /* a packet and a half */
    add(file, 1, 1000);
    add(file, 2, 1000);
    capture_file_flush(file);
    assert_packets("some.pcapng", 2, 0, 1);
    assert_int_equal(file->state.error, ENOSPC);
    assert_int_equal(file->state.lost, 1);
    add(file, 3, 1000);
    capture_file_flush(file);
    assert_int_equal(file->state.lost, 2);
    disk_left = SIZE_MAX;
    add(file, 4, 1000);
    capture_file_flush(file);
    assert_packets("some.pcapng", 3, 0, 4);
    assert_int_equal(file->state.packets, 3);
    close_and_free(file);
}

/* A file that cannot be begun leaves no trace, and no older one is given up for it. */
static void test_no_room_to_begin(void **state)
{
    struct capture_file *file = new_file();

    (void)state;
    for (uint64_t id = 0; id < 3; id++) {
        add(file, id, 100);
        capture_file_close(file);
    }
    disk_left = 20;
    for (unsigned second = 1; second < 10; second++) {
        make_record(5, 100);
        capture_file_add(file, &place, &made.record, made.record.id, second * SECOND);
        capture_file_add(file, &place, &made.record, made.record.id,
                         second * SECOND + 1); /* not tried again */
        disk_left = 0;
    }
    assert_int_equal(file->state.lost, 18);
    assert_int_equal(file->state.error, ENOSPC);
    assert_false(exists("some.pcapng"));
    assert_packets("some.pcapng.1", 1, 2, 2);
    assert_packets("some.pcapng.2", 1, 1, 1);
    disk_left = SIZE_MAX;
    capture_file_add(file, &place, &made.record, made.record.id, 20 * SECOND);
    close_and_free(file);
    assert_packets("some.pcapng", 1, 5, 5);
}

static void test_the_directory(void **state)
{
    struct capture_file *file = new_file();
    char below[64];

    (void)state;
    snprintf(below, sizeof(below), "%s/below", directory);
    place.directory = below;
    add(file, 1, 100); /* it is made */
    capture_file_flush(file);
    assert_packets("below/some.pcapng", 1, 1, 1);
    capture_file_close(file);
    assert_int_equal(unlink(path_of("below/some.pcapng")), 0);
    assert_int_equal(rmdir(below), 0);
    make_record(2, 100);
    capture_file_add(file, &place, &made.record, made.record.id, SECOND);
    assert_int_equal(file->state.lost, 1);
    assert_int_equal(file->state.error, ENOENT);
    capture_file_add(file, &place, &made.record, made.record.id, 2 * SECOND);
    capture_file_close(file);
    assert_packets("below/some.pcapng", 1, 2, 2);
    close(place.fd);
    place.fd = -1;
    snprintf(below, sizeof(below), "%s/below/some.pcapng", directory); /* no directory */
    capture_file_add(file, &place, &made.record, made.record.id, 4 * SECOND);
    assert_int_equal(file->state.error, ENOTDIR);
    close_and_free(file);
    place.directory = directory;
}

/* A link that somebody put there is moved out of the way, never followed. */
static void test_a_link_is_not_followed(void **state)
{
    struct capture_file *file = new_file();

    (void)state;
    assert_int_equal(symlink("/etc/passwd", path_of("some.pcapng")), 0);
    add(file, 1, 100);
    close_and_free(file);
    assert_packets("some.pcapng", 1, 1, 1);
    assert_int_equal(unlink(path_of("some.pcapng.1")), 0);
}

/* The thread. */
static struct record_ring ring;
static struct captures *captures;
static struct ruleset *ruleset, *no_rules;

static struct ruleset *rules_with_capture(const char *name)
{
    struct ruleset *rules = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    struct rule rule;

    assert_int_equal(rule_init(&rule, "r", "f", 1), 0);
    rule.capture = calloc(1, sizeof(*rule.capture));
    assert_non_null(rule.capture);
    rule.capture->name = strdup(name);
    rule.capture->what = strdup("rule r");
    assert_int_equal(ruleset_add(rules, &rule), 0);
    return rules;
}

static int set_up_thread(void **state)
{
    sem_init(&disk_is_asked, 0, 0);
    sem_init(&disk_answers, 0, 0);
    if (set_up(state) < 0 || record_ring_init(&ring, CAPTURE_RING_BYTES) < 0 ||
        captures_new(directory, "tun0", &captures) < 0)
        return -1;
    captures_add_ring(captures, &ring);
    ruleset = rules_with_capture("some");
    no_rules = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    return 0;
}

static int tear_down_thread(void **state)
{
    record_ring_clear(&ring);
    ruleset_free(ruleset);
    ruleset_free(no_rules);
    return tear_down(state);
}

static bool push(uint64_t id, size_t length)
{
    struct capture_record *record = record_ring_claim(&ring, sizeof(*record) + length);
    struct record head;

    if (record == NULL)
        return false;
    head = record->record;
    make_record(id, length);
    memcpy(record, &made, sizeof(*record) + length);
    record->record = head;
    record->file_size = FILE_MAX;
    record_ring_push(&ring);
    return true;
}

static void test_what_was_pushed_is_written(void **state)
{
    struct capture_state found;

    (void)state;
    assert_int_equal(captures_follow(captures, ruleset), 0);
    for (uint64_t id = 0; id < 1000; id++) {
        assert_true(push(id, 500));
        captures_wake(captures, &ring);
    }
    for (unsigned i = 0;
         i < PATIENCE_MS && (!captures_state(captures, 0, &found) || found.packets < 1000); i++)
        usleep(1000);
    assert_int_equal(found.packets, 1000); /* without a further push or the end */
    assert_string_equal(found.name, "some");
    assert_int_equal(captures_stop(captures, PATIENCE_MS), 0);
    assert_packets("some.pcapng", 1000, 0, 999);
}

/* Nothing runs, and nothing is made, while no rule captures. */
static void test_no_captures(void **state)
{
    struct capture_state found;

    (void)state;
    assert_int_equal(captures_follow(captures, no_rules), 0);
    captures_wake(captures, &ring);
    assert_false(captures_state(captures, 0, &found));
    assert_int_equal(captures_stop(captures, 0), 0);
    assert_int_equal(captures_stop(NULL, 0), 0);
    assert_false(exists("some.pcapng"));
}

/* Whether this process has a file in the directory open. */
static bool is_any_open(void)
{
    bool found = false;

    for (int fd = 0; fd < 64 && !found; fd++) {
        char link[32], path[256] = "";

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        found = readlink(link, path, sizeof(path) - 1) > 0 &&
                strncmp(path, directory, strlen(directory)) == 0 && strstr(path, ".pcapng") != NULL;
    }
    return found;
}

static void wait_until_closed(void)
{
    for (unsigned i = 0; i < PATIENCE_MS && (!exists("some.pcapng") || is_any_open()); i++)
        usleep(1000);
    assert_true(exists("some.pcapng"));
    assert_false(is_any_open());
}

/* Rules that name it no more: what is on its way is written, and the file is closed. */
static void test_a_capture_that_goes(void **state)
{
    (void)state;
    assert_int_equal(captures_follow(captures, ruleset), 0);
    assert_true(push(1, 100));
    captures_wake(captures, &ring);
    assert_true(push(2, 100));
    assert_int_equal(captures_follow(captures, no_rules), 0);
    wait_until_closed();
    assert_packets("some.pcapng", 2, 1, 2);
    assert_int_equal(captures_follow(captures, ruleset), 0);
    assert_true(push(3, 100));
    assert_int_equal(captures_stop(captures, PATIENCE_MS), 0);
    assert_packets("some.pcapng", 1, 3, 3);
    assert_packets("some.pcapng.1", 2, 1, 2);
}

/* Rules that name it again: the same file goes on. */
static void test_a_capture_that_stays(void **state)
{
    (void)state;
    assert_int_equal(captures_follow(captures, ruleset), 0);
    assert_true(push(1, 100));
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(captures_follow(captures, ruleset), 0);
    assert_true(push(2, 100));
    assert_int_equal(captures_stop(captures, PATIENCE_MS), 0);
    assert_packets("some.pcapng", 2, 1, 2);
}

static unsigned count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    unsigned count = 0;

    assert_non_null(tasks);
    while ((entry = readdir(tasks)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/*
 * The disk takes for ever: nobody waits for it, and what is lost is counted. Nor does anybody wait
 * for a time of day that was set back.
 */
static void test_a_slow_disk(void **state)
{
    unsigned threads = count_threads();
    size_t pushed = 0;

    (void)state;
    disk_waits = true;
    assert_int_equal(captures_follow(captures, ruleset), 0);
    assert_true(push(pushed++, 1000));
    captures_wake(captures, &ring);
    sem_wait(&disk_is_asked);
    while (push(pushed, 1000)) {
        pushed++;
        captures_wake(captures, &ring);
    }
    assert_true(captures_overflow(captures) > 0);
    assert_int_equal(captures_follow(captures, ruleset), 0);
    wall_ahead = 24 * 60 * 60;
    alarm(60);
    assert_int_equal(captures_stop(captures, 50), -ETIMEDOUT);
    alarm(0);
    wall_ahead = 0;
    disk_waits = false;
    sem_post(&disk_answers); /* it recovers: the thread, left behind, still writes everything */
    for (unsigned i = 0; i < PATIENCE_MS && count_threads() > threads; i++)
        usleep(1000);
    assert_int_equal(count_threads(), threads);
    assert_true(record_ring_is_empty(&ring));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_in_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rotation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_of_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_room_to_begin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_link_is_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_pushed_is_written, set_up_thread,
                                        tear_down_thread),
        cmocka_unit_test_setup_teardown(test_no_captures, set_up_thread, tear_down_thread),
        cmocka_unit_test_setup_teardown(test_a_capture_that_goes, set_up_thread, tear_down_thread),
        cmocka_unit_test_setup_teardown(test_a_capture_that_stays, set_up_thread, tear_down_thread),
        cmocka_unit_test_setup_teardown(test_a_slow_disk, set_up_thread, tear_down_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
