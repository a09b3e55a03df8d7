/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtio-net header: its bytes by the letter of the specification, and back. */
#include "../unit.h"
#include "ipmodd/wire/virtio_net.h"

#include <linux/virtio_net.h>
#include <string.h>

static const uint8_t bytes[VNET_HEADER] = {1, 0x84, 0x4a, 0x01, 0xa8, 0x05, 0x28, 0, 0x10, 0};

static void test_load(void **state)
{
    struct virtio_net vnet = virtio_net_load(bytes);

    (void)state;
    assert_int_equal(vnet.flags, VNET_NEEDS_CSUM);
    assert_int_equal(vnet.gso_type, VNET_GSO_TCP6 | VNET_GSO_ECN);
    assert_int_equal(vnet.header_length, 330);
    assert_int_equal(vnet.gso_size, 1448);
    assert_int_equal(vnet.csum_start, 40);
    assert_int_equal(vnet.csum_offset, 16);
}

static void test_store_is_the_reverse(void **state)
{
    struct virtio_net vnet = virtio_net_load(bytes);
    uint8_t stored[VNET_HEADER];

    (void)state;
    virtio_net_store(stored, &vnet);
    assert_memory_equal(stored, bytes, sizeof(stored));
}

static void test_as_the_kernel_has_it(void **state)
{
    (void)state;
    assert_int_equal(VNET_HEADER, sizeof(struct virtio_net_hdr));
    assert_int_equal(VNET_FLAGS, offsetof(struct virtio_net_hdr, flags));
    assert_int_equal(VNET_GSO_TYPE, offsetof(struct virtio_net_hdr, gso_type));
    assert_int_equal(VNET_HEADER_LENGTH, offsetof(struct virtio_net_hdr, hdr_len));
    assert_int_equal(VNET_GSO_SIZE, offsetof(struct virtio_net_hdr, gso_size));
    assert_int_equal(VNET_CSUM_START, offsetof(struct virtio_net_hdr, csum_start));
    assert_int_equal(VNET_CSUM_OFFSET, offsetof(struct virtio_net_hdr, csum_offset));
    assert_int_equal(VNET_NEEDS_CSUM, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(VNET_GSO_TCP4, VIRTIO_NET_HDR_GSO_TCPV4);
    assert_int_equal(VNET_GSO_TCP6, VIRTIO_NET_HDR_GSO_TCPV6);
    assert_int_equal(VNET_GSO_ECN, VIRTIO_NET_HDR_GSO_ECN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_store_is_the_reverse),
        cmocka_unit_test(test_as_the_kernel_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
