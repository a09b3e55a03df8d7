/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every key of a rule: what it reads, how it prints that again, and what it says of wrong values.
 */
#include "fixture.h"

#include "ipmodd/base/macro.h"

#include <stdlib.h>
#include <string.h>

/* A rule with KEY = VALUE behind the lines in CONTEXT. */
struct right {
    const char *key, *value;
    const char *printed; /* NULL: as written */
    const char *context; /* NULL: none */
};

struct wrong {
    const char *key, *value;
    const char *complaint; /* behind "[rule a] KEY: " */
    const char *context;
};

#define PAYLOAD_COMPLAINT(value)                                                                 \
    "'" value "' is not right: \"text\" (with \\n \\r \\t \\0 \\\" \\\\ \\xHH) or 0xHHHH, 1 to " \
    "1024 bytes, then @ OFFSET from 0 to 65535 or nothing"

#define OPEN_COMPLAINT(value)                                                                    \
    "'" value "' has no \" at its end: in a text, too, a blank and ; begin a comment, so write " \
    "\\x3b for ;"
#define REGEX_COMPLAINT(value) \
    "'" value "' is not right: \"PATTERN\" of 1 to 4096 bytes, or ! in front of it"

#define PACKETS_COMPLAINT(word) \
    "'" word "' is not a count of packets: one such as 1, 1-10 or 100-, from 1 on"
#define BYTES_COMPLAINT(word) \
    "'" word "' is not a count of bytes: one such as 1000, 1-64KiB or 10MiB-, from 1 on"
#define TIME_COMPLAINT(item)                                                                \
    "'" item "' is not a time: days (mon-fri), hours (08:00-17:00, 22:00-06:00) and dates " \
    "(2026-12-24-2027-01-06), each or all of them, separated by blanks"

#define LIMIT_COMPLAINT(value)                                                            \
    "'" value                                                                             \
    "' is not right: N/s, N/min or N/h, then burst N or nothing, then per src, per dst, " \
    "per flow or nothing, N from 1 to 1000000"

#define PROBABILITY_COMPLAINT(value)                                                        \
    "'" value                                                                               \
    "' is not a probability: a percentage above 0% and up to 100%, with up to 6 decimals, " \
    "as 2.5%"

#define ARITHMETIC_COMPLAINT(value, range) \
    "'" value "' is not right: N, +N, -N, min N or max N, N from " range

#define REPLACE_COMPLAINT(value)                                                                  \
    "'" value "' is not right: OLD -> NEW, each \"text\" (with \\n \\r \\t \\0 \\\" \\\\ \\xHH) " \
    "or 0xHHHH, 1 to 1024 bytes, then @ OFFSET or nothing, then count N or nothing"

