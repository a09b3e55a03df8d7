/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sport, dport, port: the ports of TCP, UDP, UDP-Lite, SCTP and DCCP. */
#include "list.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/datapath/number_list.h"
#include "ipmodd/datapath/set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* `@name` as an item. */
struct set_item {
    struct set_ref ref;
    bool negated;
};

/* One list as the user wrote it, kept in two by what its items are. */
struct port_list {
    struct number_list *numbers; /* NULL: none */
    size_t set_count;
    struct set_item sets[];
};

static void port_free(void *value)
{
    struct port_list *list = value;

    for (size_t i = 0; i < list->set_count; i++)
        free(list->sets[i].ref.name);
    free(list->numbers);
    free(list);
}

static bool is_set(const struct text_item *item)
{
    return *item->text == '@';
}

/* The items that are no sets, COUNT of them. What sets have is not known here: beside them, numbers
 * need not hold for any port. */
static int take_numbers(const struct text_list *texts, size_t count, struct port_list *list,
                        struct value_error *error)
{
    int r = 0;

    if (count == 0)
        return 0;
    list->numbers = number_list_new(count);
    if (list->numbers == NULL)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < texts->count; i++) {
        if (!is_set(&texts->items[i]))
            r = number_list_add(list->numbers, &texts->items[i], &value_port, error);
    }
    if (r == 0 && list->set_count == 0 && !number_list_can_hold(list->numbers, &value_port))
        return value_refuse_empty_list(error);
    return r;
}

static int take_sets(const struct text_list *texts, struct port_list *list)
{
    for (size_t i = 0; i < texts->count; i++) {
        const struct text_item *item = &texts->items[i];
        struct set_item *set = &list->sets[list->set_count];

        if (!is_set(item))
            continue;
        set->ref.name = strdup(item->text + 1);
        if (set->ref.name == NULL)
            return -ENOMEM;
        set->negated = item->negated;
        list->set_count++;
    }
    return 0;
}

static int port_parse(const char *text, const struct scope *scope, void **ret_value,
                      struct value_error *error)
{
    struct text_list CLEANUP(text_list_clear) texts = {.items = NULL};
    struct port_list *list;
    int r = value_split_list(text, &texts, error);

    (void)scope;
    if (r < 0)
        return r;
    list = calloc(1, sizeof(*list) + texts.count * sizeof(list->sets[0]));
    if (list == NULL)
        return -ENOMEM;
    r = take_sets(&texts, list);
    if (r == 0)
        r = take_numbers(&texts, texts.count - list->set_count, list, error);
    if (r < 0) {
        port_free(list);
        return r;
    }
    *ret_value = list;
    return 0;
}

static int port_bind(void *value, const struct set_list *sets, struct value_error *error)
{
    struct port_list *list = value;
    int r = 0;

    for (size_t i = 0; r == 0 && i < list->set_count; i++)
        r = set_ref_bind(&list->sets[i].ref, sets, SET_PORT, error);
    return r;
}

static void port_narrow(const void *value, struct scope *scope)
{
    const struct scope ports = scope_ports();

    (void)value;
    scope_intersect(scope, &ports);
}

static bool same_sets(const struct port_list *a, const struct port_list *b)
{
    for (size_t i = 0; i < a->set_count && a->set_count == b->set_count; i++) {
        if (a->sets[i].negated != b->sets[i].negated ||
            strcmp(a->sets[i].ref.name, b->sets[i].ref.name) != 0)
            return false;
    }
    return a->set_count == b->set_count;
}

/* Of source or destination alone. Beside sets, whose ports are not looked at, it must be the same
 * numbers. */
static bool port_implied(const void *value, const void *narrow)
{
    const struct port_list *list = value, *other = narrow;

    if (!same_sets(list, other))
        return false;
    if (list->numbers == NULL || other->numbers == NULL)
        return list->numbers == other->numbers;
    return number_list_implied(list->numbers, other->numbers) &&
           (list->set_count == 0 || number_list_implied(other->numbers, list->numbers));
}

/* A set adds ports that the numbers do not tell, or takes some away. */
static bool bound(const struct port_list *list, enum dimension dimension, struct box *box)
{
    for (size_t i = 0; i < list->set_count; i++) {
        if (!list->sets[i].negated)
            return false;
    }
    return list->numbers != NULL && number_list_bound(list->numbers, dimension, box) &&
           list->set_count == 0;
}

static bool sport_bound(const void *value, struct box *box)
{
    return bound(value, DIMENSION_SPORT, box);
}

static bool dport_bound(const void *value, struct box *box)
{
    return bound(value, DIMENSION_DPORT, box);
}

static void port_print(const void *value, FILE *out)
{
    const struct port_list *list = value;
    const char *separator = list->numbers != NULL ? ", " : "";

    if (list->numbers != NULL)
        number_list_print(list->numbers, &value_port, out);
    for (size_t i = 0; i < list->set_count; i++) {
        fprintf(out, "%s%s@%s", separator, list->sets[i].negated ? "!" : "",
                list->sets[i].ref.name);
        separator = ", ";
    }
}

static bool holds_either(const struct port_list *list, uint16_t a, uint16_t b)
{
    struct list_tally tally = {.held = false};

    if (list->numbers != NULL)
        number_list_tally_either(list->numbers, a, b, &tally);
    for (size_t i = 0; i < list->set_count && !tally.excluded; i++) {
        const struct set *set = list->sets[i].ref.set;

        list_tally_add(&tally, list->sets[i].negated, set_has_port(set, a) || set_has_port(set, b));
    }
    return list_tally_holds(&tally);
}

static bool sport_test(const void *value, const struct match_context *context,
                       const struct packet *packet)
{
    (void)context;
    return packet_has_ports(packet) &&
           holds_either(value, packet_sport(packet), packet_sport(packet));
}

static bool dport_test(const void *value, const struct match_context *context,
                       const struct packet *packet)
{
    (void)context;
    return packet_has_ports(packet) &&
           holds_either(value, packet_dport(packet), packet_dport(packet));
}

static bool port_test(const void *value, const struct match_context *context,
                      const struct packet *packet)
{
    (void)context;
    return packet_has_ports(packet) &&
           holds_either(value, packet_sport(packet), packet_dport(packet));
}

const struct match_type match_sport = {
    .key = "sport",
    .grammar = "ports 0 to 65535, ranges and @sets",
    .parse = port_parse,
    .free = port_free,
    .bind = port_bind,
    .narrow = port_narrow,
    .test = sport_test,
    .bound = sport_bound,
    .reads = FIELD_BIT(FIELD_SPORT),
    .implied = port_implied,
    .print = port_print,
    .needs_header = true,
    .follows = true,
};

const struct match_type match_dport = {
    .key = "dport",
    .grammar = "ports 0 to 65535, ranges and @sets",
    .parse = port_parse,
    .free = port_free,
    .bind = port_bind,
    .narrow = port_narrow,
    .test = dport_test,
    .bound = dport_bound,
    .reads = FIELD_BIT(FIELD_DPORT),
    .implied = port_implied,
    .print = port_print,
    .needs_header = true,
    .follows = true,
};

const struct match_type match_port = {
    .key = "port",
    .grammar = "ports 0 to 65535, ranges and @sets",
    .parse = port_parse,
    .free = port_free,
    .bind = port_bind,
    .narrow = port_narrow,
    .test = port_test,
    .reads = FIELD_BIT(FIELD_SPORT) | FIELD_BIT(FIELD_DPORT),
    .print = port_print,
    .needs_header = true,
    .follows = true,
};
