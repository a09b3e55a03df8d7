/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of `ipmodctl top`. */
#include "top_rows.h"

#include "ipmodd/base/macro.h"
#include "view.h"

#include <string.h>

const char *top_order_name(enum top_order order)
{
    static const char *const names[] = {
        [TOP_BY_PACKET_RATE] = "packets/s", [TOP_BY_BIT_RATE] = "bits/s",
        [TOP_BY_TOTAL] = "total",           [TOP_BY_NAME] = "name",
        [TOP_AS_IT_IS] = "order",
    };

    return names[order];
}

/* Takes over KEY; NULL: there was no memory for it. */
static void add(struct top_table *table, char *key, double packets, double bytes)
{
    struct top_row *rows = reallocarray(table->rows, table->count + 1, sizeof(*rows));

    if (rows != NULL)
        table->rows = rows;
    if (rows == NULL || key == NULL) {
        free(key);
        table->out_of_memory = true;
        return;
    }
    table->rows[table->count] =
        (struct top_row){.key = key, .packets = packets, .bytes = bytes, .order = table->count};
    table->count++;
}

void top_table_add_rules(struct top_table *table, const json_t *document)
{
    const json_t *rule;
    size_t i;

    table->has_bytes = true;
    json_array_foreach(json_object_get(document, "rules"), i, rule)
        add(table, strdup(view_string(rule, "name")), view_real(rule, "packets"),
            view_real(rule, "bytes"));
}

/* "tcp 192.0.2.1.4000 > 198.51.100.1.443", or "icmp 192.0.2.1 > 198.51.100.1 type 8 id 77": of a
 * query the ports are the identifier and the type. */
static char *describe_flow(const json_t *flow)
{
    const json_t *way = json_object_get(flow, "original");
    const char *proto = view_string(flow, "proto");
    const char *src = view_string(way, "src"), *dst = view_string(way, "dst");
    const long long sport = view_integer(way, "sport"), dport = view_integer(way, "dport");
    char *text;
    int length;

    if (strncmp(proto, "icmp", 4) == 0)
        length = asprintf(&text, "%s %s > %s type %lld id %lld", proto, src, dst, dport, sport);
    else
        length = asprintf(&text, "%s %s.%lld > %s.%lld", proto, src, sport, dst, dport);
    return length < 0 ? NULL : text;
}

void top_table_add_flows(struct top_table *table, const json_t *document)
{
    const json_t *flow;
    size_t i;

    table->has_bytes = true;
    json_array_foreach(json_object_get(document, "flows"), i, flow)
    {
        const json_t *original = json_object_get(flow, "original");
        const json_t *reply = json_object_get(flow, "reply");

        add(table, describe_flow(flow),
            view_real(original, "packets") + view_real(reply, "packets"),
            view_real(original, "bytes") + view_real(reply, "bytes"));
    }
}

void top_table_add_drops(struct top_table *table, const json_t *document)
{
    const char *reason;
    const json_t *count;

    json_object_foreach((json_t *)json_object_get(document, "drops"), reason, count)
    {
        if (json_number_value(count) > 0)
            add(table, strdup(reason), json_number_value(count), 0);
    }
}

static int compare_keys(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;

    return strcmp(left->key, right->key);
}

/* What was counted since then; all of it, if it was counted from nothing. */
static double grown(double now, double before)
{
    return now >= before ? now - before : now;
}

static void compare_row(struct top_row *row, const struct top_table *before, double seconds)
{
    const struct top_row *old =
        bsearch(row, before->rows, before->count, sizeof(*row), compare_keys);

    row->packet_rate = grown(row->packets, old != NULL ? old->packets : 0) / seconds;
    row->bit_rate = grown(row->bytes, old != NULL ? old->bytes : 0) * 8 / seconds;
}

void top_table_compare(struct top_table *table, struct top_table *before, double seconds)
{
    if (before->count > 0)
        qsort(before->rows, before->count, sizeof(*before->rows), compare_keys);
    for (size_t i = 0; i < table->count && seconds > 0; i++)
        compare_row(&table->rows[i], before, seconds);
}

static int as_it_is(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;

    return left->order < right->order ? -1 : left->order > right->order;
}

/* The larger first, of equal ones that with more packets, and else as the daemon has them. */
static int compare_values(double left, double right, const struct top_row *a,
                          const struct top_row *b)
{
    if (left != right)
        return left > right ? -1 : 1;
    if (a->packets != b->packets)
        return a->packets > b->packets ? -1 : 1;
    return as_it_is(a, b);
}

static int by_packet_rate(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;

    return compare_values(left->packet_rate, right->packet_rate, left, right);
}

static int by_bit_rate(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;

    return compare_values(left->bit_rate, right->bit_rate, left, right);
}

static int by_total(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;

    return compare_values(left->packets, right->packets, left, right);
}

void top_table_sort(struct top_table *table, enum top_order order)
{
    static int (*const comparisons[])(const void *, const void *) = {
        [TOP_BY_PACKET_RATE] = by_packet_rate,
        [TOP_BY_BIT_RATE] = by_bit_rate,
        [TOP_BY_TOTAL] = by_total,
        [TOP_BY_NAME] = compare_keys,
        [TOP_AS_IT_IS] = as_it_is,
    };

    if (table->count > 0)
        qsort(table->rows, table->count, sizeof(*table->rows), comparisons[order]);
}

void top_table_clear(struct top_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->rows[i].key);
    free(table->rows);
    *table = (struct top_table){.count = 0};
}