static const struct right rights[] = {
    {"direction", "out", NULL, NULL},
    {"direction", "out,forward", "out, forward", NULL},
    {"direction", "!out", NULL, NULL},
    {"family", "ipv4", NULL, NULL},
    {"family", "ipv6 ,ipv4", "ipv6, ipv4", NULL},
    {"family", "! ipv6", "!ipv6", NULL},
    {"proto", "tcp", NULL, NULL},
    {"proto", "icmp", NULL, NULL},
    {"proto", "ipv6-icmp", "icmpv6", NULL},
    {"proto", "6, 17", "tcp, udp", NULL},
    {"proto", "0-5", NULL, NULL},
    {"proto", "1", NULL, NULL},
    {"proto", "255", NULL, NULL},
    {"proto", "!esp, !mpls-in-ip", NULL, NULL},
    {"src", "192.0.2.1", NULL, NULL},
    {"src", "192.0.2.77/24", "192.0.2.0/24", NULL},
    {"src", "192.0.2.0-192.0.2.255", "192.0.2.0/24", NULL},
    {"src", "192.0.2.3 - 192.0.2.9", "192.0.2.3-192.0.2.9", NULL},
    {"src", "0.0.0.0/0", NULL, NULL},
    {"dst", "2001:db8::/32, 198.51.100.0/24, !198.51.100.7", NULL, NULL},
    {"dst", "2001:db8::1-2001:db8::ffff", NULL, NULL},
    {"host", "!2001:DB8::1", "!2001:db8::1", NULL},
    {"src", "0.0.0.0/0, !0.0.0.0-255.255.255.254", "0.0.0.0/0, !0.0.0.0-255.255.255.254", NULL},
    {"dst", "192.0.2.1, ::/0, !192.0.2.0/24", NULL, NULL},
    {"sport", "0, 65535", NULL, NULL},
    {"dport", "16384-32767", NULL, NULL},
    {"dport", "1-100, !22", NULL, NULL},
    {"port", "53", NULL, "proto = udp"},
    {"tcp-flags", "syn, !ack", NULL, NULL},
    {"tcp-flags", "ack + syn", "syn+ack", NULL},
    {"tcp-flags", "none", NULL, NULL},
    {"tcp-flags", "!none, !fin+psh+urg", NULL, NULL},
    {"tcp-flags", "cwr, ece", NULL, "proto = tcp"},
    {"icmp-type", "echo-request", NULL, NULL},
    {"icmp-type", "ping, icmp6-echoreply", NULL, NULL},
    {"icmp-type", "redirect, !nd-redirect", NULL, NULL},
    {"icmp-type", "0-255, !0-100, !102-255", NULL, "family = ipv6"},
    {"icmp-type", "8", NULL, "family = ipv4"},
    {"icmp-type", "133-137, !135", NULL, "family = ipv6"},
    {"icmp-type", "8", NULL, "dst = 192.0.2.1"},
    {"icmp-type", "128", NULL, "proto = icmpv6\nfamily = ipv6"},
    {"icmp-code", "port-unreachable", NULL, NULL},
    {"icmp-code", "0-15", NULL, "dst = 192.0.2.1"},
    {"icmp-code", "frag-needed", NULL, "proto = icmp"},
    {"ttl", "0-1, 255", NULL, NULL},
    {"dscp", "ef, af11, cs1, 5", NULL, NULL},
    {"dscp", "46", "ef", NULL},
    {"dscp", "be", "cs0", NULL},
    {"dscp", "af11-af13", NULL, NULL},
    {"dscp", "voice-admit-ef", NULL, NULL},
    {"ecn", "not-ect, ect0, ect1, ce", NULL, NULL},
    {"ecn", "3", "ce", NULL},
    {"length", "20, 1401-65535", NULL, NULL},
    {"fragment", "yes", NULL, NULL},
    {"fragment", "no", NULL, NULL},
    {"fragment", "first, later", NULL, NULL},
    {"fragment", "!later", NULL, NULL},
    {"df", "yes", NULL, NULL},
    {"ip-id", "0, 1000-65535, !4660", NULL, NULL},
    {"ip-option", "any, !rr", "any, !record-route", NULL},
    {"ip-option", "!any", NULL, "family = ipv4"},
    {"ip-option", "148, 255", "router-alert, 255", NULL},
    {"ext-header", "hop-by-hop, routing, destination, ah", NULL, NULL},
    {"ext-header", "!any", NULL, NULL},
    {"tcp-option", "mss, wscale, 5, timestamp", "mss, window-scale, sack, timestamps", NULL},
    {"tcp-option", "!any", NULL, "proto = tcp"},
    {"tcp-option", "30-34", "mptcp-fast-open", NULL},
    {"mss", "0, 1401-65535", NULL, NULL},
    {"window", "0", NULL, "proto = tcp, udp"},
    {"flow-label", "0, 1048575", NULL, NULL},
    {"set-src", "192.0.2.1", NULL, NULL},
    {"set-src", "192.0.2.1", NULL, "src = 198.51.100.1"},
    {"set-dst", "2001:DB8:0:0::1", "2001:db8::1", NULL},
    {"set-sport", "0", NULL, NULL},
    {"set-dport", "65535", NULL, "proto = sctp"},
    {"set-ttl", "64", NULL, NULL},
    {"set-ttl", "1", NULL, NULL},
    {"set-ttl", "254", NULL, NULL},
    {"set-ttl", "+1", NULL, NULL},
    {"set-ttl", "- 1", "-1", NULL},
    {"set-ttl", "min   8", "min 8", NULL},
    {"set-ttl", "max 64", NULL, NULL},
    {"set-dscp", "ef", NULL, NULL},
    {"set-dscp", "0", "cs0", NULL},
    {"set-ecn", "not-ect", NULL, NULL},
    {"payload", "\"GET /\"", "0x474554202f", NULL},
    {"payload", "!\"a\\n\\x00\\\"\" @ 7", "!0x610a0022 @ 7", "proto = udp"},
    {"payload", "0xDEADbeef@65535", "0xdeadbeef @ 65535", NULL},
    {"payload-regex", "\"^(GET|POST) /\"", NULL, NULL},
    {"payload-regex", "! \"a\\\"b[;,#]\"", "!\"a\\\"b[;,#]\"", "proto = udp"},
    {"state", "new", NULL, NULL},
    {"state", "established, related", NULL, NULL},
    {"state", "!invalid", NULL, NULL},
    {"flow-packets", "1", NULL, NULL},
    {"flow-packets", "1-10, 1000-", NULL, NULL},
    {"flow-packets", "!1-18446744073709551613", NULL, NULL},
    {"flow-bytes", "1000-2048", "1000-2KiB", NULL},
    {"flow-bytes", "10MiB-", NULL, NULL},
    {"flow-bytes", "1-1024KiB, !3GiB", "1-1MiB, !3GiB", NULL},
    {"time", "mon-fri 08:00-17:00, sat 09:30:15-12:00", NULL, NULL},
    {"time", "fri-mon", "mon fri-sun", NULL},
    {"time", "wed  sat", "wed sat", NULL},
    {"time", "22:00-06:00, !sun", NULL, NULL},
    {"time", "00:00-24:00", NULL, NULL},
    {"time", "2024-02-29", NULL, NULL},
    {"time", "08:00-09:00 2026-12-24-2027-01-06 mon", "2026-12-24-2027-01-06 mon 08:00-09:00",
     NULL},
    {"probability", "2.5%", NULL, NULL},
    {"probability", "100 %", "100%", NULL},
    {"probability", "0.000001%", NULL, NULL},
    {"probability", "12.50%", "12.5%", NULL},
    {"every", "1", NULL, NULL},
    {"every", "1000000000", NULL, NULL},
    {"limit", "100/s", "100/s burst 5", NULL},
    {"limit", "1/h burst 1000000", NULL, NULL},
    {"limit", "100/s  burst 20 per src", "100/s burst 20 per src", NULL},
    {"limit", "1000000/min per dst", "1000000/min burst 5 per dst", NULL},
    {"limit", "3/s burst 1 per flow", NULL, "proto = udp"},
    {"set-payload", "\"abc\"", "0x616263 @ 0", NULL},
    {"set-payload", "0xDEADbeef@65535", "0xdeadbeef @ 65535", "proto = udp"},
    {"replace", "\"old\" -> \"new\"", "0x6f6c64 -> 0x6e6577", NULL},
    {"replace", "0x00->0xff@3 count 1", "0x00 -> 0xff @ 3 count 1", NULL},
    {"replace", "\"->\" -> \"<-\" count 65535", "0x2d3e -> 0x3c2d count 65535", "proto = tcp"},
    {"set-ip-id", "0", NULL, NULL},
    {"set-ip-id", "65535", NULL, "df = no"},
    {"set-ip-id", "random", NULL, NULL},
    {"set-ip-id", "+ 1", "+1", NULL},
    {"set-sport", "+1000", NULL, NULL},
    {"set-dport", "max 1023", NULL, NULL},
    {"set-flow-label", "1048575", NULL, NULL},
    {"set-flow-label", "min 16", NULL, "family = ipv6"},
    {"set-window", "0", NULL, NULL},
    {"set-window", "max  1000", "max 1000", "proto = tcp"},
    {"set-window", "+ 5", "+5", NULL},
    {"set-tcp-flags", "ack+syn", "syn+ack", NULL},
    {"set-tcp-flags", "none", NULL, NULL},
    {"set-tcp-flags", "-ece,+psh,-cwr", "+psh, -ece, -cwr", "tcp-flags = syn"},
    {"set-tcp-flags", "+syn+ack", "+syn, +ack", NULL},
    {"strip-tcp-option", "timestamps, 30", "timestamps, mptcp", NULL},
    {"strip-tcp-option", "any, !mss", NULL, NULL},
    {"set-mss", "-40", NULL, NULL},
    {"set-mss", "min 536", NULL, NULL},
    {"set-df", "yes", NULL, NULL},
    {"set-df", "no", NULL, "family = ipv4"},
    {"set-mss", "1360", NULL, "proto = tcp"},
    {"clamp-mss", "1360", NULL, NULL},
    {"clamp-mss", "pmtu", NULL, NULL},
    {"snat", "192.0.2.7", NULL, NULL},
    {"snat", "192.0.2.7-192.0.2.9:1024-2047  persistent random",
     "192.0.2.7-192.0.2.9:1024-2047 random persistent", NULL},
    {"snat", "2001:db8::7", NULL, "src = 2001:db8::/32"},
    {"snat", "[2001:db8::7]-[2001:db8::9]", "2001:db8::7-2001:db8::9", NULL},
    {"snat", "2001:db8::7-2001:db8::9 random", NULL, NULL},
    {"dnat", "198.51.100.2:8080", NULL, NULL},
    {"dnat", "[2001:db8::2]:8080", NULL, "proto = tcp"},
    {"dnat", "[2001:db8::2]-[2001:db8::9]:8080-8089", NULL, NULL},
    {"masquerade", "yes", NULL, NULL},
    {"masquerade", "yes  random", "yes random", NULL},
    {"masquerade", ":55666-55680 random", NULL, NULL},
    {"masquerade", ":1024", NULL, "proto = udp"},
    {"redirect", ":3128", NULL, NULL},
    {"redirect", ":3128-3130", NULL, "proto = tcp"},
    {"netmap", "src 198.51.100.7/24", "src 198.51.100.0/24", NULL},
    {"netmap", "dst  2001:db8:1::/48", "dst 2001:db8:1::/48", NULL},
    {"reply", "echo", NULL, "proto = icmp"},
    {"verdict", "accept", NULL, NULL},
    {"verdict", "drop", NULL, NULL},
    {"verdict", "reject", NULL, NULL},
    {"verdict", "reject  tcp-reset", "reject tcp-reset", "proto = tcp"},
    {"verdict", "reject port-unreachable", NULL, NULL},
    {"verdict", "reject host-unreachable", NULL, NULL},
    {"verdict", "reject net-unreachable", NULL, NULL},
    {"verdict", "reject proto-unreachable", NULL, "family = ipv4"},
    {"verdict", "reject admin-prohibited", NULL, NULL},
    {"log", "no", NULL, NULL},
    {"log", "yes", "info 10/s burst 20", NULL},
    {"log", "warning", "warning 10/s burst 20", NULL},
    {"log", "5/min", "info 5/min burst 20", NULL},
    {"log", "notice 1/h burst 3", NULL, NULL},
    {"capture", "some.thing-1_A", "some.thing-1_A size 10MiB files 10 snaplen 65535", NULL},
    {"capture", "a snaplen 20 files 1 size 131072", "a size 128KiB files 1 snaplen 20", NULL},
    {"capture", "a size 1024GiB files 100", "a size 1024GiB files 100 snaplen 65535", NULL},
    {"capture", "a size 131073 files 5 snaplen 256", NULL, NULL},
};

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123" /* 64 */
#define CAPTURE_NAME_COMPLAINT(name)                                                               \
    "'" name "' is not a name: 1 to 63 letters, digits, '.', '_' and '-', beginning with neither " \
    "'.' nor '-'"

