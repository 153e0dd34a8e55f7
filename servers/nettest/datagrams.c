/* SPDX-License-Identifier: MIT */
/* Datagrams over loopback; and what must fail. */
#include "nettest.h"
#include <stdio.h>
#include <string.h>

#define PORT 5353u

static const struct socket_address loopback = {SOCKET_IPV4, PORT, {127, 0, 0, 1}};

static uint32_t size_of(uint32_t n) { return n * 97 % (SOCKET_DATAGRAM_MAX + 1); }

static int datagram_there(int from, int to, uint32_t n)
{
    static unsigned char out[SOCKET_DATAGRAM_MAX], in[SOCKET_DATAGRAM_MAX];
    struct socket_address peer;
    uint32_t bytes = size_of(n);
    for (uint32_t i = 0; i < bytes; i++)
        out[i] = nettest_byte(n, i);
    int64_t status = socket_sendto(from, out, bytes, &loopback);
    if (status != bytes)
        return nettest_fail("sendto", status);
    status = socket_recvfrom(to, in, sizeof in, &peer, nettest_now() + 10 * SECOND);
    if (status != bytes || memcmp(in, out, bytes) != 0)
        return nettest_fail("recvfrom", status);
    return peer.family == SOCKET_IPV4 && peer.ip[0] == 127 ? 0 : nettest_fail("the peer", 0);
}

int nettest_datagrams(uint32_t count)
{
    int from = socket_open(SOCKET_UDP), to = socket_open(SOCKET_UDP);
    int64_t status = from < 0 ? from : to < 0 ? to : socket_bind(to, &loopback);
    if (status != 0)
        return nettest_fail("opening", status);
    for (uint32_t n = 0; n < count; n++)
        if (datagram_there(from, to, n) != 0)
            return 1;
    printf("%u datagrams\n", count);
    return 0;
}

/* 0 if it is as it should be. */
static int expect(const char *what, int64_t status, int64_t wanted)
{
    if (status == wanted)
        return 0;
    fprintf(stderr, "nettest: %s: \"%s\" where \"%s\" should be\n", what, socket_error_text(status),
            socket_error_text(wanted));
    return 1;
}

static int errors_of_addresses(void)
{
    struct socket_address nobody = {SOCKET_IPV4, 9, {127, 0, 0, 1}};
    struct socket_address away = {SOCKET_IPV4, 9, {10, 99, 0, 1}};
    struct socket_address foreign = {SOCKET_IPV4, 80, {8, 8, 8, 8}};
    struct socket_address none = {0};
    uint64_t until = nettest_now() + 10 * SECOND;
    int a = socket_open(SOCKET_TCP), b = socket_open(SOCKET_TCP), c = socket_open(SOCKET_TCP);
    int wrong = expect("nobody listens", socket_connect(a, &nobody, until), -SOCKET_REFUSED);
    wrong += expect("afterwards", socket_send(a, "x", 1, SOCKET_NOW), -SOCKET_REFUSED);
    wrong += expect("no address", socket_connect(b, &none, until), -SOCKET_ADDRESS);
    wrong += expect("not the own address", socket_bind(b, &foreign), -SOCKET_ADDRESS);
    int64_t status = socket_connect(c, &away, SOCKET_NOW);
    if (status != -SOCKET_UNREACHABLE && status != -ERR_WOULD_BLOCK)
        wrong += expect("no route", status, -SOCKET_UNREACHABLE);
    socket_close(a);
    socket_close(b);
    socket_abort(c);
    return wrong;
}

static int errors_of_ports(void)
{
    struct socket_address any = {.port = 4242};
    int a = socket_open(SOCKET_TCP), b = socket_open(SOCKET_TCP);
    int wrong = expect("bind", socket_bind(a, &any), 0) + expect("listen", socket_listen(a, 1), 0);
    wrong += expect("bind again", socket_bind(a, &any), -SOCKET_STATE);
    int64_t status = socket_bind(b, &any);
    if (status == 0)
        status = socket_listen(b, 1);
    wrong += expect("port in use", status, -SOCKET_IN_USE);
    wrong += expect("accept", socket_accept(a, NULL, SOCKET_NOW), -ERR_WOULD_BLOCK);
    wrong += expect("send on a listener", socket_send(a, "x", 1, SOCKET_NOW), -SOCKET_TYPE);
    wrong += expect("not connected", socket_recv(b, &any, 1, SOCKET_NOW), -SOCKET_STATE);
    socket_close(a);
    socket_close(b);
    return wrong;
}

static int errors_of_datagrams(void)
{
    static char big[SOCKET_DATAGRAM_MAX + 1];
    int s = socket_open(SOCKET_UDP);
    int wrong = expect("too long", socket_sendto(s, big, sizeof big, &loopback), -SOCKET_TOO_LONG);
    wrong += expect("no peer", socket_send(s, "x", 1, SOCKET_NOW), -SOCKET_STATE);
    wrong += expect("listening", socket_listen(s, 1), -SOCKET_TYPE);
    wrong += expect("nothing there", socket_recvfrom(s, big, 1, NULL, SOCKET_NOW), -ERR_WOULD_BLOCK);
    wrong += expect("nothing in time", socket_recvfrom(s, big, 1, NULL, nettest_now() + 1000000),
                    -SOCKET_TIMED_OUT);
    socket_close(s);
    return wrong;
}

int nettest_errors(void)
{
    char byte;
    int wrong = expect("no such socket", socket_close(40), -SOCKET_BAD);
    wrong += expect("below 0", socket_recv(-1, &byte, 1, SOCKET_NOW), -SOCKET_BAD);
    wrong += errors_of_addresses() + errors_of_ports() + errors_of_datagrams();
    int all[65], n = 0;
    while (n < 65 && (all[n] = socket_open(SOCKET_UDP)) >= 0)
        n++;
    wrong += expect("too many sockets", n < 65 ? all[n] : 0, -SOCKET_NONE_FREE);
    while (n > 0)
        socket_close(all[--n]);
    printf("%d errors that were not as they should be\n", wrong);
    return wrong != 0;
}
