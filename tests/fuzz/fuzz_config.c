/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a configuration file: it is refused with at least one printable error, or it loads
 * and its dump loads to the same dump again.
 *
 * The text goes through a file in memory, so that reading is tested too and nothing is left behind.
 */
#include "memory_file.h"
#include "target.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/rules/load.h"

#include <errno.h>
#include <string.h>

static void require_printable(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        char CLEANUP(cleanup_free) *text = NULL;
        size_t length;
        FILE *out = open_memstream(&text, &length);

        REQUIRE(out != NULL);
        problem_print(&problems->items[i], out);
        REQUIRE(fclose(out) == 0 && length > 0);
        for (size_t j = 0; j < length; j++)
            REQUIRE((unsigned char)text[j] >= ' ' && text[j] != 0x7f);
    }
}

/* The dump of the configuration in BYTES, to be freed; NULL when it is refused. */
static char *load_and_dump(const void *bytes, size_t length, size_t *ret_length)
{
    int CLEANUP(cleanup_fd) fd = memory_file(bytes, length);
    char name[MEMORY_FILE_NAME];
    struct problems problems = PROBLEMS_INIT;
    struct loaded loaded = {.config = NULL};
    char *dump = NULL;
    int r;

    r = load_configuration(memory_file_name(fd, name), &problems, &loaded);
    REQUIRE(r == 0 || r == -EINVAL);
    REQUIRE((r == 0) == !problems_have_errors(&problems));
    REQUIRE((r == 0) == (loaded.config != NULL) && (r == 0) == (loaded.ruleset != NULL));
    require_printable(&problems);
    if (r == 0) {
        FILE *out = open_memstream(&dump, ret_length);

        REQUIRE(out != NULL);
        dump_configuration(&loaded, out);
        REQUIRE(fclose(out) == 0);
    }
    problems_clear(&problems);
    loaded_clear(&loaded);
    return dump;
}

/* Were every configuration refused, nothing would be tested. */
static void require_that_something_loads(void)
{
    static const char good[] = "[rule a]\nttl = 1\n";
    char CLEANUP(cleanup_free) *dump = NULL;
    static bool done;
    size_t length;

    if (done)
        return;
    dump = load_and_dump(good, strlen(good), &length);
    REQUIRE(dump != NULL);
    done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    size_t first_length, second_length, third_length;
    char CLEANUP(cleanup_free) *first = NULL;
    char CLEANUP(cleanup_free) *second = NULL;
    char CLEANUP(cleanup_free) *third = NULL;

    require_that_something_loads();
    first = load_and_dump(input, size, &first_length);
    if (first == NULL)
        return 0;
    second = load_and_dump(first, first_length, &second_length);
    REQUIRE(second != NULL);
    /* From here on the rules stand in the lines that the dump gives them, comments included. */
    third = load_and_dump(second, second_length, &third_length);
    REQUIRE(third != NULL);
    REQUIRE(second_length == third_length && memcmp(second, third, third_length) == 0);
    return 0;
}
