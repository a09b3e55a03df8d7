/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of a rule's `capture`. */
#include "capture_value.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KIB UINT64_C(1024)

/* A file has room for its header and the largest packet. */
#define SIZE_MIN     (128 * KIB)
#define SIZE_MOST    (1024 * KIB * KIB * KIB)
#define SIZE_DEFAULT (10 * KIB * KIB)

enum {
    FILES_MAX = 100,
    FILES_DEFAULT = 10,
    SNAP_MIN = 20, /* no header is shorter */
    SNAP_MAX = 65535,
};

const char capture_value_grammar[] = "NAME [size N[KiB|MiB|GiB]] [files N] [snaplen N]";

/* The largest first. */
static const struct {
    const char *name;
    uint64_t bytes;
} units[] = {
    {"GiB", KIB *KIB *KIB},
    {"MiB", KIB *KIB},
    {"KiB", KIB},
    {"", 1},
};

/* Bytes with a unit or none. 0, -EINVAL or -ERANGE. */
static int parse_size(const char *text, uint64_t *ret_size)
{
    size_t digits = strspn(text, "0123456789");
    char number[24];
    int r;

    if (digits >= sizeof(number))
        return -ERANGE;
    memcpy(number, text, digits);
    number[digits] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(text + digits, units[i].name) != 0)
            continue;
        r = text_parse_number(number, SIZE_MOST / units[i].bytes, ret_size);
        *ret_size *= units[i].bytes;
        return r < 0 || *ret_size >= SIZE_MIN ? r : -ERANGE;
    }
    return -EINVAL;
}

static int parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_number)
{
    uint64_t number;
    int r = text_parse_number(text, max, &number);

    if (r < 0)
        return r;
    if (number < min)
        return -ERANGE;
    *ret_number = (uint32_t)number;
    return 0;
}

/* What is read so far, and which options were there. */
struct reading {
    struct rule_capture *capture;
    bool has_size, has_files, has_snap;
};

/* The option KEY with VALUE, which is NULL at the end of the text. */
static int take_option(struct reading *reading, const char *key, const char *value,
                       struct value_error *error)
{
    struct rule_capture *capture = reading->capture;
    bool *seen = strcmp(key, "size") == 0      ? &reading->has_size
                 : strcmp(key, "files") == 0   ? &reading->has_files
                 : strcmp(key, "snaplen") == 0 ? &reading->has_snap
                                               : NULL;

    if (seen == NULL)
        return value_refuse(error, "'%.40s' is no option: %s", key, capture_value_grammar);
    if (value == NULL)
        return value_refuse(error, "%s has no value: %s", key, capture_value_grammar);
    if (*seen)
        return value_refuse(error, "%s is there twice", key);
    *seen = true;
    if (seen == &reading->has_size && parse_size(value, &capture->file_size) < 0)
        return value_refuse(error, "'%.40s' is not a size: 128KiB to 1024GiB", value);
    if (seen == &reading->has_files && parse_number(value, 1, FILES_MAX, &capture->files) < 0)
        return value_refuse(error, "'%.40s' is not a number of files: 1 to %d", value, FILES_MAX);
    if (seen == &reading->has_snap &&
        parse_number(value, SNAP_MIN, SNAP_MAX, &capture->snap_length) < 0)
        return value_refuse(error, "'%.40s' is not a number of bytes: %d to %d", value, SNAP_MIN,
                            SNAP_MAX);
    return 0;
}

/* A part of a file's name, with nothing in it that a shell or a path would act on. */
static bool is_good_name(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);

    return length <= CAPTURE_NAME_MAX && strspn(name, good) == length && name[0] != '.' &&
           name[0] != '-';
}

static int take_name(struct rule_capture *capture, const char *name, struct value_error *error)
{
    if (!is_good_name(name))
        return value_refuse(error,
                            "'%.70s' is not a name: 1 to %d letters, digits, '.', '_' and '-', "
                            "beginning with neither '.' nor '-'",
                            name, CAPTURE_NAME_MAX);
    capture->name = strdup(name);
    return capture->name != NULL ? 0 : -ENOMEM;
}

static int parse_words(const char *text, struct rule_capture *capture, struct value_error *error)
{
    struct reading reading = {.capture = capture};
    char CLEANUP(cleanup_free) *memory = strdup(text);
    char *rest = memory;
    const char *word;
    int r;

    if (memory == NULL)
        return -ENOMEM;
    r = take_name(capture, text_next_word(&rest), error);
    while (r == 0 && (word = text_next_word(&rest)) != NULL)
        r = take_option(&reading, word, text_next_word(&rest), error);
    return r;
}

int capture_value_parse(const char *text, struct rule_capture **ret_capture,
                        struct value_error *error)
{
    struct rule_capture *capture = calloc(1, sizeof(*capture));
    int r;

    if (capture == NULL)
        return -ENOMEM;
    capture->file_size = SIZE_DEFAULT;
    capture->files = FILES_DEFAULT;
    capture->snap_length = SNAP_MAX;
    r = parse_words(text, capture, error);
    if (r < 0) {
        rule_capture_free(capture);
        return r;
    }
    *ret_capture = capture;
    return 0;
}

void capture_value_print(const struct rule_capture *capture, FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (capture->file_size % units[i].bytes != 0)
            continue;
        fprintf(out, "%s size %" PRIu64 "%s files %" PRIu32 " snaplen %" PRIu32, capture->name,
                capture->file_size / units[i].bytes, units[i].name, capture->files,
                capture->snap_length);
        return;
    }
}