static const struct wrong wrongs[] = {
    {"direction", "outt", "'outt' is not a direction; did you mean 'out'?", NULL},
    {"direction", "0", "'0' is not a direction: out, forward, in", NULL},
    {"direction", "!out, !forward, !in",
     "the list excludes all that it includes, so it never holds", NULL},
    {"family", "ipv5", "'ipv5' is not a family; did you mean 'ipv4'?", NULL},
    {"family", "ipv4,,ipv6", "the list has an empty item: write items separated by commas", NULL},
    {"proto", "tpc", "'tpc' is not a protocol; did you mean 'tcp'?", NULL},
    {"proto", "256", "'256' is out of range: a protocol is a number from 0 to 255", NULL},
    {"proto", "99999999999999999999999",
     "'99999999999999999999999' is out of range: a protocol is a number from 0 to 255", NULL},
    {"proto", "-1",
     "'-1' is not a protocol: a number from 0 to 255 or one of icmp, tcp, udp, icmpv6, sctp, dccp, "
     "udplite, gre, …",
     NULL},
    {"src", "192.0.2.0/33",
     "'192.0.2.0/33' is not a prefix: ADDRESS/LENGTH, LENGTH at most 32 for IPv4 and 128 for IPv6",
     NULL},
    {"src", "192.0.2.256",
     "'192.0.2.256' is not an address: write numbers as 192.0.2.1, 2001:db8::1, a prefix "
     "192.0.2.0/24 or a range 192.0.2.1-192.0.2.9",
     NULL},
    {"dst", "192.0.2.9-192.0.2.3",
     "the range '192.0.2.9-192.0.2.3' is inverted: the smaller address comes first", NULL},
    {"dst", "192.0.2.9-2001:db8::1",
     "the ends of '192.0.2.9-2001:db8::1' are of different families", NULL},
    {"dst", "2001:db8::/32", "contradicts family = ipv4 in line 2: no packet fits both",
     "family = ipv4"},
    {"dst", "192.0.2.1, !2001:db8::1", "contradicts family = ipv6 in line 2: no packet fits both",
     "family = ipv6"},
    {"host", "192.0.2.1,", "the list has an empty item: write items separated by commas", NULL},
    {"sport", "65536", "'65536' is out of range: a port is a number from 0 to 65535", NULL},
    {"dport", "http", "'http' is not a port: a number from 0 to 65535", NULL},
    {"dport", "1-65536", "'1-65536' is out of range: a port is a number from 0 to 65535", NULL},
    {"dport", "100-1", "the range '100-1' is inverted: the smaller end comes first", NULL},
    {"dport", "80, !1-100", "the list excludes all that it includes, so it never holds", NULL},
    {"port", "53", "contradicts proto = icmp in line 2: no packet fits both", "proto = icmp"},
    {"tcp-flags", "synn", "'synn' is not a TCP flag; did you mean 'syn'?", NULL},
    {"tcp-flags", "syn+",
     "'' is not a TCP flag: fin, syn, rst, psh, ack, urg, ece, cwr, several "
     "joined by +, or none",
     NULL},
    {"src", "192.0.2.1, !192.0.2.1", "the list excludes all that it includes, so it never holds",
     NULL},
    {"src", "192.0.2.7, 2001:db8::/64, !192.0.2.0/24, !2001:db8::/32",
     "the list excludes all that it includes, so it never holds", NULL},
    {"dst", "192.0.2.0/24, !192.0.2.0-192.0.2.99, !192.0.2.100-192.0.2.255",
     "the list excludes all that it includes, so it never holds", NULL},
    {"host", "!::/0", "the list excludes all that it includes, so it never holds", NULL},
    {"icmp-type", "ping, !echo-request",
     "the list excludes all that it includes, so it never holds", NULL},
    {"icmp-type", "0-255, !0-100, !90-255",
     "the list excludes all that it includes, so it never holds", "family = ipv4"},
    {"icmp-code", "frag-needed, !4", "the list excludes all that it includes, so it never holds",
     "family = ipv4"},
    {"tcp-flags", "syn+ack, !syn", "the list excludes all that it includes, so it never holds",
     NULL},
    {"tcp-flags", "syn", "contradicts proto = udp, icmp in line 2: no packet fits both",
     "proto = udp, icmp"},
    {"icmp-type", "echo-reqest", "'echo-reqest' is not an ICMP type; did you mean 'echo-request'?",
     NULL},
    {"icmp-type", "8",
     "the number 8 means different things in ICMP and ICMPv6: add family = ipv4 or ipv6, or write "
     "a name such as echo-request",
     "proto = icmp"},
    {"icmp-type", "256", "'256' is out of range: an ICMP type is a number from 0 to 255",
     "family = ipv4"},
    {"icmp-type", "echo-request", "contradicts proto = tcp in line 2: no packet fits both",
     "proto = tcp"},
    {"icmp-type", "packet-too-big", "contradicts family = ipv4 in line 2: no packet fits both",
     "family = ipv4"},
    {"icmp-type", "xyz",
     "'xyz' is not an ICMP type: a name such as echo-request, or with family = ipv4 or ipv6 a "
     "number from 0 to 255",
     NULL},
    {"icmp-code", "0",
     "the number 0 means different things in ICMP and ICMPv6: add family = ipv4 or ipv6, or write "
     "a name such as port-unreachable",
     NULL},
    {"icmp-code", "port-unreachable", "contradicts dport = 53 in line 2: no packet fits both",
     "dport = 53"},
    {"ttl", "256", "'256' is out of range: a TTL is a number from 0 to 255", NULL},
    {"dscp", "64", "'64' is out of range: a DSCP is a number from 0 to 63", NULL},
    {"dscp", "eff", "'eff' is not a DSCP; did you mean 'ef'?", NULL},
    {"ecn", "ect", "'ect' is not an ECN value; did you mean 'ect1'?", NULL},
    {"ecn", "4", "'4' is out of range: an ECN value is a number from 0 to 3", NULL},
    {"length", "19", "'19' is out of range: a packet length is a number from 20 to 65535", NULL},
    {"df", "1", "'1' is not yes or no: no, yes", NULL},
    {"df", "no", "contradicts family = ipv6 in line 2: no packet fits both", "family = ipv6"},
    {"ip-id", "65536", "'65536' is out of range: an IP identification is a number from 0 to 65535",
     NULL},
    {"ip-id", "3", "contradicts dst = 2001:db8::1 in line 2: no packet fits both",
     "dst = 2001:db8::1"},
    {"ip-option", "1", "'1' is out of range: an IP option is a number from 2 to 255", NULL},
    {"ip-option", "lssr", "'lssr' is not an IP option; did you mean 'lsrr'?", NULL},
    {"ip-option", "rr, !any", "the list excludes all that it includes, so it never holds", NULL},
    {"ext-header", "60",
     "'60' is not an extension header: any, hop-by-hop, routing, fragment, destination, ah", NULL},
    {"ext-header", "any", "contradicts family = ipv4 in line 2: no packet fits both",
     "family = ipv4"},
    {"tcp-option", "nop",
     "'nop' is not a TCP option: a number from 2 to 255 or one of any, mss, window-scale, wscale, "
     "sack-permitted, sack, timestamps, timestamp, …",
     NULL},
    {"tcp-option", "mss", "contradicts proto = udp in line 2: no packet fits both", "proto = udp"},
    {"mss", "65536", "'65536' is out of range: an MSS is a number from 0 to 65535", NULL},
    {"mss", "1400", "contradicts proto = sctp in line 2: no packet fits both", "proto = sctp"},
    {"window", "x", "'x' is not a TCP window: a number from 0 to 65535", NULL},
    {"window", "1", "contradicts proto = udp in line 2: no packet fits both", "proto = udp"},
    {"flow-label", "1048576",
     "'1048576' is out of range: a flow label is a number from 0 to 1048575", NULL},
    {"flow-label", "1", "contradicts ip-id = 1 in line 2: no packet fits both", "ip-id = 1"},
    {"fragment", "maybe", "'maybe' is not a fragment kind: yes, no, first, later", NULL},
    {"set-src", "192.0.2.0/24",
     "'192.0.2.0/24' is not an address: one such as 192.0.2.1 or 2001:db8::1", NULL},
    {"set-src", "2001:db8::1", "contradicts src = 192.0.2.1 in line 2: no packet fits both",
     "src = 192.0.2.1"},
    {"set-dst", "2001:db8::1", "contradicts set-src = 192.0.2.1 in line 2: no packet fits both",
     "set-src = 192.0.2.1"},
    {"set-sport", "65536", ARITHMETIC_COMPLAINT("65536", "0 to 65535"), NULL},
    {"set-sport", "+-1", ARITHMETIC_COMPLAINT("+-1", "0 to 65535"), NULL},
    {"set-dport", "80-90", ARITHMETIC_COMPLAINT("80-90", "0 to 65535"), NULL},
    {"set-dport", "80", "contradicts proto = gre in line 2: no packet fits both", "proto = gre"},
    {"set-ttl", "255", "'255' is not right: N, +N, -N, min N or max N, N from 1 to 254", NULL},
    {"set-ttl", "0", "'0' is not right: N, +N, -N, min N or max N, N from 1 to 254", NULL},
    {"set-ttl", "mid 8", "'mid 8' is not right: N, +N, -N, min N or max N, N from 1 to 254", NULL},
    {"set-ttl", "+", "'+' is not right: N, +N, -N, min N or max N, N from 1 to 254", NULL},
    {"set-dscp", "ef, af11",
     "'ef, af11' is not a DSCP: a number from 0 to 63 or one of cs0, cs1, cs2, cs3, cs4, cs5, cs6, "
     "cs7, …",
     NULL},
    {"set-ecn", "on",
     "'on' is not an ECN value: a number from 0 to 3 or one of not-ect, ect1, "
     "ect0, ce",
     NULL},
    {"set-df", "1", "'1' is not yes or no: no, yes", NULL},
    {"set-df", "yes", "contradicts family = ipv6 in line 2: no packet fits both", "family = ipv6"},
    {"set-mss", "0", "'0' is not right: N, +N, -N, min N or max N, N from 1 to 65535", NULL},
    {"set-ip-id", "65536", ARITHMETIC_COMPLAINT("65536", "0 to 65535, or random"), NULL},
    {"set-ip-id", "randm", ARITHMETIC_COMPLAINT("randm", "0 to 65535, or random"), NULL},
    {"set-ip-id", "+random", ARITHMETIC_COMPLAINT("+random", "0 to 65535, or random"), NULL},
    {"set-ip-id", "1", "contradicts flow-label = 1 in line 2: no packet fits both",
     "flow-label = 1"},
    {"set-flow-label", "1048576", ARITHMETIC_COMPLAINT("1048576", "0 to 1048575"), NULL},
    {"set-flow-label", "1", "contradicts family = ipv4 in line 2: no packet fits both",
     "family = ipv4"},
    {"set-window", "65536", "'65536' is not right: N, +N, -N, min N or max N, N from 0 to 65535",
     NULL},
    {"set-window", "1", "contradicts proto = udp in line 2: no packet fits both", "proto = udp"},
    {"set-tcp-flags", "sync", "'sync' is not a TCP flag; did you mean 'syn'?", NULL},
    {"set-tcp-flags", "syn, +ack",
     "'syn' is not a change: +FLAG sets and -FLAG clears one; all flags at once are one item, as "
     "syn+ack",
     NULL},
    {"set-tcp-flags", "!syn",
     "'syn' is not a change: +FLAG sets and -FLAG clears one; all flags at once are one item, as "
     "syn+ack",
     NULL},
    {"set-tcp-flags", "+syn, -syn", "'-syn': name each flag once", NULL},
    {"set-tcp-flags", "+none", "'+none': name each flag once", NULL},
    {"set-tcp-flags", "+psh", "contradicts proto = udp in line 2: no packet fits both",
     "proto = udp"},
    {"strip-tcp-option", "1", "'1' is out of range: a TCP option is a number from 2 to 255", NULL},
    {"strip-tcp-option", "mss, !any", "the list excludes all that it includes, so it never holds",
     NULL},
    {"strip-tcp-option", "any", "contradicts proto = udp in line 2: no packet fits both",
     "proto = udp"},
    {"set-mss", "1360", "contradicts proto = udp in line 2: no packet fits both", "proto = udp"},
    {"clamp-mss", "mtu", "'mtu' is not an MSS; did you mean 'pmtu'?", NULL},
    {"clamp-mss", "65536", "'65536' is out of range: an MSS is a number from 1 to 65535", NULL},
    {"snat", "192.0.2.0/24",
     "'192.0.2.0/24' is a prefix: write a range of addresses, or use netmap", NULL},
    {"snat", ":1000", "':1000' has no address: ADDRESS[-ADDRESS][:PORT[-PORT]]", NULL},
    {"snat", "192.0.2.1:0", "'0' is out of range: a port is a number from 1 to 65535", NULL},
    {"snat", "192.0.2.1:9-7", "the range '9-7' is inverted: the smaller end comes first", NULL},
    {"snat", "192.0.2.1 sticky",
     "'sticky' is not understood: behind the address come random and persistent, each once", NULL},
    {"snat", "192.0.2.1 random random",
     "'random' is not understood: behind the address come random and persistent, each once", NULL},
    {"snat", "[2001:db8::1:80", "'[2001:db8::1:80': brackets stand around an IPv6 address", NULL},
    {"snat", "2001:db8::1", "contradicts src = 192.0.2.1 in line 2: no packet fits both",
     "src = 192.0.2.1"},
    {"dnat", "example.org",
     "'example.org' is not an address: write numbers as 192.0.2.1, 2001:db8::1, a prefix "
     "192.0.2.0/24 or a range 192.0.2.1-192.0.2.9",
     NULL},
    {"dnat", "192.0.2.1:80", "contradicts proto = icmp in line 2: no packet fits both",
     "proto = icmp"},
    {"masquerade", "no", "'no': write yes or :PORT[-PORT], then random or nothing", NULL},
    {"masquerade", "yes persistent",
     "'yes persistent': write yes or :PORT[-PORT], then random or nothing", NULL},
    {"masquerade", ":70000", "'70000' is out of range: a port is a number from 1 to 65535", NULL},
    {"redirect", "192.0.2.1:80",
     "'192.0.2.1:80' is no port of this host: write :PORT or :PORT-PORT; to another host leads dnat",
     NULL},
    {"redirect", ":80", "contradicts proto = icmp in line 2: no packet fits both", "proto = icmp"},
    {"netmap", "198.51.100.0/24",
     "'198.51.100.0/24': write `src PREFIX` or `dst PREFIX`, the prefix into which that address is "
     "moved",
     NULL},
    {"netmap", "src 198.51.100.1",
     "'198.51.100.1' is not a prefix: one such as 198.51.100.0/24 or 2001:db8:1::/48", NULL},
    {"reply", "pong", "'pong' is not a reply: echo", NULL},
    {"reply", "echo", "contradicts proto = udp in line 2: no packet fits both", "proto = udp"},
    {"verdict", "acept", "'acept' is not a verdict; did you mean 'accept'?", NULL},
    {"verdict", "maybe", "'maybe' is not a verdict: accept, drop or reject [KIND]", NULL},
    {"verdict", "reject tcpreset", "'tcpreset' is not a way to reject; did you mean 'tcp-reset'?",
     NULL},
    {"verdict", "reject loudly",
     "'loudly' is not a way to reject: tcp-reset, port-unreachable, host-unreachable, "
     "net-unreachable, proto-unreachable or admin-prohibited",
     NULL},
    {"verdict", "reject tcp-reset", "contradicts proto = udp in line 2: no packet fits both",
     "proto = udp"},
    {"verdict", "reject proto-unreachable",
     "contradicts family = ipv6 in line 2: no packet fits both", "family = ipv6"},
    {"verdict", "drop", "the rule decides already with reply in line 2: keep one of them",
     "reply = echo"},
    {"log", "loud", "'loud' is not a log level: error, warning, notice, info, debug", NULL},
    {"log", "10/d",
     "'10/d' is not right: yes, no, or [LEVEL] [N/s | N/min | N/h [burst N]], N from 1 to 1000000",
     NULL},
    {"log", "0/s",
     "'0/s' is not right: yes, no, or [LEVEL] [N/s | N/min | N/h [burst N]], N from 1 to 1000000",
     NULL},
    {"log", "info 1/s burst",
     "'info 1/s burst' is not right: yes, no, or [LEVEL] [N/s | N/min | N/h [burst N]], N from 1 "
     "to 1000000",
     NULL},
    {"capture", "", "has no value: NAME [size N[KiB|MiB|GiB]] [files N] [snaplen N]", NULL},
    {"capture", "../x", CAPTURE_NAME_COMPLAINT("../x"), NULL},
    {"capture", "-x", CAPTURE_NAME_COMPLAINT("-x"), NULL},
    {"capture", "a/b", CAPTURE_NAME_COMPLAINT("a/b"), NULL},
    {"capture", LONG_NAME, CAPTURE_NAME_COMPLAINT(LONG_NAME), NULL},
    {"capture", "a b", "'b' is no option: NAME [size N[KiB|MiB|GiB]] [files N] [snaplen N]", NULL},
    {"capture", "a size", "size has no value: NAME [size N[KiB|MiB|GiB]] [files N] [snaplen N]",
     NULL},
    {"capture", "a files 2 size 1MiB files 2", "files is there twice", NULL},
    {"capture", "a size 127KiB", "'127KiB' is not a size: 128KiB to 1024GiB", NULL},
    {"capture", "a size 1025GiB", "'1025GiB' is not a size: 128KiB to 1024GiB", NULL},
    {"capture", "a size 99999999999999999999999",
     "'99999999999999999999999' is not a size: 128KiB to 1024GiB", NULL},
    {"capture", "a size 1MB", "'1MB' is not a size: 128KiB to 1024GiB", NULL},
    {"capture", "a size MiB", "'MiB' is not a size: 128KiB to 1024GiB", NULL},
    {"capture", "a files 0", "'0' is not a number of files: 1 to 100", NULL},
    {"capture", "a files 101", "'101' is not a number of files: 1 to 100", NULL},
    {"capture", "a snaplen 19", "'19' is not a number of bytes: 20 to 65535", NULL},
    {"capture", "a snaplen 65536", "'65536' is not a number of bytes: 20 to 65535", NULL},
    {"src", "", "has no value: addresses, prefixes, ranges and @sets of both families", NULL},
    {"verdict", "",
     "has no value: accept, drop, or reject [tcp-reset | port-unreachable | host-unreachable | "
     "net-unreachable | proto-unreachable | admin-prohibited]",
     NULL},
    {"log", "", "has no value: yes, no, or [LEVEL] [N/s | N/min | N/h [burst N]]", NULL},
    {"dprot", "80", "unknown key; did you mean 'dport'?", NULL},
    {"dscp", "EF", "'EF' is not a DSCP; did you mean 'ef'?", NULL},
    {"xyzzy", "1", "unknown key: ipmodd.conf(5) lists the matches and actions", NULL},
    {"exclude", "192.0.2.1", "is a key of [divert], not of a rule", NULL},
    {"payload", "x", PAYLOAD_COMPLAINT("x"), NULL},
    {"payload", "\"\"", PAYLOAD_COMPLAINT("\"\""), NULL},
    {"payload", "\"open", OPEN_COMPLAINT("\"open"), NULL},
    {"payload", "!\"a ; b\"", OPEN_COMPLAINT("!\"a"), NULL},
    {"set-payload", "\"a\\\" @ 3", OPEN_COMPLAINT("\"a\\\" @ 3"), NULL},
    {"replace", "\"a\" -> \"b ; c\"", OPEN_COMPLAINT("\"a\" -> \"b"), NULL},
    {"payload", "\"\\q\"", PAYLOAD_COMPLAINT("\"\\q\""), NULL},
    {"payload", "0x123", PAYLOAD_COMPLAINT("0x123"), NULL},
    {"payload", "0x", PAYLOAD_COMPLAINT("0x"), NULL},
    {"payload", "0x12 @", PAYLOAD_COMPLAINT("0x12 @"), NULL},
    {"payload", "0x12 @ 65536", PAYLOAD_COMPLAINT("0x12 @ 65536"), NULL},
    {"state", "establisht", "'establisht' is not a state; did you mean 'established'?", NULL},
    {"state", "0", "'0' is not a state: new, established, related, invalid", NULL},
    {"flow-packets", "0", PACKETS_COMPLAINT("0"), NULL},
    {"flow-packets", "-5", PACKETS_COMPLAINT("-5"), NULL},
    {"flow-packets", "5-4", PACKETS_COMPLAINT("5-4"), NULL},
    {"flow-packets", "1KiB", PACKETS_COMPLAINT("1KiB"), NULL},
    {"flow-packets", "18446744073709551615", PACKETS_COMPLAINT("18446744073709551615"), NULL},
    {"flow-bytes", "1 KiB", BYTES_COMPLAINT("1 KiB"), NULL},
    {"flow-bytes", "1kB", BYTES_COMPLAINT("1kB"), NULL},
    {"flow-bytes", "17179869184GiB", BYTES_COMPLAINT("17179869184GiB"), NULL},
    {"set-payload", "abc", PAYLOAD_COMPLAINT("abc"), NULL},
    {"set-payload", "\"abc\" @ 65536", PAYLOAD_COMPLAINT("\"abc\" @ 65536"), NULL},
    {"set-payload", "!\"abc\"", PAYLOAD_COMPLAINT("!\"abc\""), NULL},
    {"set-payload", "\"abc\" count 1", PAYLOAD_COMPLAINT("\"abc\" count 1"), NULL},
    {"replace", "\"a\"", REPLACE_COMPLAINT("\"a\""), NULL},
    {"replace", "\"a\" -> ", REPLACE_COMPLAINT("\"a\" ->"), NULL},
    {"replace", "\"a\" > \"b\"", REPLACE_COMPLAINT("\"a\" > \"b\""), NULL},
    {"replace", "0x1 -> 0x2", REPLACE_COMPLAINT("0x1 -> 0x2"), NULL},
    {"replace", "0x11 -> 0x22 count 0", REPLACE_COMPLAINT("0x11 -> 0x22 count 0"), NULL},
    {"replace", "0x11 -> 0x22 count", REPLACE_COMPLAINT("0x11 -> 0x22 count"), NULL},
    {"replace", "0x11 -> 0x22 times 3", REPLACE_COMPLAINT("0x11 -> 0x22 times 3"), NULL},
    {"replace", "\"ab\" -> \"abc\"",
     "OLD has 2 bytes and NEW 3: make them equally long; edits that change the length of a packet "
     "are not in this version yet",
     NULL},
    {"time", "8:00-17:00", TIME_COMPLAINT("8:00-17:00"), NULL},
    {"time", "08:00", TIME_COMPLAINT("08:00"), NULL},
    {"time", "08:00-08:00", TIME_COMPLAINT("08:00-08:00"), NULL},
    {"time", "24:00-08:00", TIME_COMPLAINT("24:00-08:00"), NULL},
    {"time", "08:00-24:00:01", TIME_COMPLAINT("08:00-24:00:01"), NULL},
    {"time", "08:60-09:00", TIME_COMPLAINT("08:60-09:00"), NULL},
    {"time", "monday", TIME_COMPLAINT("monday"), NULL},
    {"time", "mon-", TIME_COMPLAINT("mon-"), NULL},
    {"time", "2025-02-29", TIME_COMPLAINT("2025-02-29"), NULL},
    {"time", "2026-13-01", TIME_COMPLAINT("2026-13-01"), NULL},
    {"time", "2026-05-01-2026-04-30", TIME_COMPLAINT("2026-05-01-2026-04-30"), NULL},
    {"time", "01:00-02:00 03:00-04:00", TIME_COMPLAINT("01:00-02:00 03:00-04:00"), NULL},
    {"time", "mon,,tue", "the list has an empty item: write items separated by commas", NULL},
    {"probability", "0%", PROBABILITY_COMPLAINT("0%"), NULL},
    {"probability", "0.025", PROBABILITY_COMPLAINT("0.025"), NULL},
    {"probability", "100.1%", PROBABILITY_COMPLAINT("100.1%"), NULL},
    {"probability", ".5%", PROBABILITY_COMPLAINT(".5%"), NULL},
    {"probability", "1.%", PROBABILITY_COMPLAINT("1.%"), NULL},
    {"probability", "1.1234567%", PROBABILITY_COMPLAINT("1.1234567%"), NULL},
    {"probability", "-1%", PROBABILITY_COMPLAINT("-1%"), NULL},
    {"every", "0", "'0' is out of range: a number of packets is a number from 1 to 1000000000",
     NULL},
    {"every", "x", "'x' is not a number of packets: a number from 1 to 1000000000", NULL},
    {"limit", "100", LIMIT_COMPLAINT("100"), NULL},
    {"limit", "0/s", LIMIT_COMPLAINT("0/s"), NULL},
    {"limit", "1000001/s", LIMIT_COMPLAINT("1000001/s"), NULL},
    {"limit", "12345678901234567890/s", LIMIT_COMPLAINT("12345678901234567890/s"), NULL},
    {"limit", "5/d", LIMIT_COMPLAINT("5/d"), NULL},
    {"limit", "5/s burst", LIMIT_COMPLAINT("5/s burst"), NULL},
    {"limit", "5/s burst 0", LIMIT_COMPLAINT("5/s burst 0"), NULL},
    {"limit", "5/s per", LIMIT_COMPLAINT("5/s per"), NULL},
    {"limit", "5/s per port", LIMIT_COMPLAINT("5/s per port"), NULL},
    {"limit", "5/s per src burst 3", LIMIT_COMPLAINT("5/s per src burst 3"), NULL},
    {"payload-regex", "x", REGEX_COMPLAINT("x"), NULL},
    {"payload-regex", "\"\"", REGEX_COMPLAINT("\"\""), NULL},
    {"payload-regex", "\"abc", OPEN_COMPLAINT("\"abc"), NULL},
    {"payload-regex", "! \"a ; b\"", OPEN_COMPLAINT("! \"a"), NULL},
    {"payload-regex", "\"", OPEN_COMPLAINT("\""), NULL},
    {"payload-regex", "\"a(b\"",
     "'a(b' is no regular expression: at byte 3: missing closing parenthesis", NULL},
    {"payload-regex", "\"(*UTF)x\"",
     "'(*UTF)x' is no regular expression: at byte 6: using UTF is disabled by the application",
     NULL},
    {"delay", "200ms", "is not in this version yet: leave it out", NULL},
};

