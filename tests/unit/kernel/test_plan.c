/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan: the wanted list as commands. */
#include "hosts.h"

#include <stdlib.h>
#include <string.h>

static char *plan_text(const struct host *host)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    plan_print(host->config, &host->snapshot, &host->wanted, out);
    fclose(out);
    return text;
}

static void has_line(const char *text, const char *line)
{
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");

        if (length == strlen(line) && memcmp(at, line, length) == 0)
            return;
        at += length + (at[length] == '\n');
    }
    fail_msg("no line \"%s\" in\n%s", line, text);
}

static void test_commands(void **state)
{
    struct host *host = host_make();
    struct route *route;
    char *text;

    (void)state;
    host->config->divert.families = FAMILIES_ALL;
    host_device(host, ETH0)->rp_filter = 1;
    host_add_address(host, ETH0, "192.0.2.1/24");
    host_add_address(host, ETH0, "2001:db8::1/64")->valid = 600;
    host->snapshot.addresses[1].preferred = 300;
    route = host_add_route(host, "0.0.0.0/0", ETH0, "192.0.2.254");
    route_metrics_of(route)->mask = 1u << RTAX_LOCK | 1u << RTAX_MTU | 1u << RTAX_RTO_MIN;
    route->metrics->values[RTAX_LOCK] = 1u << RTAX_MTU | 1u << RTAX_RTO_MIN;
    route->metrics->values[RTAX_MTU] = 1400;
    route->metrics->values[RTAX_RTO_MIN] = 300;
    host_add_route(host, "203.0.113.0/24", ETH0, NULL)->type = RTN_BLACKHOLE;
    host->config->tun.queues = 2;
    assert_int_equal(cpu_list_parse("0,8191", &host->config->tun.rps), 0);
    host_compute(host);
    text = plan_text(host);
    has_line(text, "ip tuntap add dev tun0 mode tun multi_queue");
    has_line(text, "ip link set dev tun0 mtu 1500 group 100 txqueuelen 1000");
    has_line(text, "echo 1 > /sys/class/net/tun0/queues/rx-0/rps_cpus");
    has_line(text, "echo 1 > /sys/class/net/tun0/queues/rx-1/rps_cpus");
    has_line(text, "ip -4 address add 192.0.2.1/32 dev tun0 noprefixroute");
    has_line(text, "ip -6 address add 2001:db8::1/128 dev tun0 noprefixroute nodad "
                   "valid_lft 600 preferred_lft 300");
    has_line(text, "sysctl -w net/ipv4/conf/eth0/rp_filter=2");
    has_line(text,
             "ip -4 rule add priority 99 iif tun0 lookup main suppress_ifgroup 100 protocol 213");
    has_line(text, "ip -4 route add default dev tun0 scope global table 100 protocol 213 "
                   "src 192.0.2.1 mtu lock 1400 rto_min 300");
    has_line(text, "ip -4 route add blackhole 203.0.113.0/24 table 100 protocol 213");
    has_line(text, "ip -6 rule add priority 32765 iif lo lookup 100 protocol 213");
    /* Nothing is diverted before all the rest stands. */
    assert_true(strstr(text, "lookup 100") > strstr(text, "route add default"));
    free(text);
    host_clear(host);
}

static void test_without_ipv6(void **state)
{
    struct host *host = host_make();
    char *text;

    (void)state;
    host->snapshot.has_ipv6 = false;
    host->snapshot.families = FAMILIES_IPV4;
    host_compute(host);
    text = plan_text(host);
    assert_null(strstr(text, "ip -6"));
    assert_null(strstr(text, "ipv6"));
    free(text);
    host_clear(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_without_ipv6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
