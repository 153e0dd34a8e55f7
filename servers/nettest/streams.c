/* SPDX-License-Identifier: MIT */
/*
 * Streams: an echo server, and connections of this program to itself. Both sides are in one loop of
 * socket_poll, so what is tested is that no connection is forgotten and none waits for another.
 */
#include "nettest.h"
#include "lib/socket_wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOP_PORT 7777u
#define LISTENER UINT64_MAX
#define ECHO_MARK (1ul << 32) /* cookie of an accepted connection */
#define EVENTS 64
#define STREAMS_MAX 1000u
#define PATIENCE (60 * SECOND)
#define PIECE 3000u

struct stream {
    int socket; /* -1: done */
    uint32_t sent, got;
};

struct loop {
    struct stream *stream;
    uint32_t count, bytes, done;
    int listener;
};

static int listen_on(uint32_t port, uint32_t family)
{
    struct socket_address any = {.family = family, .port = port};
    int s = socket_open(SOCKET_TCP);
    int64_t status = s < 0 ? s : socket_bind(s, &any);
    if (status == 0)
        status = socket_listen(s, 1024);
    return status < 0 ? (int)status : s;
}

/* Sends back as much as has come and as there is room for. 0: it goes on; 1: it is closed; 2: quit. */
static int echo_some(int s)
{
    for (;;) {
        const void *from = NULL;
        int64_t there = socket_recv_view(s, &from);
        if (there == -ERR_WOULD_BLOCK) {
            socket_watch(s, SOCKET_CAN_READ, ECHO_MARK);
            return 0;
        }
        if (there <= 0) {
            socket_close(s);
            return 1;
        }
        if (there >= 4 && memcmp(from, "quit", 4) == 0)
            return 2;
        int64_t sent = socket_send_later(s, from, (size_t)there);
        if (sent < 0) {
            socket_close(s);
            return 1;
        }
        socket_recv_done(s, (size_t)sent);
        if (sent == 0) {
            socket_watch(s, SOCKET_CAN_WRITE, ECHO_MARK);
            return 0;
        }
    }
}

static void accept_all(int listener)
{
    int s;
    while ((s = socket_accept(listener, NULL, SOCKET_NOW)) >= 0)
        socket_watch(s, SOCKET_CAN_READ, ECHO_MARK);
}

int nettest_echo(uint32_t port)
{
    struct socket_event event[EVENTS];
    int64_t status = socket_setup(1200, 4096, 0);
    int listener = status == 0 ? listen_on(port, SOCKET_ANY_FAMILY) : (int)status;
    if (listener < 0)
        return nettest_fail("listening", listener);
    socket_watch(listener, SOCKET_CAN_READ, LISTENER);
    printf("echo on port %u\n", port);
    fflush(stdout);
    for (;;) {
        int n = socket_poll(event, EVENTS, NULL, SOCKET_FOREVER);
        if (n < 0)
            return nettest_fail("poll", n);
        for (int i = 0; i < n; i++)
            if (event[i].cookie == LISTENER)
                accept_all(listener);
            else if (echo_some(event[i].socket) == 2)
                return 0;
    }
}

/* One connection to itself, on its way. */
static int stream_begin(struct loop *l, uint32_t i)
{
    struct socket_address peer = {.family = SOCKET_IPV4, .port = LOOP_PORT, .ip = {127, 0, 0, 1}};
    if (i % 2 == 1)
        peer = (struct socket_address){SOCKET_IPV6, LOOP_PORT, {[15] = 1}};
    int s = socket_open(SOCKET_TCP);
    if (s < 0)
        return nettest_fail("opening", s);
    int64_t status = socket_connect(s, &peer, SOCKET_NOW);
    if (status != -ERR_WOULD_BLOCK && status != 0)
        return nettest_fail("connecting", status);
    l->stream[i].socket = s;
    socket_watch(s, SOCKET_CAN_READ | SOCKET_CAN_WRITE, i);
    return 0;
}

static int stream_send(struct loop *l, uint32_t i)
{
    struct stream *t = &l->stream[i];
    for (;;) {
        void *to = NULL;
        int64_t room = t->sent < l->bytes ? socket_send_room(t->socket, &to) : 0;
        if (room <= 0)
            return room < 0 ? nettest_fail("sending", room) : 0;
        uint32_t piece = l->bytes - t->sent < room ? l->bytes - t->sent : (uint32_t)room;
        for (uint32_t k = 0; k < piece; k++)
            ((unsigned char *)to)[k] = nettest_byte(i, t->sent + k);
        socket_send_commit(t->socket, piece);
        t->sent += piece;
        if (t->sent == l->bytes) {
            socket_watch(t->socket, SOCKET_CAN_READ, i);
            socket_shutdown(t->socket);
        }
    }
}

static int stream_receive(struct loop *l, uint32_t i)
{
    struct stream *t = &l->stream[i];
    for (;;) {
        const void *from = NULL;
        int64_t there = socket_recv_view(t->socket, &from);
        if (there == -ERR_WOULD_BLOCK)
            return 0;
        if (there < 0)
            return nettest_fail("receiving", there);
        if (there == 0) {
            socket_close(t->socket);
            t->socket = -1;
            l->done++;
            return t->got == l->bytes ? 0 : nettest_fail("a stream ended early", t->got);
        }
        for (int64_t k = 0; k < there; k++)
            if (((const unsigned char *)from)[k] != nettest_byte(i, t->got + (uint32_t)k))
                return nettest_fail("a byte came back as another", i);
        t->got += (uint32_t)there;
        socket_recv_done(t->socket, (size_t)there);
    }
}

