/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every file of the folders named on the command line through a fuzz target. */
#include "target.h"

#include "ipmodd/base/macro.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

/* Inputs are copied into memory of just their size, so that a sanitizer sees a read beyond. */
static int replay_file(int folder, const char *name)
{
    CLEANUP(cleanup_fd) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    CLEANUP(cleanup_free) uint8_t *buffer = malloc(INPUT_MAX);
    CLEANUP(cleanup_free) uint8_t *input = NULL;
    ssize_t size;

    if (fd < 0 || buffer == NULL)
        return -1;
    size = read(fd, buffer, INPUT_MAX);
    if (size < 0)
        return -1;
    input = malloc((size_t)size + (size == 0));
    if (input == NULL)
        return -1;
    memcpy(input, buffer, (size_t)size);
    LLVMFuzzerTestOneInput(input, (size_t)size);
    return 0;
}

/* Number of files replayed, or -1 with errno. */
static long replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    long count = 0;

    if (folder == NULL)
        return -1;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (replay_file(dirfd(folder), entry->d_name) < 0) {
            fprintf(stderr, "%s/%s: %s\n", path, entry->d_name, strerror(errno));
            closedir(folder);
            return -1;
        }
        count++;
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        long count = replay_folder(argv[i]);

        if (count <= 0) {
            fprintf(stderr, "%s: no corpus there\n", argv[i]);
            return EXIT_FAILURE;
        }
        printf("%s: %ld inputs\n", argv[i], count);
    }
    return EXIT_SUCCESS;
}
