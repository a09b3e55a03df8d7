/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live packet with what became of it. */
#include "documents.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

#include <string.h>

static json_t *make_hex(const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * count + 1);
    json_t *string;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    string = json_stringn_nocheck(text, 2 * count);
    free(text);
    return string;
}

/* "set-dscp = ef, set-ttl = 9"; NULL without memory. */
static char *print_actions(const struct rule *rule)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    rule_print_actions(rule, out);
    return text_stream_take(&stream);
}

static json_t *make_rules(const struct watch_record *record)
{
    size_t count = MIN_OF(record->rule_count, (size_t)WATCH_RULES_MAX);
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &record->ruleset->rules[record->rules[i]];
        char CLEANUP(cleanup_free) *actions = print_actions(rule);

        json_array_append_new(array,
                              json_pack("{s:s, s:s?}", "name", rule->name, "actions", actions));
    }
    return array;
}

static const char *fate_name(enum fate fate)
{
    static const char *const names[FATE_COUNT] = {
        [FATE_PENDING] = "pending",    [FATE_OUT] = "out",
        [FATE_DROP] = "drop",          [FATE_SPLIT] = "split",
        [FATE_HANDED] = "handed-over",

        [FATE_PARKED] = "parked"};

    return names[fate];
}

/* What not every packet has. */
static void add_rest(json_t *document, const struct watch_record *record, size_t snap_length)
{
    if (record->fate == FATE_DROP)
        json_object_set_new(document, "reason", json_string(reason_name(record->reason)));
    if (record->fault != REASON_NONE)
        json_object_set_new(document, "malformed", json_string(reason_name(record->fault)));
    if (record->segments > 1)
        json_object_set_new(document, "segments", json_uint(record->segments));
    if (record->segment > 0)
        json_object_set_new(document, "segment", json_uint(record->segment));
    if (record->is_answer)
        json_object_set_new(document, "answer", json_true());
    if (record->rule_count > WATCH_RULES_MAX)
        json_object_set_new(document, "rules_left_out",
                            json_uint(record->rule_count - WATCH_RULES_MAX));
    if (record->is_translated)
        json_object_set_new(document, "flow",
                            document_translation(&record->translation, record->ruleset));
    if (!record->is_edited)
        return;
    json_object_set_new(document, "length_after", json_uint(record->length_after));
    json_object_set_new(document, "data_after",
                        make_hex(record->data + record->captured,
                                 MIN_OF(record->captured_after, snap_length)));
}

json_t *document_packet(const struct watch_record *record, size_t snap_length)
{
    json_t *document = json_pack(
        "{s:s, s:i, s:o, s:o, s:s?, s:s, s:o, s:o, s:o}", "event", "packet", "queue",
        (int)record->queue, "number", json_uint(record->number), "time_ns",
        json_uint(record->time_ns), "direction",
        record->fault == REASON_NONE ? direction_name(record->direction) : NULL, "fate",
        fate_name(record->fate), "rules", make_rules(record), "length", json_uint(record->length),
        "data", make_hex(record->data, MIN_OF(record->captured, snap_length)));

    if (document != NULL)
        add_rest(document, record, snap_length);
    return document;
}

json_t *document_explanation(const struct watch_record *record)
{
    json_t *document = json_copy(record->explanation);

    if (document == NULL)
        return NULL;
    json_object_set_new(document, "event", json_string("trace"));
    json_object_set_new(document, "queue", json_uint(record->queue));
    json_object_set_new(document, "number", json_uint(record->number));
    json_object_set_new(document, "time_ns", json_uint(record->time_ns));
    return document;
}
