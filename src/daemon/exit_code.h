/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit codes, part of the user interface (ipmodd(8)); 77 and 78 are those of sysexits(3). */
#ifndef IPMODD_DAEMON_EXIT_CODE_H
#define IPMODD_DAEMON_EXIT_CODE_H

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,         /* something failed at run time */
    EXIT_CODE_USAGE = 2,          /* the command line is wrong */
    EXIT_CODE_NO_PERMISSION = 77, /* no CAP_NET_ADMIN, or no /dev/net/tun */
    EXIT_CODE_CONFIG = 78,        /* the configuration is wrong */
};

#endif