static void make_rule(char *buffer, size_t size, const char *context, const char *key,
                      const char *value)
{
    assert_true((size_t)snprintf(buffer, size, "[rule a]\n%s%s%s = %s\n",
                                 context != NULL ? context : "", context != NULL ? "\n" : "", key,
                                 value) < size);
}

static void test_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
        const struct right *right = &rights[i];
        const char *printed = right->printed != NULL ? right->printed : right->value;
        char text[512];
        char *dump;

        make_rule(text, sizeof(text), right->context, right->key, right->value);
        dump = fixture_dump(text);
        assert_string_equal(fixture_value(dump, "[rule a]\n", right->key), printed);
        free(dump);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
        const struct wrong *wrong = &wrongs[i];
        char text[512], expected[512];

        make_rule(text, sizeof(text), wrong->context, wrong->key, wrong->value);
        snprintf(expected, sizeof(expected), "test.conf:%d: [rule a] %s: %s",
                 wrong->context != NULL ? 3 : 2, wrong->key, wrong->complaint);
        assert_string_equal(fixture_complaints(text), expected);
    }
}

/* A key that no test gives a right and a wrong value is one that was added without its tests. */
static bool is_tested(const char *key)
{
    bool right = false, wrong = false;

    for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
        right |= strcmp(rights[i].key, key) == 0;
    for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
        wrong |= strcmp(wrongs[i].key, key) == 0;
    return right && wrong;
}

