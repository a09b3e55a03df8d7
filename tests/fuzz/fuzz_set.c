/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the file of a set: it is refused with a printable error that names a line, or it is
 * a set whose members are found.
 *
 * Input: one byte that chooses the type, then the file.
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
        const char *text = problems->items[i].text;

        REQUIRE(*text != '\0');
        for (; *text != '\0'; text++)
            REQUIRE((unsigned char)*text >= ' ' && *text != 0x7f);
    }
}

/* The first line that is an address or port, without what may stand around it, is a member. */
static void require_members(const struct set *set, const char *text)
{
    struct ip_addr addr;
    char word[64];

    if (set_type(set) == SET_PREFIX && sscanf(text, "%63[0-9a-fA-F.:]", word) == 1 &&
        text[strlen(word)] == '\n' && ip_addr_parse(word, &addr) == 0)
        REQUIRE(set_has_address(set, addr.family, addr.bytes));
    REQUIRE(set_memory(set) > 0);
}

/* Loads a set of TYPE from a file with BYTES, with what is said of it in PROBLEMS. */
static int load(const char *type, const void *bytes, size_t length, struct problems *problems,
                struct loaded *ret_loaded)
{
    int CLEANUP(cleanup_fd) set = memory_file(bytes, length);
    int CLEANUP(cleanup_fd) config = -1;
    char text[128], name[MEMORY_FILE_NAME];

    snprintf(text, sizeof(text), "[set s]\ntype = %s\nfile = %s\n", type,
             memory_file_name(set, name));
    config = memory_file(text, strlen(text));
    return load_configuration(memory_file_name(config, name), problems, ret_loaded);
}

/* Were every set refused, nothing would be tested. */
static void require_that_something_loads(void)
{
    struct loaded CLEANUP(loaded_clear) loaded = {.config = NULL};
    struct problems problems = PROBLEMS_INIT;
    static bool done;

    if (!done)
        REQUIRE(load("port", "80\n", 3, &problems, &loaded) == 0);
    done = true;
    problems_clear(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct loaded CLEANUP(loaded_clear) loaded = {.config = NULL};
    struct problems problems = PROBLEMS_INIT;
    char CLEANUP(cleanup_free) *file = NULL;
    int r;

    require_that_something_loads();
    if (size == 0)
        return 0;
    r = load(input[0] % 2 == 0 ? "prefix" : "port", input + 1, size - 1, &problems, &loaded);
    REQUIRE(r == 0 || r == -EINVAL);
    REQUIRE((r == 0) == !problems_have_errors(&problems));
    require_printable(&problems);
    problems_clear(&problems);
    file = strndup((const char *)input + 1, size - 1);
    REQUIRE(file != NULL);
    if (r == 0)
        require_members(set_list_find(&loaded.ruleset->sets, "s"), file);
    return 0;
}
