/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries about losses: at once, then one in a while with the number; nothing stays untold. */
#include "../unit.h"
#include "losses.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

/* What losses_tell() writes at second NOW; *RET_LEFT is its answer. */
static const char *told_at(struct losses *losses, const struct path_counters *counters,
                           uint64_t tx_dropped, uint64_t now, bool *ret_left)
{
    static char text[4096];
    int stderr_copy = dup(STDERR_FILENO);
    ssize_t len;
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    dup2(fds[1], STDERR_FILENO);
    *ret_left = losses_tell(losses, counters, tx_dropped, "tun0", (1000 + now) * SECOND);
    dup2(stderr_copy, STDERR_FILENO);
    len = read(fds[0], text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    close(stderr_copy);
    close(fds[0]);
    close(fds[1]);
    return text;
}

static void test_malformed(void **state)
{
    struct path_counters counters = {.in = 0};
    struct losses losses = losses_make();
    bool left;

    (void)state;
    assert_string_equal(told_at(&losses, &counters, 0, 0, &left), "");
    assert_false(left);
    counters.drops[REASON_BAD_VERSION] = 1;
    counters.drops[REASON_RULE] = 50;
    assert_string_equal(told_at(&losses, &counters, 0, 1, &left),
                        "ipmodd: warning: a malformed packet was dropped: bad-version\n");
    assert_false(left);
    counters.drops[REASON_BAD_VERSION] = 1001;
    counters.drops[REASON_EMPTY] = 3;
    assert_string_equal(told_at(&losses, &counters, 0, 2, &left),
                        "ipmodd: warning: a malformed packet was dropped: empty, and 2 more since "
                        "the last entry\n");
    assert_true(left);
    for (uint64_t now = 3; now < 11; now++) {
        counters.drops[REASON_BAD_VERSION] += 1000;
        assert_string_equal(told_at(&losses, &counters, 0, now, &left), "");
        assert_true(left);
    }
    assert_string_equal(told_at(&losses, &counters, 0, 11, &left),
                        "ipmodd: warning: a malformed packet was dropped: bad-version, and 8999 "
                        "more since the last entry\n");
    assert_false(left);
}

/* The device was made again between two looks: its counter begins anew. */
static void test_overrun(void **state)
{
    const struct path_counters counters = {.in = 0};
    struct losses losses = losses_make();
    bool left;

    (void)state;
    assert_non_null(strstr(told_at(&losses, &counters, 700, 0, &left),
                           "700 packets were lost because the queue of tun0 was full"));
    assert_false(left);
    assert_string_equal(told_at(&losses, &counters, 900, 1, &left), "");
    assert_true(left);
    assert_non_null(strstr(told_at(&losses, &counters, 60, 31, &left), "60 packets were lost"));
    assert_false(left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_overrun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