static void test_every_key_is_tested(void **state)
{
    (void)state;
    for (size_t i = 0; i < match_type_count; i++)
        assert_true(is_tested(match_types[i]->key));
    for (size_t i = 0; i < action_type_count; i++)
        assert_true(is_tested(action_types[i]->key));
}

/* ICMPv6 in IPv4 exists as a protocol number, but not with codes of its own. */
static void test_three_way_contradiction(void **state)
{
    (void)state;
    assert_string_equal(
        fixture_complaints("[rule a]\nfamily = ipv4, ipv6\nproto = icmpv6\nicmp-code = "
                           "port-unreachable\ndst = 192.0.2.1\nset-ttl = 3\n"),
        "test.conf:4: [rule a] icmp-code: no packet fits this together with the other keys of the "
        "rule");
}

static void test_all_errors_at_once(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints("[main]\npolicy = x\n[rule a]\nproto = tcp\ndport = "
                                           "65536\nttl = 300\n[rule b]\nicmp-type = foo\n"),
                        "test.conf:2: [main] policy: 'x' is not a policy: accept, drop\n"
                        "test.conf:5: [rule a] dport: '65536' is out of range: a port is a number "
                        "from 0 to 65535\n"
                        "test.conf:6: [rule a] ttl: '300' is out of range: a TTL is a number from "
                        "0 to 255\n"
                        "test.conf:8: [rule b] icmp-type: 'foo' is not an ICMP type: a name such "
                        "as echo-request, or with family = ipv4 or ipv6 a number from 0 to 255");
}

