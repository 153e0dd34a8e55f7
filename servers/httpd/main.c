/* SPDX-License-Identifier: MIT */
/*
 * httpd: HTTP/1.1 on port 80. http.h is the protocol, site.h what is shown, lib/tcp_server.h the loop.
 *
 * Environment: ROOT is the folder whose files are seen at "/" besides their own path.
 */
#include "lib/socket.h"
#include "lib/tcp_server.h"
#include "site.h"
#include <stdio.h>
#include <stdlib.h>

#define PORT 80
#define CONNECTIONS 1024u
#define PAGES 4096u
#define SECOND 1000000000ul

static void start(void *state) { http_start(state, &site); }

static size_t take(void *state, const void *from, size_t bytes)
{
    return http_take(state, from, bytes);
}

static size_t give(void *state, void *to, size_t room) { return http_give(state, to, room); }

static enum tcp_phase phase(const void *state)
{
    const struct http_connection *c = state;
    if (c->state == HTTP_ENDED)
        return TCP_ENDED;
    if (c->state == HTTP_ANSWERING)
        return TCP_WRITING;
    return http_is_idle(c) ? TCP_IDLE : TCP_READING;
}

static uint64_t turns(const void *state)
{
    const struct http_connection *c = state;
    return c->turns;
}

static void late(void *state) { http_late(state); }

static void end(void *state) { http_end(state); }

int main(void)
{
    static const struct tcp_engine engine = {
        sizeof(struct http_connection), start, take, give, phase, turns, late, end};
    static const struct tcp_server server = {
        .engine = &engine,
        .port = PORT,
        .connections = CONNECTIONS,
        .pages = PAGES,
        .limit = {[TCP_IDLE] = 60 * SECOND,
                  [TCP_READING] = 15 * SECOND,
                  [TCP_WRITING] = 30 * SECOND,
                  [TCP_ENDED] = 3 * SECOND},
    };
    site_setup(getenv("ROOT"));
    int64_t status = tcp_serve(&server);
    if (status == -SOCKET_NO_SERVICE) /* no network: nothing to serve, and nothing wrong */
        return 0;
    fprintf(stderr, "httpd: %s\n", socket_error_text(status));
    return 1;
}
