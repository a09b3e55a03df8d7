/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger: text form, garbage, originals that are never overwritten. */
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "kernel/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct setting setting(enum ip_family family, const char *device, const char *name,
                              int32_t value)
{
    struct setting made = {.family = family, .value = value};

    strcpy(made.device, device);
    strcpy(made.name, name);
    return made;
}

static void read_text(struct ledger *ledger, const char *text)
{
    FILE *in CLEANUP(cleanup_file) = fmemopen((char *)text, strlen(text), "r");

    assert_non_null(in);
    assert_int_equal(ledger_read(ledger, in), 0);
}

static void test_round_trip(void **state)
{
    const struct setting rp = setting(FAMILY_IPV4, "eth0.7", "rp_filter", 2);
    const struct setting ra = setting(FAMILY_IPV6, "eth0", "accept_ra", 2);
    struct ledger ledger = LEDGER_INIT;
    struct ledger back = LEDGER_INIT;
    FILE *out;
    char *text = NULL;
    size_t size;

    (void)state;
    ledger.cookie = back.cookie = 4711;
    ledger.instance = (struct instance){.tun = "tun0", .table = 100, .divert_priority = 32765};
    assert_int_equal(ledger_record(&ledger, &rp, 1), 0);
    assert_int_equal(ledger_record(&ledger, &ra, -1), 0);
    ledger.left[ledger.left_count++] = (struct instance){.tun = "tun0", .table = 777};
    out = open_memstream(&text, &size);
    assert_non_null(out);
    ledger_write(&ledger, out);
    fclose(out);
    read_text(&back, text);
    assert_int_equal(back.count, 2);
    assert_int_equal(back.left_count, 2);
    assert_int_equal(back.left[1].table, 777);
    assert_string_equal(back.left[0].tun, "tun0");
    assert_int_equal(back.left[0].table, 100);
    assert_int_equal(back.left[0].divert_priority, 32765);
    assert_int_equal(ledger_find(&back, FAMILY_IPV4, "eth0.7", "rp_filter")->original, 1);
    assert_int_equal(ledger_find(&back, FAMILY_IPV6, "eth0", "accept_ra")->original, -1);
    assert_true(ledger_made(&back, FAMILY_IPV6, "eth0", "accept_ra", 2));
    assert_false(ledger_made(&back, FAMILY_IPV6, "eth0", "accept_ra", 1));
    assert_null(ledger_find(&back, FAMILY_IPV4, "eth0", "accept_ra"));
    free(text);
    ledger_close(&ledger);
    ledger_close(&back);
}

/* Settings of a family, and a rule that is on the move. */
static void test_inbound_round_trip(void **state)
{
    const struct setting demux = setting(FAMILY_IPV4, SETTING_OF_FAMILY, "tcp_early_demux", 0);
    struct ledger ledger = LEDGER_INIT, back = LEDGER_INIT;
    char path[SYSCTL_PATH];
    FILE *out;
    char *text = NULL;
    size_t size;

    (void)state;
    assert_int_equal(ledger_record(&ledger, &demux, 1), 0);
    assert_int_equal(ledger_move_local(&ledger, FAMILY_IPV6, 2), 0);
    out = open_memstream(&text, &size);
    assert_non_null(out);
    ledger_write(&ledger, out);
    fclose(out);
    read_text(&back, text);
    assert_int_equal(back.local_protocol[FAMILY_IPV4], 0);
    assert_int_equal(back.local_protocol[FAMILY_IPV6], 2);
    assert_int_equal(back.count, 1);
    assert_string_equal(sysctl_path(&back.entries[0].ours, path), "net/ipv4/tcp_early_demux");
    free(text);
    ledger_close(&ledger);
    ledger_close(&back);
}

static void test_original_is_kept(void **state)
{
    const struct setting rp = setting(FAMILY_IPV4, "eth0", "rp_filter", 2);
    struct ledger ledger = LEDGER_INIT;

    (void)state;
    assert_int_equal(ledger_record(&ledger, &rp, 1), 0);
    assert_int_equal(ledger_record(&ledger, &rp, 2), 0);
    assert_int_equal(ledger.count, 1);
    assert_int_equal(ledger.entries[0].original, 1);
    ledger_forget(&ledger, 0);
    assert_int_equal(ledger.count, 0);
    ledger_close(&ledger);
}

