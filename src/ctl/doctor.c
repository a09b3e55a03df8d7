/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl doctor: what on this host will not work, and the command that mends it. */
#include "command.h"
#include "connection.h"
#include "examined.h"
#include "view.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/base/text_stream.h"
#include "ipmodd/rules/load.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

/* How long a daemon may take to say how it is. */
enum { PATIENCE_SECONDS = 2 };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"verbose", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

struct wish {
    const char *file; /* -c; NULL: the search path */
    bool verbose;
};

static enum exit_code parse_arguments(int argc, char **argv, struct wish *ret_wish)
{
    int answer;

    while ((answer = getopt_long(argc, argv, ":c:v", long_options, NULL)) != -1) {
        if (answer == 'c')
            ret_wish->file = optarg;
        else if (answer == 'v')
            ret_wish->verbose = true;
        else
            return command_refuse_option(&command_doctor, answer, argv);
    }
    if (optind < argc)
        return command_refuse_usage(&command_doctor, "'%s' is one word too many", argv[optind]);
    return EXIT_CODE_OK;
}

/* Adds PROBLEM as a finding. 0 or -ENOMEM. */
static int add_problem(struct findings *findings, const struct problem *problem)
{
    bool is_error = problem->severity == PROBLEM_ERROR;
    char CLEANUP(cleanup_free) *text = NULL;
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return -ENOMEM;
    problem_print(problem, out);
    text = text_stream_take(&stream);
    if (text == NULL)
        return -ENOMEM;
    return findings_add(findings, "configuration", is_error ? FINDING_ERROR : FINDING_WARNING, NULL,
                        "%s", text);
}

/* With errors in it, or none there, the rest is looked at with what a configuration has unset. */
static int load(const char *file, struct findings *findings, struct config **ret_config)
{
    struct problems problems = PROBLEMS_INIT;
    struct loaded loaded = {.config = NULL};
    int r = load_configuration(file, &problems, &loaded);

    if (r == 0)
        *ret_config = TAKE_PTR(loaded.config);
    loaded_clear(&loaded);
    for (size_t i = 0; i < problems.count && r != -ENOMEM; i++) {
        int added = add_problem(findings, &problems.items[i]);

        r = added < 0 ? added : r;
    }
    problems_clear(&problems);
    if (r == -EINVAL)
        *ret_config = config_new();
    else if (r == 0 && findings->count == 0)
        r = findings_add(findings, "configuration", FINDING_OK, NULL, "it can be loaded");
    return r == -ENOMEM || *ret_config == NULL ? -ENOMEM : 0;
}

static void read_status(const json_t *status, struct doctor_daemon *daemon)
{
    const json_t *packets = json_object_get(status, "packets");
    const json_t *classes = json_object_get(status, "offload");
    const json_t *item;
    size_t i;

    daemon->answers = true;
    daemon->ttl_255 = (uint64_t)view_integer(packets, "ttl_255");
    daemon->queue_dropped = (uint64_t)view_integer(status, "tun_tx_dropped");
    json_array_foreach((json_t *)classes, i, item)
    {
        if (i >= OFFLOAD_CLASS_COUNT)
            break;
        if (json_is_true(json_object_get(item, "used")))
            daemon->offload |= 1u << i;
        daemon->offload_refused[i] = (uint64_t)view_integer(item, "refused");
    }
}

static int say_of_daemon(struct findings *findings, int answer)
{
    switch (answer) {
    case 0:
        return findings_add(findings, "daemon", FINDING_OK, NULL, "it runs and answers");
    case -EACCES:
    case -EPERM:
        return findings_add(findings, "daemon", FINDING_UNKNOWN, "sudo ipmodctl doctor",
                            "its control socket is for members of the group ipmodd, or root");
    case -EAGAIN:
        return findings_add(findings, "daemon", FINDING_ERROR, "systemctl restart ipmodd",
                            "it does not answer for %d s: while it is stopped no diverted packet "
                            "goes anywhere",
                            PATIENCE_SECONDS);
    case -ENOENT:
    case -ECONNREFUSED:
        return findings_add(findings, "daemon", FINDING_NOTE, "systemctl start ipmodd",
                            "none answers at the control socket: looked at is what a start would "
                            "meet");
    default:
        return findings_add(findings, "daemon", FINDING_UNKNOWN, NULL,
                            "what answers at the control socket is not ipmodd: %s",
                            strerror(-answer));
    }
}

/* The file that a start or reload would read: of -c, else that of the daemon with STATUS. */
static const char *choose_file(const struct wish *wish, const json_t *status)
{
    const char *file =
        json_string_value(json_object_get(json_object_get(status, "configuration"), "file"));

    return wish->file != NULL ? wish->file : file;
}

static void print_text(const struct findings *findings, bool verbose, FILE *out)
{
    const unsigned errors = examined_count(findings, FINDING_ERROR);
    const unsigned warnings = examined_count(findings, FINDING_WARNING);
    const unsigned well = examined_count(findings, FINDING_OK);

    examined_print(findings, verbose, out);
    fprintf(out, "%u error%s, %u warning%s, %u could not be looked at, %u %s well\n", errors,
            text_plural(errors), warnings, text_plural(warnings),
            examined_count(findings, FINDING_UNKNOWN), well, well == 1 ? "is" : "are");
}

static void print_json(const struct findings *findings, FILE *out)
{
    json_t *document = json_pack("{sisisiso}", "schema", 1, "errors",
                                 (int)examined_count(findings, FINDING_ERROR), "warnings",
                                 (int)examined_count(findings, FINDING_WARNING), "findings",
                                 examined_json(findings, true));

    json_dumpf(document, out, JSON_FORM);
    fputc('\n', out);
    json_decref(document);
}

static int examine(const struct options *options, const struct wish *wish,
                   struct findings *findings, const char **ret_why)
{
    struct config *config CLEANUP(config_cleanup) = NULL;
    struct doctor_daemon daemon = {.answers = false};
    json_auto_t *status = NULL;
    int answer = connection_probe(options, "status", PATIENCE_SECONDS, &status);
    int r = load(choose_file(wish, status), findings, &config);

    *ret_why = "examining this host";
    if (answer == 0)
        read_status(status, &daemon);
    if (r == 0)
        r = say_of_daemon(findings, answer);
    return r < 0 ? r : doctor_examine(config, &daemon, findings, ret_why);
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct findings CLEANUP(findings_clear) findings = {.items = NULL};
    struct wish wish = {.file = NULL};
    enum exit_code code = parse_arguments(argc, argv, &wish);
    const char *why;
    int r;

    if (code != EXIT_CODE_OK)
        return code;
    r = examine(options, &wish, &findings, &why);
    if (r < 0)
        return command_fail("%s: %s", why, strerror(-r));
    if (options->json)
        print_json(&findings, stdout);
    else
        print_text(&findings, wish.verbose, stdout);
    return command_finish_output(
        examined_count(&findings, FINDING_ERROR) + examined_count(&findings, FINDING_WARNING) == 0
            ? EXIT_CODE_OK
            : EXIT_CODE_FAILED);
}

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "[-c FILE] [-v]",
    .summary = "what on this host will not work, and the command that mends it",
    .help = "  -c, --config FILE  read FILE and FILE.d/*.conf instead of the search path\n"
            "  -v, --verbose      say what is well too\n",
    .run = run,
};
