/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files make up the configuration. */
#include "search.h"

#include "build_config.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const char *const directories[] = {
    IPMODD_SYSCONFDIR,
    "/run",
    "/usr/local/lib",
    "/usr/lib",
};

static int list_add(struct file_list *files, char *path)
{
    char **paths = reallocarray(files->paths, files->count + 1, sizeof(*paths));

    if (paths == NULL) {
        free(path);
        return -ENOMEM;
    }
    files->paths = paths;
    paths[files->count++] = path;
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static bool list_has_name(const struct file_list *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(base_name(files->paths[i]), name) == 0)
            return true;
    }
    return false;
}

static bool is_drop_in_name(const char *name)
{
    size_t length = strlen(name);

    return name[0] != '.' && length > strlen(".conf") &&
           strcmp(name + length - strlen(".conf"), ".conf") == 0;
}

static void close_directory(DIR **directory)
{
    if (*directory != NULL)
        closedir(*directory);
}

/* Adds PATH's *.conf of which FILES has none with the same name. A missing directory has none. */
static int add_drop_ins(const char *path, struct report *report, struct file_list *files)
{
    DIR CLEANUP(close_directory) *directory = opendir(path);
    const struct place place = {.file = path};
    const struct dirent *item;

    if (directory == NULL && errno != ENOENT) {
        report_error(report, &place, "cannot be read: %s", strerror(errno));
        return 0;
    }
    while (directory != NULL && (item = readdir(directory)) != NULL) {
        char *found;
        int r;

        if (!is_drop_in_name(item->d_name) || list_has_name(files, item->d_name))
            continue;
        if (asprintf(&found, "%s/%s", path, item->d_name) < 0)
            return -ENOMEM;
        r = list_add(files, found);
        if (r < 0)
            return r;
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;

    return strcmp(base_name(*left), base_name(*right));
}

/* Adds the drop-ins to FILES behind the main file, sorted. */
static int append_sorted(struct file_list *files, struct file_list *drop_ins)
{
    if (drop_ins->count > 0)
        qsort(drop_ins->paths, drop_ins->count, sizeof(*drop_ins->paths), compare_names);
    for (size_t i = 0; i < drop_ins->count; i++) {
        int r = list_add(files, TAKE_PTR(drop_ins->paths[i]));

        if (r < 0)
            return r;
    }
    return 0;
}

/* Adds the main file of the first directory that has one. */
static int add_main_file(const char *root, struct file_list *files)
{
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        struct stat status;
        char *path;

        if (asprintf(&path, "%s%s/ipmodd/ipmodd.conf", root, directories[i]) < 0)
            return -ENOMEM;
        if (lstat(path, &status) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
            free(path);
            continue;
        }
        return list_add(files, path);
    }
    return 0;
}

static int add_all_drop_ins(const char *root, struct report *report, struct file_list *files)
{
    struct file_list CLEANUP(file_list_clear) drop_ins = {.paths = NULL};

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        char CLEANUP(cleanup_free) *path = NULL;
        int r;

        if (asprintf(&path, "%s%s/ipmodd/ipmodd.conf.d", root, directories[i]) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        r = add_drop_ins(path, report, &drop_ins);
        if (r < 0)
            return r;
    }
    return append_sorted(files, &drop_ins);
}

int search_below(const char *root, struct report *report, struct file_list *ret_files)
{
    struct file_list CLEANUP(file_list_clear) files = {.paths = NULL};
    const struct place place = {.file = IPMODD_SYSCONFDIR "/ipmodd/ipmodd.conf"};
    int r = add_main_file(root, &files);

    if (r == 0)
        r = add_all_drop_ins(root, report, &files);
    if (r < 0)
        return r;
    if (files.count == 0) {
        report_error(report, &place,
                     "does not exist, nor does one in /run, /usr/local/lib or /usr/lib, nor a file "
                     "in ipmodd.conf.d: write one, or name one with -c");
        return -EINVAL;
    }
    *ret_files = files;
    files = (struct file_list){.paths = NULL};
    return 0;
}

int search_given(const char *file, struct report *report, struct file_list *ret_files)
{
    struct file_list CLEANUP(file_list_clear) files = {.paths = NULL};
    struct file_list CLEANUP(file_list_clear) drop_ins = {.paths = NULL};
    char CLEANUP(cleanup_free) *path = NULL;
    char *copy = strdup(file);
    int r = copy != NULL ? list_add(&files, copy) : -ENOMEM;

    if (r < 0)
        return r;
    if (asprintf(&path, "%s.d", file) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = add_drop_ins(path, report, &drop_ins);
    if (r == 0)
        r = append_sorted(&files, &drop_ins);
    if (r < 0)
        return r;
    *ret_files = files;
    files = (struct file_list){.paths = NULL};
    return 0;
}

void file_list_clear(struct file_list *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct file_list){.paths = NULL};
}
