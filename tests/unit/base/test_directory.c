/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories of the service. */
#include "../unit.h"
#include "ipmodd/base/directory.h"

#include <stdlib.h>

static const char variable[] = "RUNTIME_DIRECTORY";

static const char *of(const char *value, char text[static PATH_MAX])
{
    setenv(variable, value, 1);
    return directory_of_service(variable, "/run/usual", text);
}

static void test_first_one(void **state)
{
    char text[PATH_MAX];

    (void)state;
    unsetenv(variable);
    assert_string_equal(directory_of_service(variable, "/run/usual", text), "/run/usual");
    assert_string_equal(of("", text), "/run/usual");
    assert_string_equal(of("relative", text), "/run/usual");
    assert_string_equal(of("/run/one", text), "/run/one");
    assert_string_equal(of("/run/one:/run/other", text), "/run/one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
