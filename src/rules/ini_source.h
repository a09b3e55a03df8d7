/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One file's lines, through inih, into the document.
 *
 * inih splits keys from values. It reads through ini_parse_stream() from a reader of ours, because
 * version 55 loses what a line has beyond 200 bytes, tells nothing of empty sections, cuts section
 * names at 49 bytes and gives its handler no line numbers. The reader therefore
 *
 *  - counts lines, strips blanks, drops comments (`;` or `#` at the start, `;` behind a blank);
 *  - keeps section headers to itself;
 *  - hands a long line over in pieces, each but the first behind a blank: what inih takes for the
 *    continuation of a value. Pieces are cut where inih neither strips nor sees a comment, and put
 *    together again in the handler.
 *
 * Since blanks at the start of a line are stripped, an indented key is a key and never the
 * continuation of the line above.
 */
#ifndef IPMODD_RULES_INI_SOURCE_H
#define IPMODD_RULES_INI_SOURCE_H

#include "document.h"
#include "report.h"

/*
 * Appends what FILE holds to DOCUMENT; FILE's name must live as long as that. What is wrong goes to
 * REPORT, and reading goes on behind it. 0 or -ENOMEM.
 */
int ini_source_read(const char *file, struct document *document, struct report *report);

/* The same of TEXT, which FILE is said to hold. */
int ini_source_parse(const char *file, const char *text, struct document *document,
                     struct report *report);

#endif
