/* SPDX-License-Identifier: MIT */
/* Tests of the network from the inside: one function a kind, each gives an exit status. */
#ifndef NETTEST_H
#define NETTEST_H

#include "lib/socket.h"
#include <stdint.h>

#define SECOND 1000000000ul

/* Says what failed; gives 1. */
int nettest_fail(const char *what, int64_t status);
uint64_t nettest_now(void);

/* Byte number at of stream number n: no two streams are alike. */
static inline unsigned char nettest_byte(uint32_t n, uint32_t at)
{
    uint32_t x = (at / 4 + 1) * 2654435761u ^ n * 40503u;
    return (unsigned char)(x >> (8 + at % 4 * 4));
}

/* A server that sends back what it gets, until a connection begins with "quit". */
int nettest_echo(uint32_t port);

/* Connections over loopback, at once, that many bytes there and back on each; compared. */
int nettest_loop(uint32_t connections, uint32_t bytes);

/* Connections over loopback, one after the other, for ever, a line each. When the service is killed meanwhile an error has to
   be told, and it begins again. */
int nettest_repeat(void);

/* Datagrams over loopback, compared. */
int nettest_datagrams(uint32_t count);

/* Breaks the rules of shared memory and of requests, in many ways, and looks whether the service lives. */
int nettest_hostile(uint32_t seed, uint32_t rounds);

/* What must fail, and how. */
int nettest_errors(void);

#endif
