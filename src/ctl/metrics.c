/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl metrics: the daemon's figures for a monitoring system. */
#include "ipmodd/base/macro.h"
#include "view.h"

static void print_metrics(const json_t *document, const json_t *before, double seconds, FILE *out)
{
    (void)before;
    (void)seconds;
    fputs(view_string(document, "openmetrics"), out);
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    static const char *const request[] = {"metrics"};
    const struct view view = {&command_metrics, request, ARRAY_SIZE(request), print_metrics};

    return view_run(&view, options, argc, argv);
}

const struct command command_metrics = {
    .name = "metrics",
    .arguments = "[-w SECONDS]",
    .summary = "all figures as OpenMetrics text, as Prometheus reads it",
    .help = VIEW_HELP,
    .run = run,
};
