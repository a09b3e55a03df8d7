/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's news make out of date. */
#include "../unit.h"
#include "kernel/divert_state.h"

#include <netlink/attr.h>
#include <stdlib.h>

enum { IFINDEX = 5, MTU = 1500 };

static struct device known = {
    .ifindex = IFINDEX, .name = "wlan0", .mtu = MTU, .queue_packets = 1000, .flags = IFF_UP};

static int set_up(void **state)
{
    struct divert *divert = calloc(1, sizeof(*divert));

    assert_non_null(divert);
    divert->snapshot.devices = &known;
    divert->snapshot.device_count = 1;
    *state = divert;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* A message of TYPE that names the device. */
static struct nl_msg *link_message(int type, uint8_t family)
{
    struct ifinfomsg header = {.ifi_family = family, .ifi_index = IFINDEX, .ifi_flags = IFF_UP};
    struct nl_msg *message = nlmsg_alloc_simple(type, 0);

    assert_non_null(message);
    assert_int_equal(nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO), 0);
    assert_int_equal(nla_put_string(message, IFLA_IFNAME, known.name), 0);
    return message;
}

static void describe(struct nl_msg *message, uint32_t mtu)
{
    assert_int_equal(nla_put_u32(message, IFLA_MTU, mtu), 0);
    assert_int_equal(nla_put_u32(message, IFLA_TXQLEN, known.queue_packets), 0);
}

/* DIRT that MESSAGE (taken) makes. */
static unsigned dirt_of(struct divert *divert, struct nl_msg *message)
{
    divert->dirt = 0;
    assert_int_equal(events_note(divert, nlmsg_hdr(message)), 0);
    nlmsg_free(message);
    return divert->dirt;
}

static void test_changes_of_a_device(void **state)
{
    struct nl_msg *same = link_message(RTM_NEWLINK, AF_UNSPEC);
    struct nl_msg *other = link_message(RTM_NEWLINK, AF_UNSPEC);

    describe(same, MTU);
    assert_int_equal(dirt_of(*state, same), 0);
    describe(other, MTU - 1);
    assert_int_equal(dirt_of(*state, other), DIRT_ALL);
    assert_int_equal(dirt_of(*state, link_message(RTM_DELLINK, AF_UNSPEC)), DIRT_ALL);
}

/* Each scan of a wireless device brings some, and each port that a bridge learns on. */
static void test_news_that_describe_no_device(void **state)
{
    struct nl_msg *wireless = link_message(RTM_NEWLINK, AF_UNSPEC);
    struct nl_msg *port = link_message(RTM_NEWLINK, AF_BRIDGE);
    uint8_t scan[8] = {0};

    assert_int_equal(nla_put(wireless, IFLA_WIRELESS, sizeof(scan), scan), 0);
    assert_int_equal(dirt_of(*state, wireless), 0);
    describe(port, MTU);
    assert_int_equal(nla_put_u32(port, IFLA_MASTER, 9), 0);
    assert_int_equal(dirt_of(*state, port), 0);
    assert_int_equal(dirt_of(*state, link_message(RTM_DELLINK, AF_BRIDGE)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changes_of_a_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_news_that_describe_no_device, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