static void test_another_namespace_is_not_ours(void **state)
{
    struct ledger ledger = LEDGER_INIT;

    (void)state;
    ledger.cookie = 1;
    read_text(&ledger, "ipmodd 1 2\ninstance tun0 100 32765\nipv4 eth0 rp_filter 2 1\n");
    assert_int_equal(ledger.count, 0);
    assert_int_equal(ledger.left_count, 0);
    ledger_close(&ledger);
}

static void test_garbage_is_skipped(void **state)
{
    static const char *const lines[] = {
        "",
        "\n",
        "ipv5 eth0 rp_filter 2 1\n",
        "ipv4 eth0 rp_filter 2\n",
        "ipv4 eth0 rp_filter 2 1 more\n",
        "ipv4 ../../../tmp rp_filter 2 1\n",
        "ipv4 .. rp_filter 2 1\n",
        "ipv4 eth0 a/b 2 1\n",
        "ipv4 / .. 2 1\n",
        "ipv4 // tcp_early_demux 0 1\n",
        "local ipv5 2\n",
        "local ipv4\n",
        "local ipv4 0\n",
        "\xff\xfe\n",
        "ipv4 a-name-that-is-much-too-long-for-a-device rp_filter 2 1\n",
        "instance\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct ledger ledger = LEDGER_INIT;
        char text[256];

        snprintf(text, sizeof(text), "ipmodd 1 0\n%sipv4 eth0 rp_filter 2 1\n", lines[i]);
        read_text(&ledger, text);
        assert_int_equal(ledger.count, 1);
        assert_string_equal(ledger.entries[0].ours.device, "eth0");
        ledger_close(&ledger);
    }
}

static void test_other_files_are_empty_ledgers(void **state)
{
    static const char *const texts[] = {"x", "ipmodd 2 0\nipv4 eth0 rp_filter 2 1\n", "\177ELF\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct ledger ledger = LEDGER_INIT;

        read_text(&ledger, texts[i]);
        assert_int_equal(ledger.count, 0);
        ledger_close(&ledger);
    }
}

/* Somebody's hold on the lock: it ends when this is closed. */
static int rope = -1;

/* What lock_take() has waited so far, and after how many pauses more the holder lets go; 0: never.
 */
static struct {
    uint64_t nanoseconds;
    unsigned until_release;
} pauses;