/* Warnings alone do not refuse anything; a hundred and more of them do not either. */
static void test_rules_that_see_nothing(void **state)
{
    char text[8192] = "[divert]\nfamily = ipv4\n";

    (void)state;
    assert_string_equal(
        fixture_complaints("[rule a]\ndirection = forward\nttl = 1\n"),
        "test.conf:1: [rule a] warning: sees no packet: [divert] direction does not divert what "
        "the rule is for");
    assert_string_equal(fixture_complaints("[rule a]\ndirection = out, forward\n"), "");
    for (int i = 0; i < 150; i++)
        sprintf(text + strlen(text), "[rule r%d]\ndst = 2001:db8::%x\n", i, i);
    assert_int_equal(strncmp(fixture_complaints(text), "test.conf:3: [rule r0] warning: ", 32), 0);
    assert_null(strstr(fixture_complaints(text), "[rule r100]"));
}

/* Rules may share a capture, but not disagree about its files. */
static void test_shared_captures(void **state)
{
    (void)state;
    assert_string_equal(
        fixture_complaints("[rule a]\ncapture = c size 1MiB\n[rule b]\ncapture = c\n"),
        "test.conf:4: [rule b] capture: rule a captures to 'c' with another size or number of "
        "files");
    assert_string_equal(
        fixture_complaints("[rule a]\ncapture = c files 3\n[rule b]\ncapture = c files 4\n"),
        "test.conf:4: [rule b] capture: rule a captures to 'c' with another size or number of "
        "files");
    assert_string_equal(fixture_complaints("[rule a]\ncapture = c files 3 snaplen 64\n"
                                           "[rule b]\ncapture = c snaplen 128 files 3\n"
                                           "[rule d]\ncapture = d\n"),
                        "");
}

