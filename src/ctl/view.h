/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View: how a document of the daemon is shown, once or again and again.
 *
 * A command that shows one document has a name for the daemon and a printer for people; this does
 * the rest: `-j`, `-w SEC`, and what the terminal allows.
 */
#ifndef IPMODD_CTL_VIEW_H
#define IPMODD_CTL_VIEW_H

#include "command.h"

#include <jansson.h>

struct view {
    const struct command *command;
    const char *const *request; /* words for the daemon */
    size_t request_count;
    /* BEFORE: the document of the last round, SECONDS ago; NULL in the first. */
    void (*print)(const json_t *document, const json_t *before, double seconds, FILE *out);
};

/* The help of the options that view_run() takes. */
#define VIEW_HELP \
    "  -w, --watch SECONDS  show it again every so often, with rates, until interrupted\n"

/* Shows VIEW as OPTIONS and the arguments of the command say. */
enum exit_code view_run(const struct view *view, const struct options *options, int argc,
                        char **argv);

/* The member NAME of OBJECT; 0, 0.0 and "" when it is not there or of another type. */
long long view_integer(const json_t *object, const char *name);
double view_real(const json_t *object, const char *name);
const char *view_string(const json_t *object, const char *name);

/* "1234567", "12.3M", "4.5G": VALUE with four digits at most. TEXT, which is returned. */
enum { VIEW_NUMBER = 32 };
const char *view_scaled(double value, char text[static VIEW_NUMBER]);

/* "45s", "12m03s", "3h05m", "2d04h". */
const char *view_duration(double seconds, char text[static VIEW_NUMBER]);

/* Whether OUT takes colours: a terminal, and no NO_COLOR in the environment (no-color.org). */
bool view_has_colour(FILE *out);

#endif
