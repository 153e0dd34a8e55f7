/* SPDX-License-Identifier: MIT */
/*
 * export: all mounted files over 9P2000.L on TCP port 564, for other systems' clients. tree.h is the file
 * system, engine.h the protocol, lib/tcp_server.h the loop.
 *
 * There is no authentication: who reaches the port may do what this program may.
 */
#include "engine.h"
#include "lib/socket.h"
#include "lib/tcp_server.h"
#include "tree.h"
#include <stdio.h>

#define PORT 564
#define CONNECTIONS 32u
#define PAGES 1024u
#define SECOND 1000000000ul

static struct ninep_server server_of_all = {.ops = &tree_ops};

static void start(void *state) { export_start(state, &server_of_all); }

static size_t take(void *state, const void *from, size_t bytes)
{
    return export_take(state, from, bytes);
}

static size_t give(void *state, void *to, size_t room) { return export_give(state, to, room); }

static enum tcp_phase phase(const void *state)
{
    const struct export_engine *e = state;
    if (e->out_at < e->out_end)
        return TCP_WRITING;
    if (e->ended)
        return TCP_ENDED;
    return e->in_used == 0 ? TCP_IDLE : TCP_READING;
}

static uint64_t turns(const void *state)
{
    const struct export_engine *e = state;
    return e->turns;
}

/* A message that is not whole in time can only be the last. */
static void end(void *state) { export_end(state); }

int main(void)
{
    static const struct tcp_engine engine = {
        sizeof(struct export_engine), start, take, give, phase, turns, end, end};
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
    int64_t status = tcp_serve(&server);
    if (status == -SOCKET_NO_SERVICE) /* no network: nothing to serve, and nothing wrong */
        return 0;
    fprintf(stderr, "export: %s\n", socket_error_text(status));
    return 1;
}
