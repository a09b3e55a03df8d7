/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of the process. */
#include "build_config.h"

#include <stdio.h>

int main(void)
{
    puts("ipmodd " IPMODD_VERSION);
    return 0;
}