/* A process that took the lock is killed, and its child, now this process's, still holds it. */
static void leave_lock_behind(const struct instance *instance)
{
    int ends[2], status;
    pid_t child;

    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        struct fault fault = {.text = ""};
        int fd = -1;
        char none;

        close(ends[1]);
        if (lock_take(instance, LOCK_TUN, &fd, &fault) < 0)
            _exit(1);
        if (fork() == 0)
            (void)!read(ends[0], &none, 1);
        _exit(0);
    }
    close(ends[0]);
    rope = ends[1];
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void release_lock(void)
{
    close(TAKE_FD(rope));
    assert_true(wait(NULL) > 0);
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

/* Time passes at once. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    pauses.nanoseconds += (uint64_t)wanted->tv_sec * 1000000000 + (uint64_t)wanted->tv_nsec;
    if (pauses.until_release > 0 && --pauses.until_release == 0)
        release_lock();
    return 0;
}

static void test_lock_of_a_killed_process(void **state)
{
    const struct instance instance = {.tun = "tun0", .table = 100, .divert_priority = 32765};
    char directory[] = "/tmp/ipmodd-unit-XXXXXX";
    struct fault fault = {.text = ""};
    int fd = -1;

    (void)state;
    assert_non_null(mkdtemp(directory));
    setenv("RUNTIME_DIRECTORY", directory, 1);
    leave_lock_behind(&instance);
    pauses.until_release = 8;
    assert_int_equal(lock_take(&instance, LOCK_TUN, &fd, &fault), 0);
    assert_int_equal(pauses.until_release, 0);
    lock_drop(&instance, LOCK_TUN, &fd);
    leave_lock_behind(&instance);
    pauses.nanoseconds = 0;
    assert_int_equal(lock_take(&instance, LOCK_TUN, &fd, &fault), -EBUSY);
    assert_in_range(pauses.nanoseconds, 200000000, 500000000);
    assert_non_null(strstr(fault.text, "another instance of ipmodd is running"));
    release_lock();
    assert_int_equal(lock_take(&instance, LOCK_TUN, &fd, &fault), 0);
    lock_drop(&instance, LOCK_TUN, &fd);
    rmdir(directory);
}

/* As when the process ends. */
static void drop_locks(struct ledger *ledger)
{
    for (int which = 0; which < LOCK_COUNT; which++)
        lock_drop(&ledger->instance, (enum lock_kind)which, &ledger->locks[which]);
}

/* The directory may be a service's, and who writes or reads there root. */
static void test_what_others_put_there_is_not_followed(void **state)
{
    const struct instance instance = {.tun = "tun0", .table = 100, .divert_priority = 32765};
    char directory[] = "/tmp/ipmodd-unit-XXXXXX";
    char other[64], state_path[LOCK_PATH], temporary[LOCK_PATH + 8];
    struct ledger ledger = LEDGER_INIT;
    struct fault fault = {.text = ""};
    struct stat status;

    (void)state;
    assert_non_null(mkdtemp(directory));
    setenv("RUNTIME_DIRECTORY", directory, 1);
    assert_int_equal(ledger_open(&ledger, &instance, &fault), 0);
    snprintf(other, sizeof(other), "%s/other", directory);
    strcpy(state_path, ledger.path);
    snprintf(temporary, sizeof(temporary), "%s.new", state_path);
    assert_int_equal(symlink(other, temporary), 0);
    assert_int_equal(ledger_save(&ledger), 0);
    assert_int_equal(lstat(other, &status), -1);
    assert_int_equal(lstat(ledger.path, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(mkfifo(temporary, 0600), 0);
    alarm(20); /* nobody reads from it */
    assert_int_equal(ledger_save(&ledger), 0);
    unlink(ledger.path);
    assert_int_equal(symlink("/proc/self/status", ledger.path), 0);
    drop_locks(&ledger);
    assert_int_equal(ledger_open(&ledger, &instance, &fault), -ELOOP);
    alarm(0);
    unlink(state_path);
    ledger_close(&ledger);
    rmdir(directory);
}

/* Nothing is changed before what it was stands on the disk, however often that is tried. */
static void test_what_cannot_be_written_is_not_noted(void **state)
{
    const struct setting rp = setting(FAMILY_IPV4, "eth0", "rp_filter", 2);
    char directory[] = "/tmp/ipmodd-unit-XXXXXX";
    struct ledger ledger = LEDGER_INIT, back = LEDGER_INIT;
    FILE *in;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(ledger.path, sizeof(ledger.path), "%s/missing/state", directory);
    assert_int_equal(ledger_record(&ledger, &rp, 1), -ENOENT);
    assert_int_equal(ledger_record(&ledger, &rp, 1), -ENOENT);
    snprintf(ledger.path, sizeof(ledger.path), "%s/state", directory);
    assert_int_equal(ledger_record(&ledger, &rp, 1), 0);
    in = fopen(ledger.path, "re");
    assert_non_null(in);
    assert_int_equal(ledger_read(&back, in), 0);
    fclose(in);
    assert_int_equal(back.count, 1);
    assert_int_equal(ledger.count, 1);
    unlink(ledger.path);
    rmdir(directory);
    ledger_close(&ledger);
    ledger_close(&back);
}

/* A start that fails because it cannot read what a killed process left leaves that to the next. */
static void test_what_cannot_be_read_stays(void **state)
{
    const struct instance instance = {.tun = "tun0", .table = 100, .divert_priority = 32765};
    char directory[] = "/tmp/ipmodd-unit-XXXXXX";
    struct ledger ledger = LEDGER_INIT;
    struct fault fault = {.text = ""};
    char path[LOCK_PATH];
    struct stat status;

    (void)state;
    assert_non_null(mkdtemp(directory));
    setenv("RUNTIME_DIRECTORY", directory, 1);
    assert_int_equal(ledger_open(&ledger, &instance, &fault), 0);
    strcpy(path, ledger.path);
    ledger_close(&ledger);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(ledger_open(&ledger, &instance, &fault), -ELOOP);
    assert_non_null(strstr(fault.text, path));
    ledger_close(&ledger);
    assert_int_equal(lstat(path, &status), 0);
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_inbound_round_trip),
        cmocka_unit_test(test_original_is_kept),
        cmocka_unit_test(test_another_namespace_is_not_ours),
        cmocka_unit_test(test_garbage_is_skipped),
        cmocka_unit_test(test_other_files_are_empty_ledgers),
        cmocka_unit_test(test_lock_of_a_killed_process),
        cmocka_unit_test(test_what_others_put_there_is_not_followed),
        cmocka_unit_test(test_what_cannot_be_written_is_not_noted),
        cmocka_unit_test(test_what_cannot_be_read_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
