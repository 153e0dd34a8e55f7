/* SPDX-License-Identifier: MIT */
/*
 * A TCP server for many connections in one thread. The protocol is an engine without sockets: bytes
 * in, bytes out (servers/httpd, memcached, export have one each). This loop accepts, moves bytes
 * between sockets and engines in place, and looks after what clients do wrong: each phase of a
 * connection has a time limit, and when all places are taken the connection that has been idle longest
 * makes room.
 */
#ifndef LIB_TCP_SERVER_H
#define LIB_TCP_SERVER_H

#include <stddef.h>
#include <stdint.h>

/* What a connection is doing; each has its own time limit. */
enum tcp_phase {
    TCP_IDLE,    /* between requests: it may be closed to make room for another */
    TCP_READING, /* a request has begun and is not whole; the limit is for all of it */
    TCP_WRITING, /* an answer is being given; the limit is for each piece */
    TCP_ENDED,   /* all is given; the rest of what the client sends is of no interest */
    TCP_PHASES
};

struct tcp_engine {
    size_t bytes; /* of a connection's state */
    /* Begins a connection in zeroed state (once), or in that of one that has ended. */
    void (*start)(void *state);
    /* Takes bytes that have arrived; gives how many. They may change while they are looked at. */
    size_t (*take)(void *state, const void *from, size_t bytes);
    /* Puts bytes to be sent; gives how many. Room is never 0. */
    size_t (*give)(void *state, void *to, size_t room);
    enum tcp_phase (*phase)(const void *state);
    /* How many requests have begun: a new one gets its own time. */
    uint64_t (*turns)(const void *state);
    /* The time limit of reading has passed: the engine may answer, and ends. */
    void (*late)(void *state);
    /* The connection is gone. */
    void (*end)(void *state);
};

struct tcp_server {
    const struct tcp_engine *engine;
    uint16_t port;
    uint32_t connections;       /* at once, at most */
    uint32_t pages;             /* that all of them share for data in flight */
    uint64_t limit[TCP_PHASES]; /* nanoseconds; of TCP_ENDED: until the client has seen the end */
};

struct tcp_count {
    uint64_t open, accepted, crowded_out, late;
};
extern struct tcp_count tcp_count;

/* Nanoseconds since boot, as of the last look at the clock: for engines. */
uint64_t tcp_now(void);

/* Serves for ever; returns a socket error when the network cannot be used. */
int64_t tcp_serve(const struct tcp_server *server);

#endif
