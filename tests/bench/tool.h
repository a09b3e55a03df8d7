/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs of the bench share: giving up, numbers, the clock, addresses, the signal to
 * stop.
 *
 * They are small tools that run for seconds: any failure ends the program with a message, so no
 * function here returns an error.
 */
#ifndef IPMODD_BENCH_TOOL_H
#define IPMODD_BENCH_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NS_PER_S 1000000000ULL

/* Prints the message with what errno says, and exits with 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The decimal number in TEXT, which must be MIN to MAX. */
uint64_t number(const char *text, uint64_t min, uint64_t max);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

/* Numeric ADDRESS and PORT as a socket address; its length. */
socklen_t address_of(const char *address, const char *port, struct sockaddr_storage *ret_address);

/* A UDP socket that takes datagrams of both families on PORT; its buffer has room for a burst. */
int udp_bind(uint16_t port);

/* Tells the bench that the program is set up: it waits for this line. */
void say_ready(void);

/* After this SIGTERM makes stop_wanted() true instead of ending the program. */
void stop_on_sigterm(void);
bool stop_wanted(void);

#endif
