/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NFQUEUE program that sets the TTL of every packet to 63.
 *
 *     nfqueue NUMBER plain    the kernel segments super-packets before it queues them
 *     nfqueue NUMBER gso      NFQA_CFG_F_GSO: super-packets come whole
 *
 * A verdict that changes a packet makes the kernel forget that its checksum is still partial. It
 * writes the checksums of a super-packet when it segments it, those of other packets it does not:
 * with `gso` this program has to.
 */
#include "tool.h"
#include "ttl.h"

/* Before the kernel's, which step back for it. */
#include <netinet/in.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>

enum {
    TTL = 63,
    QUEUE_LENGTH = 4096,
    SOCKET_BUFFER = 16 << 20,
    MESSAGE = 65536 + 4096,
};

struct queue {
    struct mnl_socket *socket;
    uint16_t number;
};

/* RFC 1071; SUM is what was added up so far. */
static uint32_t sum_words(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (; length >= 2; bytes += 2, length -= 2)
        sum += (uint32_t)bytes[0] << 8 | bytes[1];
    if (length == 1)
        sum += (uint32_t)bytes[0] << 8;
    return sum;
}

/* Of TCP or UDP, LENGTH bytes at L4 behind ADDRESSES (SIZE bytes, both of them). */
static void write_checksum(uint8_t *l4, size_t length, uint8_t proto, const uint8_t *addresses,
                           size_t size)
{
    size_t place = proto == IPPROTO_TCP ? 16 : 6;
    uint32_t sum;

    if ((proto != IPPROTO_TCP && proto != IPPROTO_UDP) || length < place + 2)
        return;
    memset(l4 + place, 0, 2);
    sum = sum_words(addresses, size, proto + (uint32_t)length);
    sum = sum_words(l4, length, sum);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    if (sum == 0 && proto == IPPROTO_UDP)
        sum = 0xffff;
    l4[place] = (uint8_t)(sum >> 8);
    l4[place + 1] = (uint8_t)sum;
}

/* The packets of the bench have no IPv6 extension headers. */
static void complete_checksum(uint8_t *packet, size_t length)
{
    size_t ip4_header = (packet[0] & 0x0fU) * 4U;

    if (length > 20 && packet[0] >> 4 == 4 && length > ip4_header)
        write_checksum(packet + ip4_header, length - ip4_header, packet[9], packet + 12, 8);
    else if (length > 40 && packet[0] >> 4 == 6)
        write_checksum(packet + 40, length - 40, packet[6], packet + 8, 32);
}

static void send_verdict(const struct queue *queue, uint32_t id, const uint8_t *packet,
                         size_t length)
{
    static char message[MESSAGE];
    struct nlmsghdr *header = nfq_nlmsg_put(message, NFQNL_MSG_VERDICT, queue->number);

    nfq_nlmsg_verdict_put(header, (int)id, NF_ACCEPT);
    nfq_nlmsg_verdict_put_pkt(header, packet, (uint32_t)length);
    if (mnl_socket_sendto(queue->socket, header, header->nlmsg_len) < 0)
        die("verdict");
}

static int on_packet(const struct nlmsghdr *message, void *data)
{
    const struct queue *queue = data;
    struct nlattr *attributes[NFQA_MAX + 1] = {0};
    const struct nfqnl_msg_packet_hdr *header;
    uint8_t *packet;
    size_t length;
    uint32_t what;

    if (nfq_nlmsg_parse(message, attributes) < 0 || attributes[NFQA_PACKET_HDR] == NULL ||
        attributes[NFQA_PAYLOAD] == NULL)
        die("a message without a packet");
    header = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
    packet = mnl_attr_get_payload(attributes[NFQA_PAYLOAD]);
    length = mnl_attr_get_payload_len(attributes[NFQA_PAYLOAD]);
    what = attributes[NFQA_SKB_INFO] != NULL ? ntohl(mnl_attr_get_u32(attributes[NFQA_SKB_INFO]))
                                             : 0;
    packet_set_ttl(packet, length, TTL);
    if ((what & NFQA_SKB_CSUMNOTREADY) != 0 && (what & NFQA_SKB_GSO) == 0)
        complete_checksum(packet, length);
    send_verdict(queue, ntohl(header->packet_id), packet, length);
    return MNL_CB_OK;
}

static void queue_open(struct queue *queue, uint32_t flags)
{
    char message[MESSAGE];
    struct nlmsghdr *header;
    int yes = 1;
    const int room = SOCKET_BUFFER;

    queue->socket = mnl_socket_open(NETLINK_NETFILTER);
    if (queue->socket == NULL || mnl_socket_bind(queue->socket, 0, MNL_SOCKET_AUTOPID) < 0)
        die("netlink socket");
    /* A burst must not end in ENOBUFS: what does not fit is dropped and counted by the queue. */
    mnl_socket_setsockopt(queue->socket, NETLINK_NO_ENOBUFS, &yes, sizeof(yes));
    setsockopt(mnl_socket_get_fd(queue->socket), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));

    header = nfq_nlmsg_put(message, NFQNL_MSG_CONFIG, queue->number);
    nfq_nlmsg_cfg_put_cmd(header, AF_INET, NFQNL_CFG_CMD_BIND);
    if (mnl_socket_sendto(queue->socket, header, header->nlmsg_len) < 0)
        die("queue %u", queue->number);
    header = nfq_nlmsg_put(message, NFQNL_MSG_CONFIG, queue->number);
    nfq_nlmsg_cfg_put_params(header, NFQNL_COPY_PACKET, 0xffff);
    nfq_nlmsg_cfg_put_qmaxlen(header, QUEUE_LENGTH);
    mnl_attr_put_u32(header, NFQA_CFG_FLAGS, htonl(flags));
    mnl_attr_put_u32(header, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
    if (mnl_socket_sendto(queue->socket, header, header->nlmsg_len) < 0)
        die("parameters of queue %u", queue->number);
}

_Noreturn static void queue_serve(struct queue *queue)
{
    static char message[MESSAGE];
    unsigned int port = mnl_socket_get_portid(queue->socket);

    for (;;) {
        ssize_t length = mnl_socket_recvfrom(queue->socket, message, sizeof(message));

        if (length < 0)
            die("receive");
        if (mnl_cb_run(message, (size_t)length, 0, port, on_packet, queue) < 0)
            die("a message of the queue");
    }
}

int main(int argc, char **argv)
{
    struct queue queue = {.socket = NULL};
    uint32_t flags = 0;

    if (argc == 3 && strcmp(argv[2], "gso") == 0) {
        flags = NFQA_CFG_F_GSO;
    } else if (argc != 3 || strcmp(argv[2], "plain") != 0) {
        errno = EINVAL;
        die("usage: nfqueue NUMBER plain|gso");
    }
    queue.number = (uint16_t)number(argv[1], 0, UINT16_MAX);
    queue_open(&queue, flags);
    say_ready();
    queue_serve(&queue);
}
