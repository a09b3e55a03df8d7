/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regular expressions: where they hold, what a hostile packet may cost, and that a search takes no
 * memory, compiled or interpreted.
 */
#include "../../unit.h"
#include "../forge.h"

#include "ipmodd/datapath/match.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static unsigned allocations;

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

static struct forged forged;
static uint64_t undecided;

static bool holds(const char *pattern, const struct packet *packet)
{
    const struct match_type *type = match_type_find("payload-regex");
    const struct scope scope = scope_all();
    struct match_context context = {.undecided = &undecided};
    struct value_error error;
    void *value;
    bool result;

    assert_non_null(type);
    if (type->parse(pattern, &scope, &value, &error) < 0)
        fail_msg("%s: %s", pattern, error.text);
    context.state = type->state_new(value);
    assert_non_null(context.state);
    allocations = 0;
    result = type->test(value, &context, packet);
    assert_int_equal(type->test(value, &context, packet), result);
    assert_int_equal(allocations, 0);
    type->state_free(context.state);
    type->free(value);
    return result;
}

/* A packet with TEXT of LENGTH bytes as its payload. */
static struct packet make(enum ip_family family, uint8_t proto, const void *text, size_t length)
{
    forge_ip(&forged, family, proto);
    forge_l4(&forged, length);
    memcpy(forged.bytes + forged.length - length, text, length);
    forge_seal(&forged);
    return forged_packet(&forged);
}

static void test_finds(void **state)
{
    static const char request[] = "GET /admin HTTP/1.1\r\nHost: a\r\n";

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make(family, IPPROTO_TCP, request, sizeof(request) - 1);

        assert_true(holds("\"^(GET|POST) /adm\"", &packet));
        assert_true(holds("\"(*NO_JIT)^(GET|POST) /adm\"", &packet));
        assert_true(holds("\"(?i)host: [a-z]\\r\\n$\"", &packet));
        assert_false(holds("\"^POST\"", &packet));
        assert_true(holds("!\"^POST\"", &packet));
        assert_false(holds("!\"admin\"", &packet));
        assert_false(holds("\"GET.*Host\"", &packet));
        assert_true(holds("\"(?s)GET.*Host\"", &packet));
        assert_true(holds("\"(.)\\1P\"", &packet)); /* TTP */
    }
    assert_int_equal(undecided, 0);
}

/* Any byte, and no end at a NUL. */
static void test_bytes(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP, "\0\xff\xc3\x28z", 5);

    (void)state;
    assert_true(holds("\"^\\x00\\xff\\xc3\"", &packet));
    assert_true(holds("\"z$\"", &packet));
    packet = make(FAMILY_IPV4, IPPROTO_UDP, "", 0);
    assert_true(holds("\"^$\"", &packet));
}

static void test_udp_length_ends_the_payload(void **state)
{
    struct packet packet = make(FAMILY_IPV6, IPPROTO_UDP, "abcdef", 6);

    (void)state;
    packet.data[packet.l4_offset + 5] = 8 + 3;
    assert_true(holds("\"abc$\"", &packet));
    assert_false(holds("\"d\"", &packet));
}

static void test_fragments(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP, "abcdef", 6);

    (void)state;
    packet.flags |= PACKET_FRAGMENT;
    assert_true(holds("\"abc\"", &packet));
    packet.flags |= PACKET_LATER_FRAGMENT;
    packet.flags &= (uint8_t)~PACKET_HAS_L4;
    assert_false(holds("\"abc\"", &packet));
    assert_false(holds("!\"abc\"", &packet));
    packet.flags &= (uint8_t)~PACKET_LATER_FRAGMENT; /* a first one with half a header */
    assert_false(holds("!\"xyz\"", &packet));
}

/* Patterns with which a packet could keep the engine busy for seconds: neither form holds. */
static void test_work_is_bounded(void **state)
{
    static const char *const patterns[] = {"\"(?:a|b|ab)*[cd]\"", "\".*.*.*[bc]\"",
                                           "\"[a-z]{1,50}[a-z]{1,50}[a-z]{1,50}[0-9]\"",
                                           "\"(a|aa)+$x?[bc]\""};
    static char text[1400];

    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct packet packet = make(FAMILY_IPV4, IPPROTO_TCP, text, sizeof(text));
        char other[80];

        undecided = 0;
        assert_false(holds(patterns[i], &packet));
        snprintf(other, sizeof(other), "!%s", patterns[i]);
        assert_false(holds(other, &packet));
        snprintf(other, sizeof(other), "\"(*NO_JIT)%s", patterns[i] + 1);
        assert_false(holds(other, &packet));
        assert_int_equal(undecided, 6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_udp_length_ends_the_payload),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_work_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
