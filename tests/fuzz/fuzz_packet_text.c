/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets in words: any text is refused with a sentence or makes a packet that parse.c accepts,
 * with right checksums, and whose line makes a packet with the same line.
 */
#include "target.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/explain/detail.h"
#include "packet_text.h"
#include "src/datapath/fixup.h"
#include "src/datapath/offload.h"
#include "src/datapath/parse.h"

#include <errno.h>
#include <string.h>

/* The line of the packet that TEXT makes, which the caller frees; NULL when it is refused. */
static char *line_of(const char *text)
{
    static uint8_t bytes[PACKET_TEXT_MAX];
    struct value_error error = {.text = ""};
    ssize_t length = packet_text_parse(text, bytes, &error);
    struct packet packet = {.data = bytes, .length = (size_t)length, .capacity = sizeof(bytes)};
    char *line = NULL;
    size_t size = 0;
    FILE *memory;

    if (length < 0) {
        REQUIRE(length == -EINVAL && *error.text != '\0');
        return NULL;
    }
    REQUIRE(parse_packet(&packet) == REASON_NONE && offload_accept(&packet) == REASON_NONE);
    REQUIRE(packet.length == (size_t)length && !fixup_is_damaged(&packet));
    memory = open_memstream(&line, &size);
    REQUIRE(memory != NULL);
    detail_print_line(&packet, memory);
    REQUIRE(fclose(memory) == 0);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static uint8_t bytes[PACKET_TEXT_MAX];
    struct value_error error = {.text = ""};
    char *text CLEANUP(cleanup_free) = strndup((const char *)input, size);
    char *line CLEANUP(cleanup_free) = NULL, *again CLEANUP(cleanup_free) = NULL;
    ssize_t length;

    REQUIRE(text != NULL);
    length = packet_text_parse_hex(text, bytes, &error);
    REQUIRE(length >= 0 || (length == -EINVAL && *error.text != '\0'));
    line = line_of(text);
    if (line == NULL)
        return 0;
    again = line_of(line);
    REQUIRE(again != NULL && strcmp(line, again) == 0);
    return 0;
}
