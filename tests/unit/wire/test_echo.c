/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Echo requests and their answers: bytes, and what is none. */
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/echo.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"

#include "../unit.h"

#include <netinet/in.h>
#include <string.h>

static struct echo_request request_of(const char *src, const char *dst)
{
    struct echo_request request = {.id = 0x1234, .seq = 7, .ttl = 64};

    assert_int_equal(ip_addr_parse(src, &request.src), 0);
    assert_int_equal(ip_addr_parse(dst, &request.dst), 0);
    return request;
}

static const char *const pairs[][2] = {{"192.0.2.1", "198.51.100.1"},
                                       {"2001:db8::1", "2001:db8:2::1"}};

static void requests_have_right_checksums(void **state)
{
    struct echo_request request = request_of(pairs[0][0], pairs[0][1]);
    uint8_t bytes[ECHO_SIZE];
    size_t length = echo_build(&request, bytes);

    (void)state;
    assert_int_equal(length, 84);
    assert_true(checksum_holds(sum_bytes(bytes, IP4_HEADER_MIN)));
    assert_true(checksum_holds(sum_bytes(bytes + IP4_HEADER_MIN, length - IP4_HEADER_MIN)));
    request = request_of(pairs[1][0], pairs[1][1]);
    length = echo_build(&request, bytes);
    assert_int_equal(length, 104);
    assert_true(checksum_holds(sum_add(sum_pseudo_ip6(bytes + IP6_SRC, bytes + IP6_DST,
                                                      IPPROTO_ICMPV6, length - IP6_HEADER),
                                       sum_bytes(bytes + IP6_HEADER, length - IP6_HEADER))));
}

/* A request turned into what the other side would send back. */
static size_t turn_round(uint8_t *bytes, size_t length, bool is_ip4)
{
    struct echo_request back = is_ip4 ? request_of(pairs[0][1], pairs[0][0])
                                      : request_of(pairs[1][1], pairs[1][0]);

    echo_build(&back, bytes);
    bytes[is_ip4 ? IP4_HEADER_MIN : IP6_HEADER] = is_ip4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;
    return length;
}

static void replies_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct echo_request request = request_of(pairs[i][0], pairs[i][1]);
        uint8_t bytes[ECHO_SIZE];
        size_t length = echo_build(&request, bytes);
        struct echo_answer answer;

        assert_int_equal(echo_read(bytes, length, &answer), ECHO_NONE); /* a request is none */
        turn_round(bytes, length, i == 0);
        assert_int_equal(echo_read(bytes, length, &answer), ECHO_REPLY);
        assert_true(ip_addr_equal(&answer.from, &request.dst));
        assert_true(ip_addr_equal(&answer.to, &request.src));
        assert_true(ip_addr_equal(&answer.asked, &request.dst));
        assert_int_equal(answer.id, 0x1234);
        assert_int_equal(answer.seq, 7);
        assert_int_equal(answer.ttl, 64);
        for (size_t cut = 0; cut < (i == 0 ? 28 : 48); cut++)
            assert_int_equal(echo_read(bytes, cut, &answer), ECHO_NONE);
    }
}

static void errors_are_read_by_their_quote(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct echo_request request = request_of(pairs[i][0], pairs[i][1]);
        size_t header = i == 0 ? (size_t)IP4_HEADER_MIN : (size_t)IP6_HEADER;
        size_t whole = 2 * (header + ICMP_MSG_HEADER);
        uint8_t bytes[2 * ECHO_SIZE];
        struct echo_answer answer;

        turn_round(bytes, ECHO_SIZE, i == 0);
        bytes[header] = i == 0 ? ICMP4_TIME_EXCEEDED : ICMP6_UNREACHABLE;
        bytes[header + ICMP_MSG_CODE] = 1;
        echo_build(&request, bytes + header + ICMP_MSG_HEADER);
        assert_int_equal(echo_read(bytes, whole, &answer), ECHO_ERROR);
        assert_int_equal(answer.type, bytes[header]);
        assert_int_equal(answer.code, 1);
        assert_int_equal(answer.id, 0x1234);
        assert_true(ip_addr_equal(&answer.asked, &request.dst));
        for (size_t cut = 0; cut < whole; cut++)
            assert_int_equal(echo_read(bytes, cut, &answer), ECHO_NONE);
        bytes[header] = i == 0 ? 13 : 130; /* an informational message quotes nothing */
        assert_int_equal(echo_read(bytes, whole, &answer), ECHO_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_have_right_checksums),
        cmocka_unit_test(replies_are_read),
        cmocka_unit_test(errors_are_read_by_their_quote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
