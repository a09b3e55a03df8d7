/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as people write them: in quotes with escapes, or as hex behind 0x. */
#ifndef IPMODD_CTL_PACKET_BYTES_H
#define IPMODD_CTL_PACKET_BYTES_H

#include "ipmodd/datapath/value.h"

#include <sys/types.h>

/*
 * "text" with \n \r \t \0 \" \\ \xHH, or 0xHHHH…, at *AT, which is moved behind it. The number of
 * bytes, or -EINVAL with ERROR filled.
 */
ssize_t packet_bytes_parse(const char **at, uint8_t *bytes, size_t room, struct value_error *error);

#endif
