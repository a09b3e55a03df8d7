/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the golden cases of a folder: packets through rules built from the real tables, compared
 * byte by byte with what an independent implementation expects (make_cases.py).
 *
 * A case: comments with '#'; "[rule]" starts a rule, "key = value" belongs to it; "in" and "out"
 * are followed by indented lines of hexadecimal digits. Answers come first among what goes out.
 */
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PACKET_MAX = 2048, OUT_MAX = 4 };

struct bytes {
    uint8_t data[PACKET_MAX];
    size_t length;
};

struct golden_case {
    const char *path;
    struct ruleset *ruleset;
    struct rule rule;   /* under construction */
    struct scope scope; /* of that rule */
    bool in_rule;
    struct bytes before;
    struct bytes after[OUT_MAX];
    size_t after_count;
    struct bytes *reading; /* the packet that hexadecimal lines belong to */
};

static void fail(const struct golden_case *golden, const char *format, ...) PRINTF_LIKE(2, 3);

static void fail(const struct golden_case *golden, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", golden->path);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

static void end_rule(struct golden_case *golden)
{
    if (golden->in_rule && ruleset_add(golden->ruleset, &golden->rule) < 0)
        fail(golden, "no memory");
    golden->in_rule = false;
}

static void start_rule(struct golden_case *golden)
{
    end_rule(golden);
    if (rule_init(&golden->rule, "golden", golden->path, 1) < 0)
        fail(golden, "no memory");
    golden->scope = scope_all();
    golden->in_rule = true;
}

static void add_key(struct golden_case *golden, const char *key, const char *text)
{
    const struct match_type *match = match_type_find(key);
    const struct action_type *action = action_type_find(key);
    struct value_error error;
    void *value;
    int r;

    if (match == NULL && action == NULL)
        fail(golden, "no such key: %s", key);
    r = match != NULL ? match->parse(text, &golden->scope, &value, &error)
                      : action->parse(text, &golden->scope, &value, &error);
    if (r < 0)
        fail(golden, "%s: %s", key, error.text);
    if (match != NULL && match->narrow != NULL)
        match->narrow(value, &golden->scope);
    r = match != NULL ? rule_add_match(&golden->rule, match, value)
                      : rule_add_action(&golden->rule, action, value);
    if (r < 0)
        fail(golden, "no memory");
}

static void start_packet(struct golden_case *golden, struct bytes *packet)
{
    end_rule(golden);
    golden->reading = packet;
}

static void add_hex(struct golden_case *golden, const char *digits)
{
    struct bytes *packet = golden->reading;

    if (packet == NULL)
        fail(golden, "digits outside of a packet");
    for (; *digits != '\0'; digits += 2) {
        char pair[3] = {0};

        digits += strspn(digits, " ");
        memcpy(pair, digits, 2);
        if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]) ||
            packet->length == PACKET_MAX)
            fail(golden, "bad digits: %s", digits);
        packet->data[packet->length++] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

static void add_line(struct golden_case *golden, char *line)
{
    char *equals = strstr(line, " = ");

    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0')
        return;
    if (strcmp(line, "[rule]") == 0) {
        start_rule(golden);
    } else if (strcmp(line, "in") == 0) {
        start_packet(golden, &golden->before);
    } else if (strcmp(line, "out") == 0 && golden->after_count < OUT_MAX) {
        start_packet(golden, &golden->after[golden->after_count++]);
    } else if (line[0] == ' ') {
        add_hex(golden, line);
    } else if (equals != NULL && golden->in_rule) {
        *equals = '\0';
        add_key(golden, line, equals + 3);
    } else {
        fail(golden, "not understood: %s", line);
    }
}

static void read_case(struct golden_case *golden)
{
    CLEANUP(cleanup_file) FILE *file = fopen(golden->path, "re");
    char line[512];

    if (file == NULL)
        fail(golden, "%s", strerror(errno));
    while (fgets(line, sizeof(line), file) != NULL)
        add_line(golden, line);
    end_rule(golden);
    if (golden->before.length == 0 || golden->ruleset->rule_count == 0)
        fail(golden, "nothing to try");
}

static void print_hex(const char *what, const uint8_t *bytes, size_t length)
{
    fprintf(stderr, "  %s:", what);
    for (size_t i = 0; i < length; i++)
        fprintf(stderr, "%s%02x", i % 2 == 0 ? " " : "", bytes[i]);
    fputc('\n', stderr);
}

/* Takes the next expected packet; false for another one than PACKET. */
static bool expect(const struct golden_case *golden, size_t *next, const struct packet *packet)
{
    const struct bytes *expected = &golden->after[*next];

    if (packet->fate != FATE_OUT)
        return true;
    if (*next == golden->after_count) {
        print_hex("not expected", packet->data, packet->length);
        return false;
    }
    ++*next;
    if (packet->length == expected->length &&
        memcmp(packet->data, expected->data, packet->length) == 0)
        return true;
    print_hex("expected", expected->data, expected->length);
    print_hex("got     ", packet->data, packet->length);
    return false;
}

static bool is_as_expected(const struct golden_case *golden, const struct batch *batch)
{
    size_t next = 0;

    for (size_t i = 0; i < batch->answer_count; i++) {
        if (!expect(golden, &next, &batch->answers[i]))
            return false;
    }
    if (!expect(golden, &next, &batch->packets[0]))
        return false;
    return next == golden->after_count;
}

static bool run_case(const struct golden_case *golden, const struct host_view *view)
{
    struct path *path = path_new(golden->ruleset, view);
    struct batch *batch = batch_new();
    bool good;

    if (path == NULL || batch == NULL)
        fail(golden, "no memory");
    memcpy(batch_next_buffer(batch), golden->before.data, golden->before.length);
    batch_commit(batch, golden->before.length);
    path_run(path, batch, &(struct moment){.now_ns = 1});
    good = is_as_expected(golden, batch);
    batch_free(batch);
    path_free(path);
    return good;
}

static bool try_case(const char *folder, const char *name, const struct host_view *view)
{
    CLEANUP(cleanup_free) char *path = NULL;
    struct golden_case *golden = calloc(1, sizeof(*golden));
    bool good;

    if (golden == NULL || asprintf(&path, "%s/%s", folder, name) < 0)
        exit(EXIT_FAILURE);
    golden->path = path;
    golden->ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    if (golden->ruleset == NULL)
        fail(golden, "no memory");
    read_case(golden);
    good = run_case(golden, view);
    printf("%s %s\n", good ? "ok  " : "FAIL", name);
    ruleset_free(golden->ruleset);
    free(golden);
    return good;
}

static struct host_view *make_view(void)
{
    struct ip_addr locals[2];

    if (ip_addr_parse("192.0.2.1", &locals[0]) < 0 ||
        ip_addr_parse("2001:db8:1::1", &locals[1]) < 0)
        return NULL;
    return host_view_new(locals, 2, NULL, 0, NULL, 0);
}

int main(int argc, char **argv)
{
    struct host_view *view = make_view();
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    unsigned tried = 0, failed = 0;

    if (view == NULL || folder == NULL) {
        fprintf(stderr, "usage: golden FOLDER\n");
        return EXIT_FAILURE;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        tried++;
        failed += !try_case(argv[1], entry->d_name, view);
    }
    closedir(folder);
    host_view_free(view);
    printf("%u cases, %u failed\n", tried, failed);
    return tried > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