static void test_rules_for_later_fragments(void **state)
{
    (void)state;
    assert_string_equal(
        fixture_complaints("[rule a]\npayload = \"x\"\nfragment = later\nttl = 3\n"),
        "test.conf:2: [rule a] payload: never holds with fragment = later: only a first fragment "
        "is looked at");
    assert_string_equal(
        fixture_complaints("[rule a]\nfragment = yes, !first\npayload = 0x00\n"),
        "test.conf:3: [rule a] payload: never holds with fragment = later: only a first fragment "
        "is looked at");
    assert_string_equal(fixture_complaints("[rule a]\npayload = \"x\"\nfragment = yes\n"), "");
    assert_string_equal(fixture_complaints("[rule a]\ndport = 80\nfragment = later\n"), "");
    assert_string_equal(fixture_complaints("[rule a]\nicmp-type = ping\nfragment = later\n"), "");
}

/* In the order of the lines, whatever is looked at first. */
static void test_order_of_errors(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints("[rule a]\nverdict = x\nicmp-type = x\nttl = x\n"
                                           "xyzzy = 1\n[main]\npolicy = x\n"),
                        "test.conf:2: [rule a] verdict: 'x' is not a verdict: accept, drop or "
                        "reject [KIND]\n"
                        "test.conf:3: [rule a] icmp-type: 'x' is not an ICMP type: a name such as "
                        "echo-request, or with family = ipv4 or ipv6 a number from 0 to 255\n"
                        "test.conf:4: [rule a] ttl: 'x' is not a TTL: a number from 0 to 255\n"
                        "test.conf:5: [rule a] xyzzy: unknown key: ipmodd.conf(5) lists the "
                        "matches and actions\n"
                        "test.conf:7: [main] policy: 'x' is not a policy: accept, drop");
}

