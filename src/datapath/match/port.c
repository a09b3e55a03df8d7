/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sport, dport, port: the ports of TCP, UDP, UDP-Lite, SCTP and DCCP. */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int port_parse(const char *text, const struct scope *scope, void **ret_value,
                      struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_port, ret_value, error);
}

static void port_narrow(const void *value, struct scope *scope)
{
    const struct scope ports = scope_ports();

    (void)value;
    scope_intersect(scope, &ports);
}

static void port_print(const void *value, FILE *out)
{
    number_list_print(value, &value_port, out);
}

static bool sport_test(const void *value, const struct packet *packet)
{
    return packet_has_ports(packet) && number_list_holds(value, packet_sport(packet));
}

static bool dport_test(const void *value, const struct packet *packet)
{
    return packet_has_ports(packet) && number_list_holds(value, packet_dport(packet));
}

static bool port_test(const void *value, const struct packet *packet)
{
    return packet_has_ports(packet) &&
           number_list_holds_either(value, packet_sport(packet), packet_dport(packet));
}

const struct match_type match_sport = {
    .key = "sport",
    .grammar = "ports 0 to 65535 and ranges",
    .parse = port_parse,
    .free = free,
    .narrow = port_narrow,
    .test = sport_test,
    .print = port_print,
    .needs_header = true,
};

const struct match_type match_dport = {
    .key = "dport",
    .grammar = "ports 0 to 65535 and ranges",
    .parse = port_parse,
    .free = free,
    .narrow = port_narrow,
    .test = dport_test,
    .print = port_print,
    .needs_header = true,
};

const struct match_type match_port = {
    .key = "port",
    .grammar = "ports 0 to 65535 and ranges",
    .parse = port_parse,
    .free = free,
    .narrow = port_narrow,
    .test = port_test,
    .print = port_print,
    .needs_header = true,
};
