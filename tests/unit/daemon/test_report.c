/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line about a logged packet, and the words for what a rule decided. */
#include "../unit.h"
#include "journal.h"
#include "report.h"

#include <netinet/in.h>
#include <string.h>

static struct event make_event(const char *src, const char *dst, uint8_t proto)
{
    static const struct rule rule = {.name = (char *)"x", .file = (char *)"a.conf"};
    struct event event = {
        .rule = &rule, .proto = proto, .ttl = 64, .length = 60, .fate = FATE_PENDING};

    assert_int_equal(ip_addr_parse(src, &event.src), 0);
    assert_int_equal(ip_addr_parse(dst, &event.dst), 0);
    return event;
}

static void assert_line(const struct event *event, const char *expected)
{
    char text[REPORT_TEXT];

    assert_string_equal(report_format(event, text), expected);
}

static void test_lines(void **state)
{
    struct event tcp = make_event("192.0.2.1", "198.51.100.2", IPPROTO_TCP);
    struct event icmp = make_event("2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6);
    struct event other = make_event("192.0.2.1", "198.51.100.2", 253);

    (void)state;
    tcp.sport = 4000;
    tcp.dport = 80;
    assert_line(&tcp, "rule x: next out IP 192.0.2.1.4000 > 198.51.100.2.80: tcp, ttl 64, "
                      "length 60");
    icmp.icmp_type = 128;
    icmp.direction = DIRECTION_FORWARD;
    icmp.fate = FATE_OUT;
    assert_line(&icmp, "rule x: accept forward IP6 2001:db8::1 > 2001:db8::2: icmpv6 type 128 "
                       "code 0, ttl 64, length 60");
    other.fate = FATE_DROP;
    other.reason = REASON_RULE;
    other.suppressed = 7;
    assert_line(&other, "rule x: drop out IP 192.0.2.1 > 198.51.100.2: proto 253, ttl 64, "
                        "length 60 (rule), 7 entries kept back before");
}

/* An entry counts what the rate limit of its rule kept back before it. */
static void test_kept_back_entries_are_counted(void **state)
{
    static struct event_ring ring;
    struct event *event = event_ring_claim(&ring);

    (void)state;
    *event = make_event("192.0.2.1", "198.51.100.2", IPPROTO_UDP);
    event->suppressed = 7;
    event_ring_push(&ring);
    report_events(&ring);
    assert_string_equal(journal_field(LOG_ID_RULE_LOG, "IPMODD_RULE"), "x");
    assert_string_equal(journal_field(LOG_ID_RULE_LOG, "IPMODD_SUPPRESSED"), "7");
    assert_string_equal(journal_field(LOG_ID_RULE_LOG, "SRC"), "192.0.2.1");
}

static void assert_verdict(enum fate fate, enum reason reason, const char *expected)
{
    struct event event = {.fate = fate, .reason = reason};

    assert_string_equal(report_verdict(&event), expected);
}

static void test_verdicts(void **state)
{
    (void)state;
    assert_verdict(FATE_PENDING, REASON_EMPTY, "next");
    assert_verdict(FATE_OUT, REASON_EMPTY, "accept");
    assert_verdict(FATE_DROP, REASON_RULE, "drop");
    assert_verdict(FATE_DROP, REASON_REJECTED, "reject");
    assert_verdict(FATE_DROP, REASON_REJECT_SILENT, "reject");
    assert_verdict(FATE_DROP, REASON_REJECT_LIMITED, "reject");
    assert_verdict(FATE_DROP, REASON_ANSWERED, "reply");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_kept_back_entries_are_counted),
        cmocka_unit_test(test_verdicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
