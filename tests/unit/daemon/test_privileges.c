/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Root gives up everything but CAP_NET_ADMIN, for good. */
#include "../unit.h"
#include "privileges.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The hexadecimal set behind NAME in /proc/self/status. */
static uint64_t own_set(const char *name)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t set = UINT64_MAX;

    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ":\t%" SCNx64, &set);
    }
    if (status != NULL)
        fclose(status);
    return set;
}

/* In a child: what is given up does not come back. Its exit code is the number of the wrong step.
 */
static int give_up_and_look(void)
{
    const uint64_t net_admin = UINT64_C(1) << CAP_NET_ADMIN;

    if (privileges_give_up() != 0)
        return 1;
    if (own_set("CapEff") != net_admin || own_set("CapPrm") != net_admin)
        return 2;
    if (own_set("CapBnd") != 0 || own_set("CapInh") != 0 || own_set("CapAmb") != 0)
        return 3;
    if (own_set("NoNewPrivs") != 1)
        return 4;
    return privileges_give_up() == 0 ? 0 : 5; /* nothing to give up is no failure */
}

static void test_root_keeps_one_capability(void **state)
{
    const uint64_t needed = UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_SETPCAP;
    pid_t child;
    int status;

    (void)state;
    if ((own_set("CapEff") & needed) != needed)
        skip();
    child = fork();
    if (child == 0)
        _exit(give_up_and_look());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_root_keeps_one_capability)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