static int loop_event(struct loop *l, const struct socket_event *e)
{
    if (e->cookie == LISTENER) {
        accept_all(l->listener);
        return 0;
    }
    if (e->cookie == ECHO_MARK)
        return echo_some(e->socket) == 2;
    uint32_t i = (uint32_t)e->cookie;
    if (l->stream[i].socket != e->socket)
        return 0;
    if (stream_send(l, i) != 0)
        return 1;
    return l->stream[i].socket < 0 ? 0 : stream_receive(l, i);
}

int nettest_loop(uint32_t connections, uint32_t bytes)
{
    struct socket_event event[EVENTS];
    static struct stream stream[STREAMS_MAX];
    struct loop l = {stream, connections, bytes, 0, -1};
    if (connections > STREAMS_MAX)
        return nettest_fail("so many", -SOCKET_NONE_FREE);
    /* Four rings a connection, each as full as it may be: both sides are this program's. */
    uint32_t ring = bytes < WIRE_RING ? bytes / WIRE_CHUNK + 2 : WIRE_RING_CHUNKS;
    int64_t status = socket_setup(2 * connections + 1, 32 + 4 * ring * connections / 2, 0);
    if (status != 0)
        return nettest_fail("setup", status);
    l.listener = listen_on(LOOP_PORT, SOCKET_ANY_FAMILY);
    if (l.listener < 0)
        return nettest_fail("listening", l.listener);
    socket_watch(l.listener, SOCKET_CAN_READ, LISTENER);
    for (uint32_t i = 0; i < connections; i++)
        if (stream_begin(&l, i) != 0)
            return 1;
    while (l.done < connections) {
        int n = socket_poll(event, EVENTS, NULL, nettest_now() + PATIENCE);
        if (n <= 0)
            return nettest_fail("poll", n == 0 ? -SOCKET_TIMED_OUT : n);
        for (int i = 0; i < n; i++)
            if (loop_event(&l, &event[i]) != 0)
                return 1;
    }
    printf("%u connections, %u bytes each way\n", connections, bytes);
    return 0;
}

/* ---- over and over ---- */

/* Sends a piece of stream number n on one end and compares what comes at the other. 0, an error that
   was told, or 1: other bytes came. */
static int64_t piece_carry(int from, int to, uint32_t n)
{
    unsigned char out[PIECE], in[PIECE];
    for (uint32_t i = 0; i < PIECE; i++)
        out[i] = nettest_byte(n, i);
    int64_t status = socket_send(from, out, PIECE, nettest_now() + PATIENCE);
    for (uint32_t got = 0; status > 0 && got < PIECE; got += (uint32_t)status)
        status = socket_recv(to, in + got, PIECE - got, nettest_now() + PATIENCE);
    if (status <= 0)
        return status == 0 ? -SOCKET_RESET : status;
    return memcmp(in, out, PIECE) != 0;
}

/* Accepts the other end of a connection of this program; an error that was told to this end, as the
   connection may be lost before. */
static int64_t end_accept(int listener, int there)
{
    struct socket_event event;
    char byte;
    socket_watch(listener, SOCKET_CAN_READ, 0);
    socket_watch(there, SOCKET_CAN_READ, 0);
    int n = socket_poll(&event, 1, NULL, nettest_now() + PATIENCE);
    socket_watch(listener, 0, 0);
    socket_watch(there, 0, 0);
    if (n <= 0)
        return n == 0 ? -SOCKET_TIMED_OUT : n;
    int64_t here = socket_accept(listener, NULL, SOCKET_NOW);
    if (here != -ERR_WOULD_BLOCK)
        return here;
    int64_t got = socket_recv(there, &byte, 1, SOCKET_NOW);
    return got < 0 ? got : -SOCKET_RESET;
}

/* A connection to the own listener, there and back. */
static int64_t round_run(int listener, uint32_t n)
{
    struct socket_address peer = {.family = SOCKET_IPV4, .port = LOOP_PORT, .ip = {127, 0, 0, 1}};
    int there = socket_open(SOCKET_TCP), here = -1;
    int64_t status = there < 0 ? there : socket_connect(there, &peer, nettest_now() + PATIENCE);
    if (status == 0)
        status = here = (int)end_accept(listener, there);
    if (here >= 0)
        status = piece_carry(there, here, n);
    if (status == 0)
        status = piece_carry(here, there, n + 1);
    if (here >= 0)
        socket_close(here);
    if (there >= 0)
        socket_close(there);
    return status;
}

int nettest_repeat(void)
{
    int64_t status = socket_setup(8, 64, 0);
    int listener = status == 0 ? listen_on(LOOP_PORT, SOCKET_ANY_FAMILY) : (int)status;
    if (listener < 0)
        return nettest_fail("listening", listener);
    for (uint32_t n = 1;; n++) {
        status = round_run(listener, n);
        if (status > 0)
            return nettest_fail("a byte came back as another", n);
        if (status < 0)
            printf("nettest: begun again: %s\n", socket_error_text(status));
        else
            printf("nettest: round %u\n", n);
    }
}
