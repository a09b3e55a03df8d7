/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The request socket and its batches. What is sent goes nowhere, and the answers are the test's. */
#include "../unit.h"
#include "kernel/netlink_batch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SENT_MAX = 8 };

/* What was sent since, by sequence number, and the datagram that answers it. */
static struct {
    uint32_t sent[SENT_MAX];
    size_t count;
    struct nl_msg *answer; /* NULL: none comes */
} kernel;

int __wrap_nl_sendto(struct nl_sock *socket, void *buffer, size_t size);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);

int __wrap_nl_sendto(struct nl_sock *socket, void *buffer, size_t size)
{
    int left = (int)size;

    (void)socket;
    for (struct nlmsghdr *each = buffer; nlmsg_ok(each, left); each = nlmsg_next(each, &left)) {
        assert_true(kernel.count < SENT_MAX);
        kernel.sent[kernel.count++] = each->nlmsg_seq;
    }
    return (int)size;
}

/* A refusal of what was sent last, with words if there are some. */
static void refuse(int error, const char *words)
{
    struct nlmsgerr refusal = {.error = -error};

    nlmsg_free(kernel.answer);
    kernel.answer = nlmsg_alloc_simple(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS);
    assert_non_null(kernel.answer);
    assert_int_equal(nlmsg_append(kernel.answer, &refusal, sizeof(refusal), NLMSG_ALIGNTO), 0);
    assert_int_equal(nla_put_string(kernel.answer, NLMSGERR_ATTR_MSG, words), 0);
}

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
    struct nlmsghdr *header;

    (void)fd;
    (void)flags;
    if (kernel.answer == NULL) {
        errno = EAGAIN;
        return -1;
    }
    assert_true(kernel.count > 0);
    header = nlmsg_hdr(kernel.answer);
    header->nlmsg_seq = kernel.sent[kernel.count - 1];
    assert_true(header->nlmsg_len <= size);
    memcpy(buffer, header, header->nlmsg_len);
    return (ssize_t)header->nlmsg_len;
}

static int set_up(void **state)
{
    struct fault fault = {.text = ""};
    struct netlink *netlink;

    memset(&kernel, 0, sizeof(kernel));
    assert_int_equal(netlink_open(&fault, &netlink), 0);
    *state = netlink;
    return 0;
}

static int tear_down(void **state)
{
    nlmsg_free(kernel.answer);
    netlink_close(*state);
    return 0;
}

static struct nl_msg *some_message(void)
{
    return nlmsg_alloc_simple(RTM_DELROUTE, 0);
}

/* A request that nobody answered was not refused for the reason of the one before. */
static void test_words_are_of_the_last_request(void **state)
{
    struct netlink *netlink = *state;

    refuse(EINVAL, "no such thing");
    assert_int_equal(netlink_execute(netlink, some_message()), -EINVAL);
    assert_string_equal(netlink_refusal(netlink), "no such thing");
    nlmsg_free(kernel.answer);
    kernel.answer = NULL;
    assert_int_equal(netlink_execute(netlink, some_message()), -ETIMEDOUT);
    assert_string_equal(netlink_refusal(netlink), "");
}

static void note_tag(void *context, void *tag, int error, const char *refusal)
{
    const void **tags = context;

    (void)refusal;
    assert_int_equal(error, -EEXIST);
    assert_null(tags[0]);
    tags[0] = tag;
}

/* What was queued before a failure is not sent by the next one, whose tags are others. */
static void test_a_batch_that_was_given_up(void **state)
{
    struct netlink *netlink = *state;
    const void *refused[1] = {NULL}, *unused[1] = {NULL};
    int first = 1, second = 2;

    netlink_batch_begin(netlink, note_tag, unused);
    assert_int_equal(netlink_batch_add(netlink, some_message(), &first), 0);
    assert_int_equal(netlink_batch_add(netlink, NULL, NULL), -ENOMEM);
    netlink_batch_begin(netlink, note_tag, refused);
    assert_int_equal(netlink_batch_add(netlink, some_message(), &second), 0);
    refuse(EEXIST, "");
    assert_int_equal(netlink_batch_flush(netlink), 0);
    assert_int_equal(kernel.count, 1);
    assert_ptr_equal(refused[0], &second);
    assert_null(unused[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words_are_of_the_last_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_batch_that_was_given_up, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
