/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit codes, part of the user interface (ipmodctl(8)). */
#ifndef IPMODD_CTL_EXIT_CODE_H
#define IPMODD_CTL_EXIT_CODE_H

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,        /* refused, or something failed */
    EXIT_CODE_USAGE = 2,         /* the command line is wrong */
    EXIT_CODE_NO_DAEMON = 3,     /* nobody answers at the socket */
    EXIT_CODE_NOT_PERMITTED = 4, /* the daemon does not take this from this user */
};

#endif
