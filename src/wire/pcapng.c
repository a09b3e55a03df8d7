/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of a pcapng file, field by field. */
#include "ipmodd/wire/pcapng.h"

#include "ipmodd/wire/bytes.h"

#include <string.h>

/* Sections 4.1, 4.2, 4.3 and 3.5 of the draft. */
enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
};

enum {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    SECTION_APPLICATION = 4,
    INTERFACE_NAME = 2,
    INTERFACE_DESCRIPTION = 3,
    INTERFACE_RESOLUTION = 9,
    PACKET_FLAGS = 2,
    PACKET_DROPPED = 4,
    PACKET_ID = 5,
};

enum {
    NANOSECONDS = 9, /* as a negative power of ten */
    LENGTH_FIELD = 4,
};

/* A block that grows; one that has no room left fails and stays failed. */
struct block {
    uint8_t *out;
    size_t room, length;
    bool failed;
};

/* The COUNT bytes that come next, as many zeros as a multiple of 4 lacks behind them; or NULL. */
static uint8_t *take(struct block *block, size_t count)
{
    size_t padded = (count + 3) / 4 * 4;
    uint8_t *at = block->out + block->length;

    if (block->failed || padded < count || padded > block->room - block->length) {
        block->failed = true;
        return NULL;
    }
    memset(at + count, 0, padded - count);
    block->length += padded;
    return at;
}

static void put_bytes(struct block *block, const void *bytes, size_t count)
{
    uint8_t *at = take(block, count);

    if (at != NULL && count > 0)
        memcpy(at, bytes, count);
}

static void put32(struct block *block, uint32_t value)
{
    uint8_t *at = take(block, sizeof(value));

    if (at != NULL)
        le32_store(at, value);
}

/* Two fields of 16 bits. */
static void put16s(struct block *block, uint16_t first, uint16_t second)
{
    uint8_t *at = take(block, 2 * sizeof(first));

    if (at == NULL)
        return;
    le16_store(at, first);
    le16_store(at + sizeof(first), second);
}

static void put64(struct block *block, uint64_t value)
{
    put32(block, (uint32_t)value);
    put32(block, (uint32_t)(value >> 32));
}

static void put_option(struct block *block, uint16_t code, const void *bytes, size_t count)
{
    put16s(block, code, (uint16_t)count);
    put_bytes(block, bytes, count);
}

static void put_text(struct block *block, uint16_t code, const char *text)
{
    if (text != NULL)
        put_option(block, code, text, strnlen(text, PCAPNG_TEXT_MAX));
}

/* An option of 64 bits. */
static void put_number(struct block *block, uint16_t code, uint64_t value)
{
    put16s(block, code, sizeof(value));
    put64(block, value);
}

static struct block begin(uint8_t *out, size_t room, uint32_t type)
{
    struct block block = {.out = out, .room = room};

    put32(&block, type);
    put32(&block, 0); /* its length, which end() knows */
    return block;
}

/* The length stands at both ends. */
static size_t end(struct block *block)
{
    put16s(block, OPTION_END, 0);
    put32(block, (uint32_t)(block->length + LENGTH_FIELD));
    if (block->failed)
        return 0;
    le32_store(block->out + LENGTH_FIELD, (uint32_t)block->length);
    return block->length;
}

size_t pcapng_block_length(const uint8_t *block)
{
    return le32_load(block + LENGTH_FIELD);
}

size_t pcapng_put_section(uint8_t *out, size_t room, const struct pcapng_section *section)
{
    struct block block = begin(out, room, BLOCK_SECTION);

    put32(&block, BYTE_ORDER_MAGIC);
    put16s(&block, 1, 0);      /* version */
    put64(&block, UINT64_MAX); /* the section's length is not known */
    put_text(&block, OPTION_COMMENT, section->comment);
    put_text(&block, SECTION_APPLICATION, section->application);
    return end(&block);
}

size_t pcapng_put_interface(uint8_t *out, size_t room, const struct pcapng_interface *interface)
{
    static const uint8_t resolution = NANOSECONDS;
    struct block block = begin(out, room, BLOCK_INTERFACE);

    put16s(&block, interface->link_type, 0);
    put32(&block, interface->snap_length);
    put_text(&block, INTERFACE_NAME, interface->name);
    put_text(&block, INTERFACE_DESCRIPTION, interface->description);
    put_option(&block, INTERFACE_RESOLUTION, &resolution, sizeof(resolution));
    return end(&block);
}

static void put_flags(struct block *block, enum pcapng_direction direction)
{
    uint8_t flags[4] = {(uint8_t)direction}; /* bits 0 and 1 */

    if (direction != PCAPNG_UNKNOWN)
        put_option(block, PACKET_FLAGS, flags, sizeof(flags));
}

size_t pcapng_put_packet(uint8_t *out, size_t room, const struct pcapng_packet *packet)
{
    struct block block = begin(out, room, BLOCK_PACKET);

    put32(&block, packet->interface);
    put32(&block, (uint32_t)(packet->time_ns >> 32));
    put32(&block, (uint32_t)packet->time_ns);
    put32(&block, (uint32_t)packet->captured);
    put32(&block, (uint32_t)packet->length);
    put_bytes(&block, packet->data, packet->captured);
    put_text(&block, OPTION_COMMENT, packet->comment);
    put_flags(&block, packet->direction);
    if (packet->dropped > 0)
        put_number(&block, PACKET_DROPPED, packet->dropped);
    if (packet->has_id)
        put_number(&block, PACKET_ID, packet->id);
    return end(&block);
}
