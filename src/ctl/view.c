/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Showing documents: options, rounds, numbers. */
#include "view.h"

#include "connection.h"

#include "ipmodd/base/clock.h"
#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_MAX = 86400 };

static const struct option long_options[] = {
    {"watch", required_argument, NULL, 'w'},
    {NULL, 0, NULL, 0},
};

/* Seconds between two rounds; 0 without -w. */
static enum exit_code parse_arguments(const struct view *view, int argc, char **argv,
                                      double *ret_watch)
{
    double watch = 0;
    char *end;
    int answer;

    while ((answer = getopt_long(argc, argv, ":w:", long_options, NULL)) != -1) {
        if (answer != 'w')
            return command_refuse_option(view->command, answer, argv);
        watch = strtod(optarg, &end);
        if (*end != '\0' || end == optarg || !(watch >= 0.1 && watch <= WATCH_MAX))
            return command_refuse_usage(view->command, "'%s' is no time: seconds from 0.1 to %d",
                                        optarg, WATCH_MAX);
    }
    if (optind < argc)
        return command_refuse_usage(view->command, "'%s' is one word too many", argv[optind]);
    *ret_watch = watch;
    return EXIT_CODE_OK;
}

static void sleep_seconds(double seconds)
{
    time_t whole = (time_t)seconds;
    struct timespec left = {.tv_sec = whole, .tv_nsec = (long)((seconds - (double)whole) * 1e9)};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}

static void show(const struct view *view, const struct options *options, const json_t *document,
                 const json_t *before, double seconds)
{
    if (!options->json) {
        view->print(document, before, seconds, stdout);
        return;
    }
    json_dumpf(document, stdout, JSON_FORM);
    fputc('\n', stdout);
}

/* A terminal shows each round at its top, what reads a pipe gets one behind the other. */
static void begin_round(const struct options *options, bool first)
{
    if (options->json)
        return;
    if (isatty(STDOUT_FILENO))
        fputs("\033[H\033[2J", stdout);
    else if (!first)
        fputc('\n', stdout);
}

static enum exit_code watch(const struct view *view, const struct options *options,
                            struct connection *connection, double interval)
{
    enum exit_code code = EXIT_CODE_OK;
    json_t *before = NULL, *document = NULL;
    double seen = 0;

    while (code == EXIT_CODE_OK) {
        double now = clock_monotonic_seconds();

        code = connection_send(connection, view->request, view->request_count);
        if (code == EXIT_CODE_OK)
            code = connection_receive(connection, &document);
        if (code != EXIT_CODE_OK)
            break;
        begin_round(options, before == NULL);
        show(view, options, document, before, now - seen);
        code = command_finish_output(code);
        json_decref(before);
        before = document;
        seen = now;
        sleep_seconds(interval);
    }
    json_decref(before);
    return code;
}

enum exit_code view_run(const struct view *view, const struct options *options, int argc,
                        char **argv)
{
    struct connection CLEANUP(connection_close) connection = {.input = NULL};
    json_t *document;
    double interval = 0;
    enum exit_code code = parse_arguments(view, argc, argv, &interval);

    if (code != EXIT_CODE_OK)
        return code;
    code = connection_open(&connection, options);
    if (code != EXIT_CODE_OK)
        return code;
    if (interval > 0)
        return watch(view, options, &connection, interval);
    code = connection_send(&connection, view->request, view->request_count);
    if (code == EXIT_CODE_OK)
        code = connection_receive(&connection, &document);
    if (code != EXIT_CODE_OK)
        return code;
    show(view, options, document, NULL, 0);
    json_decref(document);
    return command_finish_output(code);
}

long long view_integer(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

double view_real(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

const char *view_string(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

const char *view_scaled(double value, char text[static VIEW_NUMBER])
{
    static const char units[] = {'\0', 'k', 'M', 'G', 'T', 'P', 'E'};
    size_t unit = 0;

    while (value >= 9999.5 && unit + 1 < sizeof(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(text, VIEW_NUMBER, value < 99.95 && unit > 0 ? "%.1f%c" : "%.0f%c", value,
             units[unit]);
    return text;
}

const char *view_duration(double seconds, char text[static VIEW_NUMBER])
{
    unsigned long whole = seconds > 0 ? (unsigned long)seconds : 0;

    if (whole < 60)
        snprintf(text, VIEW_NUMBER, "%lus", whole);
    else if (whole < 3600)
        snprintf(text, VIEW_NUMBER, "%lum%02lus", whole / 60, whole % 60);
    else if (whole < 86400)
        snprintf(text, VIEW_NUMBER, "%luh%02lum", whole / 3600, whole / 60 % 60);
    else
        snprintf(text, VIEW_NUMBER, "%lud%02luh", whole / 86400, whole / 3600 % 24);
    return text;
}

bool view_has_colour(FILE *out)
{
    const char *refused = getenv("NO_COLOR");

    return isatty(fileno(out)) && (refused == NULL || *refused == '\0');
}
