/* SPDX-License-Identifier: MIT */
/*
 * memcached: the memcached protocol on port 11211. engine.h is the protocol, store.h the memory,
 * lib/tcp_server.h the loop. All memory of its container that connections do not need is the store's.
 */
#include "engine.h"
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/socket.h"
#include "lib/startup.h"
#include "lib/tcp_server.h"
#include "memory.h"
#include <stdio.h>
#include <stdlib.h>

#define PORT 11211
#define CONNECTIONS 1024u
#define PAGES 2048u
#define SECOND 1000000000ul
#define CONNECTION_PAGES (CONNECTIONS * (sizeof(struct engine) + 128u) / PAGE_SIZE)
#define RESERVED (PAGES + CONNECTION_PAGES + 256u) /* sockets, connections, and the rest */
#define TIME_FIRST 2u /* the store's time when the system starts: "at once" is 1 */

static void start(void *state) { engine_start(state); }

static size_t take(void *state, const void *from, size_t bytes)
{
    store_time((uint32_t)(tcp_now() / SECOND) + TIME_FIRST);
    return engine_take(state, from, bytes);
}

static size_t give(void *state, void *to, size_t room) { return engine_give(state, to, room); }

static enum tcp_phase phase(const void *state)
{
    const struct engine *e = state;
    if (engine_has_more(e))
        return TCP_WRITING;
    if (e->ended)
        return TCP_ENDED;
    return engine_is_idle(e) ? TCP_IDLE : TCP_READING;
}

static uint64_t turns(const void *state)
{
    const struct engine *e = state;
    return e->turns;
}

/* A command that is not whole in time says nothing more. */
static void late(void *state) { engine_end(state); }

static void end(void *state) { engine_end(state); }

/* Differs from start to start as far as the clock does; it only has to be unknown to clients. */
static uint64_t seed_make(void) { return atm_clock().r[0] * 0x9e3779b97f4a7c15u | 1; }

int main(void)
{
    static const struct tcp_engine engine = {
        sizeof(struct engine), start, take, give, phase, turns, late, end};
    static const struct tcp_server server = {
        .engine = &engine,
        .port = PORT,
        .connections = CONNECTIONS,
        .pages = PAGES,
        .limit = {[TCP_IDLE] = 3600 * SECOND,
                  [TCP_READING] = 30 * SECOND,
                  [TCP_WRITING] = 30 * SECOND,
                  [TCP_ENDED] = 3 * SECOND},
    };
    struct store_memory memory;
    int64_t status = memory_make(&memory, RESERVED);
    if (status < 0) {
        fprintf(stderr, "memcached: its quota is too small for a store: %s\n",
                atm_error_text(status));
        return 2;
    }
    if (startup_epoch() != 0)
        command_epoch = startup_epoch() / SECOND - TIME_FIRST;
    store_setup(&memory, seed_make());
    status = tcp_serve(&server);
    if (status == -SOCKET_NO_SERVICE) /* no network: nothing to serve, and nothing wrong */
        return 0;
    fprintf(stderr, "memcached: %s\n", socket_error_text(status));
    return 1;
}