/* payload may repeat; any other key stands once. */
static void test_repeated_keys(void **state)
{
    char *dump = fixture_dump("[rule a]\npayload = 0x01\npayload = !0x02 @ 3\n");

    (void)state;
    assert_non_null(strstr(dump, "payload = 0x01\npayload = !0x02 @ 3\n"));
    free(dump);
    assert_string_equal(fixture_complaints("[rule a]\nttl = 1\nttl = 2\n"),
                        "test.conf:3: [rule a] ttl: stands twice in this section, first in line 2");
}

static void test_deciding_action_comes_last(void **state)
{
    char *dump = fixture_dump("[rule a]\nverdict = drop\nset-ttl = 3\nset-dscp = ef\n");

    (void)state;
    assert_non_null(strstr(dump, "set-ttl = 3\nset-dscp = ef\nverdict = drop\n"));
    free(dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_every_key_is_tested),
        cmocka_unit_test(test_three_way_contradiction),
        cmocka_unit_test(test_all_errors_at_once),
        cmocka_unit_test(test_rules_that_see_nothing),
        cmocka_unit_test(test_shared_captures),
        cmocka_unit_test(test_rules_for_later_fragments),
        cmocka_unit_test(test_order_of_errors),
        cmocka_unit_test(test_repeated_keys),
        cmocka_unit_test(test_deciding_action_comes_last),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
