/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of files that lives as long as a test. */
#include "fixture.h"

#include "load_below.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 512 };

static char directory[PATH_SIZE];

int fixture_setup(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/ipmodd-rules-XXXXXX");
    umask(022); /* a file that its group may write is refused */
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

int fixture_teardown(void **state)
{
    (void)state;
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fixture_path(const char *path)
{
    static char buffers[4][PATH_SIZE];
    static size_t turn;
    char *buffer = buffers[turn++ % 4];

    assert_true(snprintf(buffer, PATH_SIZE, "%s/%s", directory, path) < PATH_SIZE);
    return buffer;
}

static void make_parents(const char *path)
{
    char parent[PATH_SIZE];

    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
        assert_true(mkdir(parent, 0755) == 0 || errno == EEXIST);
    }
}

void fixture_write_bytes(const char *path, const void *bytes, size_t length)
{
    const char *whole = fixture_path(path);
    FILE *file;

    make_parents(whole);
    file = fopen(whole, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

void fixture_write(const char *path, const char *text)
{
    fixture_write_bytes(path, text, strlen(text));
}

static int load(const char *path, struct problems *problems, struct loaded *ret_loaded)
{
    if (path == NULL)
        return load_configuration_below(directory, problems, ret_loaded);
    return load_configuration(fixture_path(path), problems, ret_loaded);
}

/* Takes every "DIRECTORY/" out of TEXT. */
static void strip_directory(char *text)
{
    size_t length = strlen(directory) + 1;

    for (char *found = strstr(text, directory); found != NULL; found = strstr(found, directory))
        memmove(found, found + length, strlen(found + length) + 1);
}

const char *fixture_complaints_of(const char *path)
{
    static char text[65536];
    struct problems problems = PROBLEMS_INIT;
    struct loaded loaded = {.config = NULL};
    FILE *out = fmemopen(text, sizeof(text), "w");
    int r = load(path, &problems, &loaded);

    assert_non_null(out);
    assert_int_equal(r, problems_have_errors(&problems) ? -EINVAL : 0);
    assert_int_equal(loaded.config != NULL, r == 0);
    for (size_t i = 0; i < problems.count; i++) {
        problem_print(&problems.items[i], out);
        fputs(i + 1 < problems.count ? "\n" : "", out);
    }
    fputc('\0', out);
    assert_int_equal(fclose(out), 0);
    problems_clear(&problems);
    loaded_clear(&loaded);
    strip_directory(text);
    return text;
}

const char *fixture_complaints(const char *text)
{
    fixture_write("test.conf", text);
    return fixture_complaints_of("test.conf");
}

char *fixture_dump_of(const char *path)
{
    struct problems problems = PROBLEMS_INIT;
    struct loaded loaded = {.config = NULL};
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    if (load(path, &problems, &loaded) < 0) {
        problem_print(&problems.items[0], stderr);
        fail_msg("does not load");
    }
    dump_configuration(&loaded, out);
    assert_int_equal(fclose(out), 0);
    strip_directory(text);
    problems_clear(&problems);
    loaded_clear(&loaded);
    return text;
}

char *fixture_dump(const char *text)
{
    fixture_write("test.conf", text);
    return fixture_dump_of("test.conf");
}

const char *fixture_value(char *dump, const char *header, const char *key)
{
    char wanted[64];
    char *found = strstr(dump, header);

    snprintf(wanted, sizeof(wanted), "\n%s = ", key);
    assert_non_null(found);
    found = strstr(found, wanted);
    assert_non_null(found);
    found += strlen(wanted);
    found[strcspn(found, "\n")] = '\0';
    return found;
}
